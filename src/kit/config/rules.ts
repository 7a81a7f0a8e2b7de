import { isClaimOfRequestObject } from './authorization-parameters.ts';
import { outbound } from './outbound.ts';
import { isDevelopment } from './own-settings.ts';
import type { AllReadings, Reading } from './read.ts';
import { redisConflicts } from './redis-rules.ts';
import type { Values } from './settings.ts';
import { isLoopback, makeSecret } from './values.ts';

/** Different ones in a secret that was not made up by hand; 32 random hexadecimal digits hold about 14. */
const fewestCharacters = 10;

/** Settings that are right alone and wrong together. A value that was refused already is not judged again. */
export function conflicts({ common, providers }: AllReadings, env: NodeJS.ProcessEnv): string[] {
  return [
    ...redisConflicts(common.values, common.invalid, isDevelopment(env)),
    ...providers.flatMap(({ values, invalid, names }) =>
      [...answers(values), ...tenants(values, invalid), ...parameters(values), ...outbound({ values })].map(
        names.inFull,
      ),
    ),
    ...sessions(common.values),
    ...(env.NODE_TLS_REJECT_UNAUTHORIZED === '0'
      ? [
          'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pose as your provider: remove it, and name your own CA with EXTRA_CA_FILE.',
        ]
      : []),
  ];
}

function* answers({ BASE_URL, OIDC_RESPONSE_MODE }: Values) {
  if (BASE_URL && OIDC_RESPONSE_MODE === 'form_post' && !BASE_URL.startsWith('https:')) {
    yield 'OIDC_RESPONSE_MODE=form_post needs an https BASE_URL: its cookie is not sent over plain http. Use query here.';
  }
}

/** Entra's shared issuers sign in every Microsoft tenant there is, so somebody must say which are meant. */
function* tenants(
  { OIDC_ISSUER, OIDC_ALLOWED_TENANTS, OIDC_RESPONSE_MODE }: Values,
  invalid: Reading['invalid'],
) {
  if (!OIDC_ISSUER) return;
  if (OIDC_ALLOWED_TENANTS && OIDC_RESPONSE_MODE === 'jwt') {
    yield 'OIDC_RESPONSE_MODE=jwt does not work with OIDC_ALLOWED_TENANTS: a signed answer must name one issuer, and each tenant has its own. Use query, or the issuer of one tenant.';
  }
  const shared = isSharedEntraIssuer(OIDC_ISSUER);
  if (shared && !OIDC_ALLOWED_TENANTS && !invalid.has('OIDC_ALLOWED_TENANTS')) {
    yield 'OIDC_ALLOWED_TENANTS is missing. This issuer signs in users of every Microsoft tenant: name the ids of those you let in, or * to let `signIn` in site.ts decide.';
  }
  if (!shared && OIDC_ALLOWED_TENANTS) {
    yield 'OIDC_ALLOWED_TENANTS has no effect with an issuer of one tenant: remove it, or use the issuer ending in /organizations/v2.0.';
  }
}

/** One value twice: nobody could say which is meant. */
function* parameters(values: Values) {
  const { OIDC_AUTHORIZATION_PARAMETERS = {}, OIDC_REQUEST_OBJECT, OIDC_PROMPT, OIDC_UI_LOCALES } = values;
  const own = new Map([
    ['prompt', OIDC_PROMPT === undefined ? undefined : 'OIDC_PROMPT'],
    ['ui_locales', OIDC_UI_LOCALES === undefined ? undefined : 'OIDC_UI_LOCALES'],
  ]);
  for (const name of Object.keys(OIDC_AUTHORIZATION_PARAMETERS)) {
    if (OIDC_REQUEST_OBJECT && isClaimOfRequestObject(name)) {
      yield `OIDC_AUTHORIZATION_PARAMETERS has ${name}, and with OIDC_REQUEST_OBJECT=true the app sets that itself: remove it.`;
    }
    const setting = own.get(name.toLowerCase());
    if (setting === undefined) continue;
    yield `OIDC_AUTHORIZATION_PARAMETERS has ${name}, and ${setting} is set too: keep one of them.`;
  }
}

function isSharedEntraIssuer(issuer: string): boolean {
  const { hostname, pathname } = new URL(issuer);
  const microsoft = /(^|\.)(microsoftonline\.(com|us)|microsoftonline\.cn|chinacloudapi\.cn)$/.test(hostname);
  return (
    /^\/(common|organizations)\/v2\.0\/?$/.test(pathname) ||
    (microsoft && /^\/(common|organizations)(\/|$)/.test(pathname))
  );
}

function* sessions(values: Values) {
  const { BASE_URL, SESSION_SECRET, SESSION_SECRET_PREVIOUS, SESSION_IDLE_MINUTES, SESSION_MAX_HOURS } =
    values;
  const local = BASE_URL !== undefined && isLoopback(new URL(BASE_URL).hostname);
  if (SESSION_SECRET && !local && new Set(SESSION_SECRET).size < fewestCharacters) {
    yield `SESSION_SECRET is too easy to guess. ${makeSecret}`;
  }
  if (SESSION_SECRET && SESSION_SECRET === SESSION_SECRET_PREVIOUS) {
    yield 'SESSION_SECRET_PREVIOUS is the same as SESSION_SECRET: set it to the previous or the next one, or remove it.';
  }
  if (SESSION_IDLE_MINUTES && SESSION_MAX_HOURS && SESSION_IDLE_MINUTES > SESSION_MAX_HOURS * 60) {
    yield 'SESSION_IDLE_MINUTES is longer than SESSION_MAX_HOURS, so it has no effect: make it shorter.';
  }
}
