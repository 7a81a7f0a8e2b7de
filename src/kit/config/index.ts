import { type ClientKey, clientCredentials } from './client-credentials.ts';
import { withProxyNames } from './outbound-values.ts';
import { isDevelopment, type OwnSettings, ownSettingProblems } from './own-settings.ts';
import { readSettings } from './read.ts';
import { conflicts } from './rules.ts';
import type { Complete, Values } from './settings.ts';

export type { ClientKey } from './client-credentials.ts';
export { type Setting, settings } from './settings.ts';

/** All that can be set, checked and complete. Nothing else in `src` knows a setting's name. */
export interface Config {
  /** True under `npm run dev` (NODE_ENV=development); everything else is production. */
  readonly development: boolean;
  /** The origin users see, without a slash at its end. */
  readonly baseUrl: string;
  /** Whether `baseUrl` is https. */
  readonly secure: boolean;
  readonly port: number;
  readonly host: string | undefined;
  readonly trustProxyHops: number;
  readonly logLevel: string;
  readonly shutdownDelaySeconds: number;
  readonly provider: ProviderConfig;
  readonly session: {
    /** The first signs and seals; what the others sealed still opens. */
    readonly secrets: readonly [string, ...string[]];
    readonly idleMinutes: number;
    readonly maxHours: number;
    /** 0: never. */
    readonly recheckMinutes: number;
  };
  /** Empty: sessions live in memory. Several: the seeds of a cluster. */
  readonly redisUrls: readonly string[];
  /** The site's own settings, by name. */
  readonly own: Readonly<Record<string, unknown>>;
}

export interface ProviderConfig {
  /** Exactly as it was written: the slash at its end is part of an issuer's name. */
  readonly issuer: string;
  /** The origin at which the server reaches the issuer's, where users reach that elsewhere. */
  readonly internalUrl: string | undefined;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly clientAuth: NonNullable<Values['OIDC_CLIENT_AUTH']>;
  /** The first one is used; a second one is there while the provider learns a new key. */
  readonly clientKeys: readonly ClientKey[];
  /** PEM. */
  readonly clientCert: string | undefined;
  /** How the client keys sign; by each key and the provider's metadata where it is not set. */
  readonly clientKeyAlg: string | undefined;
  readonly clientAssertionAudience: NonNullable<Values['OIDC_CLIENT_ASSERTION_AUDIENCE']>;
  readonly clientAssertionTyp: Values['OIDC_CLIENT_ASSERTION_TYP'];
  readonly scope: string;
  readonly offlineAccess: NonNullable<Values['OIDC_OFFLINE_ACCESS']>;
  readonly idTokenAlg: string;
  readonly responseMode: NonNullable<Values['OIDC_RESPONSE_MODE']>;
  readonly par: NonNullable<Values['OIDC_PAR']>;
  readonly userinfo: boolean;
  readonly audience: string | undefined;
  readonly resource: string | undefined;
  readonly prompt: string | undefined;
  readonly acrValues: string | undefined;
  readonly maxAge: number | undefined;
  readonly uiLocales: string | undefined;
  /** Sent with every authorization request. */
  readonly authorizationParameters: Readonly<Record<string, string>> | undefined;
  readonly rolesClaim: string;
  /** Entra tenant ids, in small letters; filled exactly when the issuer is a multi-tenant one. */
  readonly allowedTenants: readonly string[];
  readonly stepUpWithoutAuthTime: boolean;
  readonly clockToleranceSeconds: number;
  readonly dpop: boolean;
  /** For https requests to it and to APIs, in the words of Node's `proxyEnv`. */
  readonly proxy: { readonly https_proxy: string; readonly no_proxy: string | undefined } | undefined;
}

/**
 * Settings that cannot work, or a site that cannot. Holds every problem, each a sentence that says what to do, none with
 * a secret.
 */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly problems: readonly string[];
  /** False where no setting is wrong: where settings are written then helps nobody. */
  readonly inSettings: boolean;

  constructor(problems: readonly string[], { inSettings = true }: { inSettings?: boolean } = {}) {
    const count = problems.length === 1 ? 'a problem' : 'problems';
    const what = inSettings ? 'The settings have' : 'The site has';
    super(`${what} ${count}:\n- ${problems.join('\n- ')}`);
    this.problems = problems;
    this.inSettings = inSettings;
  }

  /** The problems for somebody who starts the app: a test, which has other places, says where itself. */
  get forOperators(): readonly string[] {
    return this.problems.map((problem) =>
      / is missing: /.test(problem) ? `${problem} Set it in the environment or in .env.` : problem,
    );
  }
}

