import { betweenProviders } from './between-providers.ts';
import { clientCredentials } from './client-credentials.ts';
import { decryptionKeys } from './decryption-keys.ts';
import { readExtraCas } from './extra-cas.ts';
import { withProxyNames } from './outbound-values.ts';

export { publicAddresses } from './public-addresses.ts';

import { isDevelopment, type OwnSettings, ownSettingProblems } from './own-settings.ts';
import { labelled, type ProviderConfig, providerConfig } from './provider-config.ts';
import type { ProviderNames } from './provider-names.ts';
import { readSettings } from './read.ts';
import { conflicts } from './rules.ts';
import type { Complete, Values } from './settings.ts';
import { workersOf } from './workers.ts';

export type { ClientKey } from './key-file.ts';
export type { ProviderConfig } from './provider-config.ts';
export { readRedisAddress } from './redis-address.ts';
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
  /** One, or those of OIDC_PROVIDERS, in their order. */
  readonly providers: readonly [ProviderConfig, ...ProviderConfig[]];
  readonly session: {
    /** The first signs and seals; what the others sealed still opens. */
    readonly secrets: readonly [string, ...string[]];
    readonly idleMinutes: number;
    readonly maxHours: number;
    /** 0: never. */
    readonly recheckMinutes: number;
  };
  readonly redis: RedisConfig;
  /** Certificates in PEM, of CAs trusted besides those that Node trusts. */
  readonly extraCas: readonly string[];
  /** How many processes to run. In development there is one, whatever this says. */
  readonly workers: number;
  /** The site's own settings, by name. */
  readonly own: Readonly<Record<string, unknown>>;
}

/** Where sessions are stored. */
export interface RedisConfig {
  /** None: in memory. Several without `sentinel`: the seeds of a cluster. */
  readonly urls: readonly string[];
  /** Then `urls` are Sentinels, whose user and password are these; those in the addresses are Redis' own. */
  readonly sentinel: Sentinel | undefined;
  /** What the names of all keys begin with. */
  readonly keyPrefix: string;
}

export interface Sentinel {
  /** What the Sentinels call the primary. */
  readonly name: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
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
 * @param site left out where there is none at hand: then nothing is asked of it
 * @throws ConfigError with every problem there is
 */
export function loadConfig(
  env: NodeJS.ProcessEnv,
  site?: { settings?: OwnSettings; signIn?: unknown },
): Config {
  const own = site?.settings ?? {};
  // A definition that is wrong itself cannot be read by; all others are looked at all the same.
  const sound = Object.entries(own).filter(([name, one]) => ownSettingProblems({ [name]: one }).length === 0);
  const reading = readSettings(withProxyNames(env), Object.fromEntries(sound));
  const providers = reading.providers.map((one) => ({
    ...one,
    ...clientCredentials(one),
    decryption: decryptionKeys(one.values.OIDC_DECRYPTION_KEY_FILE),
  }));
  const extraCas = readExtraCas(reading.common.values.EXTRA_CA_FILE);
  const all = [
    ...ownSettingProblems(own),
    ...reading.problems,
    ...conflicts(reading, env),
    ...providers.flatMap(({ problems, decryption, names }) =>
      [...problems, ...decryption.problems].map(names.inFull),
    ),
    ...betweenProviders(providers),
    ...extraCas.problems,
    ...(site && !site.signIn ? providers.flatMap(openToAll) : []),
  ];
  // What is shared by several providers is wrong for each of them, and is said once.
  if (all.length > 0) throw new ConfigError(providers.length > 1 ? [...new Set(all)] : all);

  // Without a problem nothing is missing: whatever has no default and must be there was asked for above.
  const set = reading.common.values as Complete;
  return deepFreeze<Config>({
    development: isDevelopment(env),
    baseUrl: set.BASE_URL,
    secure: set.BASE_URL.startsWith('https:'),
    port: set.PORT,
    host: set.HOST,
    trustProxyHops: set.TRUST_PROXY_HOPS,
    logLevel: set.LOG_LEVEL,
    shutdownDelaySeconds: set.SHUTDOWN_DELAY_SECONDS,
    providers: labelled(providers.map(providerConfig)) as [ProviderConfig, ...ProviderConfig[]],
    session: {
      secrets: set.SESSION_SECRET_PREVIOUS
        ? [set.SESSION_SECRET, set.SESSION_SECRET_PREVIOUS]
        : [set.SESSION_SECRET],
      idleMinutes: set.SESSION_IDLE_MINUTES,
      maxHours: set.SESSION_MAX_HOURS,
      recheckMinutes: set.SESSION_RECHECK_MINUTES,
    },
    redis: redisConfig(set),
    extraCas: extraCas.found,
    workers: workersOf(set),
    own: reading.own,
  });
}

/** `*` lets in whoever has a Microsoft account at work: somebody must say who of them may come in. */
function openToAll({ values, names }: { values: Values; names: ProviderNames }): string[] {
  if (values.OIDC_ALLOWED_TENANTS?.includes('*') !== true) return [];
  const text =
    'OIDC_ALLOWED_TENANTS=* lets in every Microsoft tenant: write a `signIn` in site.ts that decides who may come in, or name the tenants.';
  return [names.inFull(text)];
}

function redisConfig(set: Complete): RedisConfig {
  const { REDIS_SENTINEL_NAME: name, REDIS_SENTINEL_USERNAME: username } = set;
  return {
    urls: set.REDIS_URL ?? [],
    sentinel: name === undefined ? undefined : { name, username, password: set.REDIS_SENTINEL_PASSWORD },
    keyPrefix: set.REDIS_KEY_PREFIX,
  };
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
