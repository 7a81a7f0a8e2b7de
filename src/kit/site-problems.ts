import { nearest } from './config/nearest.ts';
import { textProblems } from './errors/text-problems.ts';
import { areWords } from './errors/words.ts';
import type { Folders } from './folders.ts';
import { ruleProblem } from './guard/rule-providers.ts';
import type { Rule } from './guard/rules.ts';
import { listFiles } from './http/assets.ts';
import { policyProblems } from './http/policy-additions.ts';
import { findView } from './http/views.ts';
import { fieldsOf } from './pages/forms/kinds.ts';
import { isFormSchema } from './pages/forms/schema.ts';
import { kitPages } from './pages/kit-pages.ts';
import { isPage, type Page } from './pages/page.ts';
import { isSamePath } from './pages/paths.ts';
import { loginParameterProblems } from './session/login-parameters.ts';
import type { AnySite } from './site.ts';

/** What is wrong with a site but for its pages and settings, each a sentence with what to do. */
export function siteProblems(site: AnySite): string[] {
  const { name, description, help, pages, routes, publicRoutes, open, signIn, place, apis } = site;
  const problems: string[] = [];
  if (name === undefined || name === '')
    problems.push('site.ts: `name` is missing. Say what the app is called.');
  else if (!areWords(name)) problems.push('site.ts: `name` must be a string, or one for each language.');
  if (description !== undefined && !areWords(description))
    problems.push('site.ts: `description` must be a sentence that says what the app is for.');
  if (help !== undefined && !areHelp(help))
    problems.push('site.ts: `help` must be a mailto: or an https address, such as mailto:help@example.com.');
  for (const [part, value] of Object.entries({ pages, routes, publicRoutes, open, signIn, place, apis })) {
    if (value !== undefined && typeof value !== 'function')
      problems.push(`site.ts: \`${part}\` must be a function.`);
  }
  if (pages === undefined) problems.push('site.ts: `pages` is missing. It returns the list of your pages.');
  const more = [
    ...loginParameterProblems(site.loginParameters),
    ...policyProblems(site.contentSecurityPolicy),
    ...textProblems(site.texts),
  ];
  return [...problems, ...more.map((text) => `site.ts: ${text}`)];
}

/**
 * What is wrong with the list that a site's `pages` returned, each a sentence that names the page.
 *
 * @param providers their names
 */
export function pageProblems(
  pages: unknown,
  { views, public: folders }: Folders,
  providers: readonly string[],
): string[] {
  if (!Array.isArray(pages)) return ['site.ts: `pages` must return a list of pages.'];
  const files = new Set(listFiles(folders).map(({ path }) => path));
  // Files are answered first, to everyone: one of a page's address would stand there in the place of its guard.
  const shadows = new Set([...files].map((path) => path.toLowerCase()));
  const ofTheKit = [...files].filter(isOfTheKit);
  const problems = pages.flatMap((page: unknown, index) => {
    if (!isPage(page)) {
      return `site.ts: number ${index + 1} of the list that \`pages\` returns is no page. Make it with definePage.`;
    }
    const about = (text: string) => `The page ${page.path}: ${text}`;
    const earlier = pages.slice(0, index).find((other) => isPage(other) && isSamePath(other.path, page.path));
    return [
      ...pathProblems(page),
      ...accessProblems(page),
      ...ruleProblems(page, providers),
      ...(shadows.has(String(page.path).toLowerCase())
        ? [`public${page.path} would be served in its place, to everyone. Rename one of them.`]
        : []),
      ...(earlier ? ['another page has the same path. Give one of them another.'] : []),
      ...(areWords(page.title) ? [] : ['it has no title.']),
      ...(page.nav === undefined || areWords(page.nav)
        ? []
        : ['its `nav` must be a string, or one for each language.']),
      ...viewProblems(page, views),
      ...(page.script === undefined || files.has(page.script)
        ? []
        : [`its script is not in public: there is no public${page.script}.`]),
      ...actionProblems(page),
    ].map(about);
  });
  return [
    ...problems,
    ...ofTheKit.map(
      (path) => `public${path} would be served in the place of an address of the kit's own. Rename it.`,
    ),
  ];
}

