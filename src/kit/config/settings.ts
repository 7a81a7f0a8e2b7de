import type { z } from 'zod';
import type { Definition, Setting } from './definition.ts';
import { proxy } from './outbound-values.ts';
import { providerSettings } from './provider-settings.ts';
import * as redis from './redis-values.ts';
import * as is from './values.ts';

export type { Setting } from './definition.ts';

/** Every setting of the kit, in the order of docs/settings.md. The long explanations are in .env.example. */
const table = {
  BASE_URL: { default: 'http://localhost:3000', meaning: 'the address users see', schema: is.origin },
  PORT: { default: '3000', meaning: 'the port to listen on', schema: is.whole(0, 65_535) },
  HOST: {
    meaning: 'the interface to listen on; all of them if not set',
    example: '127.0.0.1',
    schema: is.host,
  },

  OIDC_PROVIDERS: {
    meaning: 'the names of several providers; each setting below is then read as OIDC_<NAME>_…',
    example: 'work,google',
    schema: is.providerNames,
  },
  ...providerSettings,

  SESSION_SECRET: {
    meaning: 'signs the cookie and seals what is stored',
    secret: true,
    schema: is.ownSecret,
    hint: is.makeSecret,
  },
  SESSION_SECRET_PREVIOUS: {
    meaning: 'another secret that is accepted too: the previous or the next one',
    secret: true,
    schema: is.ownSecret,
  },
  SESSION_IDLE_MINUTES: {
    default: '30',
    meaning: 'idle timeout, in minutes',
    schema: is.whole(1, 1_440, 'minutes'),
  },
  SESSION_MAX_HOURS: {
    default: '8',
    meaning: 'maximum session length, in hours',
    schema: is.whole(1, 720, 'hours'),
  },
  SESSION_RECHECK_MINUTES: {
    default: '10',
    meaning: 'how often roles and accounts are checked again during a session, in minutes; 0: never',
    schema: is.whole(0, 1_440, 'minutes'),
  },
  REDIS_URL: {
    meaning: 'where sessions are stored; in memory if not set',
    example: 'rediss://:password@redis.example.com:6379',
    secret: true,
    schema: redis.redisUrls,
  },
  REDIS_SENTINEL_NAME: {
    meaning: 'the name of the primary that the Sentinels in REDIS_URL monitor',
    example: 'mymaster',
    schema: redis.sentinelName,
  },
  REDIS_SENTINEL_USERNAME: {
    meaning: 'the user name for the Sentinels themselves',
    example: 'sentinel-user',
    schema: is.text,
  },
  REDIS_SENTINEL_PASSWORD: {
    meaning: 'the password for the Sentinels themselves',
    secret: true,
    schema: is.text,
  },
  REDIS_KEY_PREFIX: {
    default: 'app:',
    meaning: 'the prefix of all keys in Redis, so that several apps can share one server',
    schema: redis.keyPrefix,
  },

  HTTPS_PROXY: {
    meaning: 'the proxy for https requests to providers and APIs',
    example: 'http://proxy.example.com:3128',
    secret: true,
    schema: proxy,
  },
  NO_PROXY: {
    meaning: 'the hosts that are reached without the proxy',
    example: '.internal,10.0.0.1-10.0.0.255',
    schema: is.text,
  },
  EXTRA_CA_FILE: {
    meaning:
      'CA certificates (PEM) to trust in addition to those that Node trusts, for providers, APIs and Redis',
    example: '/run/secrets/ca.pem',
    schema: is.text,
  },

  WORKERS: {
    default: '1',
    meaning: 'how many processes to run; auto: one for each CPU that the app may use',
    schema: is.workers,
  },
  TRUST_PROXY_HOPS: {
    default: '0',
    meaning: 'how many reverse proxies are in front of the app',
    schema: is.whole(0, 10),
  },
  LOG_LEVEL: {
    default: 'info',
    meaning: 'how much is logged',
    schema: is.oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  },
  SHUTDOWN_DELAY_SECONDS: {
    default: '0',
    meaning: 'how long to keep working after SIGTERM, so that a load balancer can notice',
    schema: is.whole(0, 60, 'seconds'),
  },
} satisfies Record<string, Definition>;

export type SettingName = keyof typeof table;

/** Of a provider: there is one of it for each. */
export type ProviderSettingName = keyof typeof providerSettings;

/** What is set and valid. */
export type Values = { [Name in SettingName]?: z.output<(typeof table)[Name]['schema']> | undefined };

/** The same when no problem was found: what has a default or a hint is there. */
export type Complete = Values & {
  [Name in SettingName as (typeof table)[Name] extends { default: string } | { hint: string }
    ? Name
    : never]: z.output<(typeof table)[Name]['schema']>;
};

export const definitions: Readonly<Record<SettingName, Definition>> = table;

export const perProvider: Readonly<Record<ProviderSettingName, Definition>> = providerSettings;

export const settings: readonly Setting[] = Object.entries<Definition>(table).map(
  ([name, { schema: _schema, hint: _hint, ...setting }]) => ({ name, ...setting }),
);
