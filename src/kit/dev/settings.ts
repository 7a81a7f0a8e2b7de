import { randomBytes } from 'node:crypto';
import { namesOfProvider } from '../config/provider-names.ts';
import { perProvider } from '../config/settings.ts';
import type { DevPorts } from './ports.ts';
import { clientAt, type DevProvider, namesIn, startedProviders } from './providers.ts';

/** The scopes that the sample API asks for. */
export const apiScopes = { read: 'notes.read', write: 'notes.write' } as const;

/** Where the sample API is, and the name of it that its access tokens are for. */
export const apiAddress = ({ api }: Pick<DevPorts, 'api'>) => `http://localhost:${api}`;

/**
 * What the app is started with in development, where `.env` does not say otherwise. With an issuer of
 * your own only what every provider needs.
 */
export function appEnvironment(env: NodeJS.ProcessEnv, ports: DevPorts): NodeJS.ProcessEnv {
  const started = startedProviders(env);
  const common = {
    PORT: String(ports.app),
    BASE_URL: `http://localhost:${ports.app}`,
    // New at each `npm run dev`, the same over the app's restarts: sign-ins and sessions survive those.
    SESSION_SECRET: randomBytes(32).toString('base64url'),
    ...Object.assign({}, ...started.map(changeable)),
  };
  const fixed = {
    ...Object.assign({}, ...started.map((each) => registrationAt(each, env, ports))),
    ...(started.length > 0 && { OIDC_PROVIDERS: namesIn(env).join(',') }),
    ...apiSettings(started, ports),
  };
  const unused = new Set(unusedSettings(env));
  const said = Object.fromEntries(Object.entries(env).filter(([name, value]) => value && !unused.has(name)));
  if (env.SESSION_SECRET_FILE) delete common.SESSION_SECRET;
  return { ...common, ...said, ...fixed, NODE_ENV: 'development' };
}

/**
 * The settings of one provider without a name, such as OIDC_CLIENT_ID, that have nobody to be for: each provider is one
 * that `npm run dev` has started.
 */
export function unusedSettings(env: NodeJS.ProcessEnv): string[] {
  const started = startedProviders(env);
  if (started.length === 0 || started.length < namesIn(env).length) return [];
  return Object.entries(perProvider).flatMap(([setting, { ownOnly }]) =>
    ownOnly ? [setting, `${setting}_FILE`].filter((name) => env[name]) : [],
  );
}

/** Ways of authentication that no provider of `npm run dev` can check, a sentence for each. */
export function authenticationProblems(env: NodeJS.ProcessEnv): string[] {
  return startedProviders(env).flatMap((provider) => {
    const { variable } = namesOfProvider(provider.name, env);
    if (authenticationAt(provider, env) !== 'workload_identity') return [];
    return [
      `${variable('OIDC_CLIENT_AUTH')}=workload_identity needs a provider that trusts your platform: set ${variable('OIDC_ISSUER')}, or take it out for npm run dev.`,
    ];
  });
}

function authenticationAt({ name }: DevProvider, env: NodeJS.ProcessEnv): string {
  return env[namesOfProvider(name, env).variable('OIDC_CLIENT_AUTH')] || 'client_secret_basic';
}

/** What a developer may want otherwise. */
function changeable(provider: DevProvider): NodeJS.ProcessEnv {
  return named(provider, {
    LABEL: provider.label,
    SCOPE: ['openid profile email offline_access', ...(provider.full ? Object.values(apiScopes) : [])].join(
      ' ',
    ),
    ...(provider.full && { ROLES_CLAIM: 'roles' }),
  });
}

function registrationAt(provider: DevProvider, env: NodeJS.ProcessEnv, ports: DevPorts): NodeJS.ProcessEnv {
  const issuer = `http://localhost:${ports[provider.kind]}`;
  const { id, secret } = clientAt(provider);
  return named(provider, {
    ...{ ISSUER: issuer, CLIENT_ID: id },
    // Without a secret where the app authenticates by a key: it takes none then.
    ...(authenticationAt(provider, env).startsWith('client_secret_') && { CLIENT_SECRET: secret }),
  });
}

/** OIDC_WORK_ISSUER and so on. */
function named({ name }: DevProvider, settings: Record<string, string>): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(settings).map(([rest, value]) => [`OIDC_${name.toUpperCase()}_${rest}`, value]),
  );
}

/** For a site that calls the sample API: with API_RESOURCE, an access token for this API alone (RFC 8707). */
function apiSettings(started: readonly DevProvider[], ports: DevPorts): NodeJS.ProcessEnv {
  const address = apiAddress(ports);
  return started.some(({ full }) => full) ? { API_URL: address, API_RESOURCE: address } : {};
}