/** A page's own segments: letters, digits, `-`, `_`, `.` and `~`, or `:` and a name. */
const path = /^\/$|^(\/([\w.~-]+|:[A-Za-z_]\w*))+$/;

function pathProblems({ path: own, nav }: Page): string[] {
  if (typeof own !== 'string' || !path.test(own)) {
    return ['its path must be like /notes or /notes/:id, without a slash at its end.'];
  }
  const problems: string[] = [];
  const names = [...own.matchAll(/:(\w+)/g)].map((match) => match[1]);
  if (new Set(names).size < names.length) problems.push('its path has one parameter twice.');
  if (names.length > 0 && nav !== undefined) {
    problems.push('it has a parameter in its path, so it cannot be in the menu: remove `nav`.');
  }
  if (isOfTheKit(own)) {
    problems.push("its path is one of the kit's own. Give it another.");
  }
  return problems;
}

/** Whether an address is one of the kit's, or below /auth, which is the kit's as a whole. */
function isOfTheKit(address: string): boolean {
  if (/^\/(auth(\/|$)|(healthz|readyz)$)/i.test(address)) return true;
  return kitPages.some((page) => isSamePath(page.path, address));
}

function viewProblems({ view }: Page, folders: readonly string[]): string[] {
  if (findView(String(view), folders)) return [];
  const names = listFiles(folders).map(({ path: file }) => file.replace(/^\/|\.ejs$/g, ''));
  const near = nearest(String(view), new Set(names));
  return [`there is no views/${view}.ejs. ${near ? `Did you mean "${near}"?` : 'Write it.'}`];
}

function accessProblems({ access }: Page): string[] {
  const stated =
    access === 'everyone' ||
    access === 'signed-in' ||
    (typeof access === 'object' && access !== null && !Array.isArray(access));
  if (stated) return [];
  const now = typeof access === 'string' ? ` It is now "${String(access).slice(0, 40)}".` : '';
  return [`it does not say who may see it: set \`access\` to everyone, signed-in or a rule.${now}`];
}

function ruleProblems(page: Page, providers: readonly string[]): string[] {
  const actions = 'actions' in page ? Object.values(page.actions ?? {}) : [];
  const rules = [page.access, ...actions.map((action) => action?.access)];
  const problems = rules.map((rule) => (isRule(rule) ? ruleProblem(rule, providers) : undefined));
  return [...new Set(problems.filter((problem) => problem !== undefined))];
}

function isRule(access: unknown): access is Rule {
  return typeof access === 'object' && access !== null;
}

function actionProblems(page: Page): string[] {
  const actions = 'actions' in page ? (page.actions ?? {}) : {};
  const names = Object.keys(actions);
  if (names.length > 0 && page.access === 'everyone') {
    return ['it is for everyone, so it has no actions. Write a route in `publicRoutes` for its form.'];
  }
  return Object.entries(actions).flatMap(([name, action]) => {
    const about = `its action "${name.slice(0, 40)}"`;
    return [
      ...(/^[a-z0-9][\w-]*$/i.test(name) ? [] : [`${about} must have a name of letters, digits, - and _.`]),
      ...formProblems(action?.form).map((problem) => `${about} ${problem}`),
    ];
  });
}

function formProblems(form: unknown): string[] {
  if (form === undefined) return [];
  if (!isFormSchema(form)) {
    return [
      'must have a zod object as its `form`: z.object({ text: z.string() }). A transform belongs in one of its fields, or in `run`.',
    ];
  }
  return fieldsOf(form).flatMap(({ name, kind }) => {
    if (name === 'kit-form')
      return "has a field kit-form in its `form`, which is the kit's own. Give it another name.";
    if (kind.is !== 'nothing') return [];
    return `has the field ${name.slice(0, 40)} in its \`form\`, which no form can fill in. Fields are text, numbers, dates, checkboxes, choices, and lists of these.`;
  });
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
