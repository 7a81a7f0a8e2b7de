import { unknownParts } from './config/unknown-parts.ts';
import { textProblems } from './errors/text-problems.ts';
import { areWords } from './errors/words.ts';
import { policyProblems } from './http/policy-additions.ts';
import { loginParameterProblems } from './session/login-parameters.ts';
import type { AnySite } from './site.ts';

/** What is wrong with a site but for its pages and settings, each a sentence with what to do. */
export function siteProblems(site: AnySite): string[] {
  if (typeof site !== 'object' || site === null)
    return ['site.ts: it must export a `site`: export const site = defineSite({ … }).'];
  const { name, description, help, pages, routes, publicRoutes, open, signIn, place, apis } = site;
  const problems = unknownParts(site, siteParts).map((text) => `site.ts: ${text}`);
  if (name === undefined || name === '')
    problems.push('site.ts: `name` is missing. Say what the app is called.');
  else if (!areWords(name)) problems.push('site.ts: `name` must be a string, or one for each language.');
  if (description !== undefined && !areWords(description))
    problems.push('site.ts: `description` must be a sentence that says what the app is for.');
  if (help !== undefined && !areHelp(help))
    problems.push('site.ts: `help` must be a mailto: or an https address, such as mailto:help@example.com.');
  for (const [part, value] of Object.entries({ pages, routes, publicRoutes, open, signIn, place, apis })) {
    if (value === undefined || (typeof value === 'function' && !isRouter(value))) continue;
    problems.push(`site.ts: \`${part}\` must be a function, such as ${examples[part]}`);
  }
  if (pages === undefined) problems.push('site.ts: `pages` is missing. It returns the list of your pages.');
  const more = [
    ...loginParameterProblems(site.loginParameters),
    ...policyProblems(site.contentSecurityPolicy),
    ...textProblems(site.texts),
  ];
  return [...problems, ...more.map((text) => `site.ts: ${text}`)];
}

const examples: Record<string, string> = {
  pages: 'pages: () => [homePage].',
  routes: "routes: (router) => { router.get('/report', …); }.",
  publicRoutes: "publicRoutes: (router) => { router.get('/feed', …); }.",
  open: 'open: async ({ settings }) => ({ data, close }).',
  signIn: 'signIn: async ({ roles }) => ({ roles }).',
  place: "place: ({ req }) => req.get('X-City').",
  apis: 'apis: ({ settings }) => ({ notes: { url: settings.API_URL } }).',
};

/** Each of `SiteDefinition`. */
const siteParts = Object.keys({
  ...{ name: 1, description: 1, help: 1, settings: 1, open: 1, pages: 1, signIn: 1, place: 1, apis: 1 },
  ...{ routes: 1, publicRoutes: 1, loginParameters: 1, contentSecurityPolicy: 1, texts: 1, types: 1 },
} satisfies Record<keyof AnySite, 1>);

/** One of Express, which is a function too. */
function isRouter(value: object): boolean {
  return 'stack' in value;
}

/** The same for everyone, or one for each language. */
function areHelp(help: unknown): boolean {
  return areWords(help) && typeof help === 'object' ? Object.values(help).every(isHelp) : isHelp(help);
}

function isHelp(help: unknown): boolean {
  if (typeof help !== 'string' || help.length > 500) return false;
  const url = URL.parse(help);
  return url?.protocol === 'https:' || /^mailto:[^\s@]+@[^\s@]+$/.test(help);
}