/**
 * Reads all settings at once, the kit's and the site's own, from `env` and from the files it names.
 *
 * @throws ConfigError with every problem there is
 */
export function loadConfig(env: NodeJS.ProcessEnv, site: { settings?: OwnSettings } = {}): Config {
  const own = site.settings ?? {};
  // A definition that is wrong itself cannot be read by; all others are looked at all the same.
  const sound = Object.entries(own).filter(([name, one]) => ownSettingProblems({ [name]: one }).length === 0);
  const reading = readSettings(withProxyNames(env), Object.fromEntries(sound));
  const credentials = clientCredentials(reading);
  const all = [
    ...ownSettingProblems(own),
    ...reading.problems,
    ...conflicts(reading, env),
    ...credentials.problems,
  ];
  if (all.length > 0) throw new ConfigError(all);

  // Without a problem nothing is missing: whatever has no default and must be there was asked for above.
  const set = reading.values as Complete;
  return deepFreeze<Config>({
    development: isDevelopment(env),
    baseUrl: set.BASE_URL,
    secure: set.BASE_URL.startsWith('https:'),
    port: set.PORT,
    host: set.HOST,
    trustProxyHops: set.TRUST_PROXY_HOPS,
    logLevel: set.LOG_LEVEL,
    shutdownDelaySeconds: set.SHUTDOWN_DELAY_SECONDS,
    provider: {
      issuer: set.OIDC_ISSUER,
      internalUrl: set.OIDC_INTERNAL_URL,
      clientId: set.OIDC_CLIENT_ID,
      clientSecret: set.OIDC_CLIENT_SECRET,
      clientAuth: set.OIDC_CLIENT_AUTH,
      clientKeys: credentials.keys,
      clientCert: credentials.cert,
      clientKeyAlg: set.OIDC_CLIENT_KEY_ALG,
      clientAssertionAudience: set.OIDC_CLIENT_ASSERTION_AUDIENCE,
      clientAssertionTyp: set.OIDC_CLIENT_ASSERTION_TYP,
      scope: set.OIDC_SCOPE,
      offlineAccess: set.OIDC_OFFLINE_ACCESS,
      idTokenAlg: set.OIDC_ID_TOKEN_ALG,
      responseMode: set.OIDC_RESPONSE_MODE,
      par: set.OIDC_PAR,
      userinfo: set.OIDC_USERINFO,
      audience: set.OIDC_AUDIENCE,
      resource: set.OIDC_RESOURCE,
      prompt: set.OIDC_PROMPT,
      acrValues: set.OIDC_ACR_VALUES,
      maxAge: set.OIDC_MAX_AGE,
      uiLocales: set.OIDC_UI_LOCALES,
      authorizationParameters: set.OIDC_AUTHORIZATION_PARAMETERS,
      rolesClaim: set.OIDC_ROLES_CLAIM,
      allowedTenants: set.OIDC_ALLOWED_TENANTS ?? [],
      stepUpWithoutAuthTime: set.OIDC_STEP_UP_WITHOUT_AUTH_TIME,
      clockToleranceSeconds: set.OIDC_CLOCK_TOLERANCE_SECONDS,
      dpop: set.OIDC_DPOP,
      proxy: set.HTTPS_PROXY ? { https_proxy: set.HTTPS_PROXY, no_proxy: set.NO_PROXY } : undefined,
    },
    session: {
      secrets: set.SESSION_SECRET_PREVIOUS
        ? [set.SESSION_SECRET, set.SESSION_SECRET_PREVIOUS]
        : [set.SESSION_SECRET],
      idleMinutes: set.SESSION_IDLE_MINUTES,
      maxHours: set.SESSION_MAX_HOURS,
      recheckMinutes: set.SESSION_RECHECK_MINUTES,
    },
    redisUrls: set.REDIS_URL ?? [],
    own: reading.own,
  });
}

/** Plain objects and lists only: a schema of the site's may make a Buffer or a Map of a text, which is no matter of ours. */
function deepFreeze<T extends object>(value: T): T {
  Object.freeze(value);
  for (const each of Object.values(value)) if (isPlain(each) && !Object.isFrozen(each)) deepFreeze(each);
  return value;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
