import { createPrivateKey } from 'node:crypto';
import { checkSiteAndSettings } from '../assembly.ts';
import {
  type Config,
  ConfigError,
  loadConfig,
  type ProviderConfig,
  readRedisAddress,
} from '../config/index.ts';
import type { LoadedSite } from '../load-site.ts';
import type { Apis } from '../provider/index.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import type { Subject } from './subject.ts';

/** The settings and the APIs of a site, or every problem they have. */
export function checkSettings(
  env: NodeJS.ProcessEnv,
  loaded?: LoadedSite,
): { config?: Config; apis?: Apis; findings: Finding[] } {
  try {
    if (!loaded) return { config: loadConfig(env), findings: [inOrder] };
    const { config, apis } = checkSiteAndSettings(loaded.site, env, loaded.root);
    return { config, apis, findings: [inOrder] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (!loaded || error.inSettings) return { findings: problems('settings', error.forOperators) };
    return checkSettingsOf(loaded, env, error.problems);
  }
}

/** A page that is wrong says nothing of the settings: they are looked at all the same. */
function checkSettingsOf(
  { site }: LoadedSite,
  env: NodeJS.ProcessEnv,
  ofSite: readonly string[],
): { config?: Config; findings: Finding[] } {
  try {
    const config = loadConfig(env, site);
    return { config, findings: [inOrder, ...problems('site', ofSite)] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const others = ofSite.filter((problem) => !error.problems.includes(problem));
    return { findings: [...problems('settings', error.forOperators), ...problems('site', others)] };
  }
}

const inOrder = ok('settings', 'complete, and they fit together.');

/** Each ends with what to do. */
function problems(check: string, texts: readonly string[]): Finding[] {
  return texts.map((text) => ({ check, state: 'failed', text }));
}

/** What `loadConfig` lets pass, for it cannot know better; an obvious placeholder it has refused already. */
export function* checkSessionSecret({ providers, session }: Config): Generator<Finding> {
  const [current, ...previous] = session.secrets;
  const known = providers.filter(({ clientSecret = '' }) => session.secrets.includes(clientSecret));
  for (const { clientSecret, inFull } of known) {
    const name = clientSecret === current ? 'SESSION_SECRET' : 'SESSION_SECRET_PREVIOUS';
    yield failed(
      'secrets',
      `${name} is the client secret, ${inFull('OIDC_CLIENT_SECRET')}.`,
      'Make one of its own: the provider knows the other.',
    );
  }
  if (known.length > 0) return;
  yield ok(
    'secrets',
    `SESSION_SECRET has ${current.length} characters${previous.length > 0 ? ', and there is a previous one' : ''}.`,
  );
}

export function* checkClientSecret({ provider, session, development }: Subject): Generator<Finding> {
  const { clientSecret, clientAuth } = provider;
  if (clientSecret === undefined || session.secrets.includes(clientSecret)) return;
  const length = Buffer.byteLength(clientSecret);
  const needed = clientAuth === 'client_secret_jwt' ? 32 : 16;
  if (length < needed) {
    yield warning(
      'secrets',
      `OIDC_CLIENT_SECRET has only ${length} characters.`,
      `Let the provider make one of at least ${needed}.`,
    );
  } else if (!development && clientSecret.startsWith('development-only-')) {
    yield failed(
      'secrets',
      'OIDC_CLIENT_SECRET is that of the development provider.',
      'Copy the one that your provider gave this app.',
    );
  } else {
    yield ok('secrets', `OIDC_CLIENT_SECRET has ${length} characters.`);
  }
}

/** What no line may show, in each form that it is sent in. */
export function secretsOf({ provider, session, redis }: Subject): string[] {
  const passwords = redis.urls.flatMap((url) => {
    const { password = '' } = readRedisAddress(url) ?? {};
    return [password, encodeURIComponent(password), URL.parse(url)?.password ?? ''];
  });
  if (redis.sentinel?.password !== undefined) passwords.push(redis.sentinel.password);
  const { clientId, clientSecret = '' } = provider;
  const { username = '', password = '' } = URL.parse(provider.proxy?.https_proxy ?? '') ?? {};
  const [user, word] = [decodeURIComponent(username), decodeURIComponent(password)];
  const ofProxy = [username, password, user, word];
  if (username) ofProxy.push(Buffer.from(`${user}:${word}`).toString('base64'));
  const form = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);
  const basic = [
    `${clientId}:${clientSecret}`,
    `${form(clientId)}:${form(clientSecret)}`,
    `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`,
  ].map((pair) => Buffer.from(pair).toString('base64'));
  const all = [
    ...[clientSecret, encodeURIComponent(clientSecret), form(clientSecret)],
    ...(clientSecret === '' ? [] : basic),
    ...session.secrets,
    ...passwords,
    ...ofProxy,
    ...privatePartsOf(provider),
  ];
  return [...new Set(all)].filter((secret) => secret !== '');
}

/** Of a JWK (RFC 7518 §6.2.2, §6.3.2, RFC 8037 §2). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const;

function privatePartsOf({ clientKeys, decryptionKeys }: ProviderConfig): string[] {
  return [...clientKeys, ...decryptionKeys].flatMap(({ pem }) => {
    const jwk = createPrivateKey(pem).export({ format: 'jwk' });
    return [pem, ...privateMembers.flatMap((name) => jwk[name] ?? [])];
  });
}
