import { checkSiteAndSettings } from '../assembly.ts';
import { type Config, ConfigError, loadConfig } from '../config/index.ts';
import type { LoadedSite } from '../load-site.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import type { Subject } from './subject.ts';

/** The settings, or every problem they have. */
export function checkSettings(
  env: NodeJS.ProcessEnv,
  loaded?: LoadedSite,
): { config?: Config; findings: Finding[] } {
  try {
    const config = loaded ? checkSiteAndSettings(loaded.site, env, loaded.root).config : loadConfig(env);
    return { config, findings: [ok('settings', 'complete, and they fit together.')] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Each problem ends with what to do.
    const findings = error.forOperators.map(
      (text): Finding => ({ check: 'settings', state: 'failed', text }),
    );
    return { findings };
  }
}

/** What `loadConfig` lets pass, for it cannot know better; an obvious placeholder it has refused already. */
export function* checkSessionSecret({ providers, session }: Config): Generator<Finding> {
  const [current, ...previous] = session.secrets;
  if (providers.some(({ clientSecret = '' }) => session.secrets.includes(clientSecret))) {
    yield failed(
      'secrets',
      'SESSION_SECRET is the client secret.',
      'Make one of its own: the provider knows the other.',
    );
    return;
  }
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
export function secretsOf({ provider, session, redisUrls }: Subject): string[] {
  const passwords = redisUrls.flatMap((url) => {
    const { password } = new URL(url);
    return [password, decodeURIComponent(password)];
  });
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
  ];
  return [...new Set(all)].filter((secret) => secret !== '');
}
