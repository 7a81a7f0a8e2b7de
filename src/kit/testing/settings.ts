import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { type CheckedSite, checkSiteAndSettings } from '../assembly.ts';
import { ConfigError, settings } from '../config/index.ts';
import { providerIn } from '../config/names.ts';
import { nearest } from '../config/nearest.ts';
import { ownVariable, unnamed, variablesOf } from '../config/provider-names.ts';
import type { SettingName } from '../config/settings.ts';
import { providerNames as namesSchema } from '../config/values.ts';
import { projectRoot } from '../folders.ts';
import type { AnySite } from '../site.ts';

export type TestSettings = Readonly<Record<string, string | undefined>>;

export interface TestAppOptions {
  /** What src/site.ts exports. */
  site: AnySite;
  /**
   * Settings beside those that a test app has anyway, and those of `test/settings.env` where there is one. Neither .env
   * nor the environment of the tests is read. With `OIDC_PROVIDERS: 'work,google'` there is a provider for each name;
   * `DATABASE_URL: ':postgres:'` is a new PostgreSQL database.
   */
  env?: TestSettings;
  /** The folder that holds `views` and `public`; left out, that of the project. */
  root?: string;
  /** Sessions are in a Redis that is started for this app and ends with it, instead of in memory. */
  redis?: boolean;
  /**
   * Another test app, also a stopped one, whose identity providers and new databases this one has too: the same account is
   * the same user in both.
   */
  sharing?: { readonly env: TestSettings };
  /** How many instances of the app share the sessions: requests go to them in turn. More than one needs `redis`. */
  instances?: number;
}

/** The names in OIDC_PROVIDERS, for each of which there is a provider. */
export function providerNames(options: TestAppOptions): readonly string[] {
  const { OIDC_PROVIDERS: given } = settingsOf(options);
  // What is wrong with it is said with what is wrong with the other settings.
  const names = given ? namesSchema.safeParse(given).data : undefined;
  return names ?? [unnamed];
}

/**
 * The site with the settings that a test app has: its own below, those of test/settings.env, and `env` above all.
 *
 * @param given.started the providers in memory, by name
 * @param given.databases the settings that are the address of a new one
 */
export function checkForTest(
  options: TestAppOptions,
  given: {
    started: ReadonlyMap<string, { issuer: string }>;
    port: number;
    redisUrl: string | undefined;
    databases: TestSettings;
  },
): { checked: CheckedSite; env: TestSettings } {
  const { site, root } = options;
  const { started, port, redisUrl, databases } = given;
  const names = [...started.keys()];
  refuseValues(options, names, redisUrl);
  const unknown = unknownNames(site, options.env ?? {}, names);
  const usual = Object.assign(
    { BASE_URL: `http://127.0.0.1:${port}`, SESSION_SECRET: madeSecret() },
    ...[...started].map(([name, { issuer }]) => usualOf(name, issuer)),
  );
  const redis = redisUrl === undefined ? {} : { REDIS_URL: redisUrl };
  const env = { ...usual, ...settingsOf(options), ...redis, ...databases };
  const checked = check(site, env, root, unknown);
  if (unknown.length > 0) throw new Error(unknown.join('\n'));
  return { checked, env };
}

/** What nobody has to set for a provider in memory. */
function usualOf(name: string, issuer: string): NodeJS.ProcessEnv {
  if (name === unnamed) {
    return { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'test-app', OIDC_CLIENT_SECRET: madeSecret() };
  }
  const named = {
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: `test-app-${name}`,
    OIDC_CLIENT_SECRET: madeSecret(),
    // The host of a provider in memory has another port each time: no test could name its link in the chooser.
    OIDC_LABEL: name,
  };
  return Object.fromEntries(
    Object.entries(named).map(([setting, value]) => [ownVariable(name, setting), value]),
  );
}

/** Nothing of it leaves this process. */
const madeSecret = () => randomBytes(32).toString('hex');

/** @param unknown what may be the reason where a setting is missing */
function check(
  site: AnySite,
  env: NodeJS.ProcessEnv,
  root: string | undefined,
  unknown: readonly string[],
): CheckedSite {
  try {
    return checkSiteAndSettings(site, env, root);
  } catch (error) {
    if (error instanceof ConfigError && error.inSettings)
      error.message = [error.message, ...unknown, whereToSet].join('\n');
    throw error;
  }
}

function refuseValues(options: TestAppOptions, names: readonly string[], redisUrl: string | undefined): void {
  const { env = {} } = options;
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && typeof value !== 'string')
      throw new TypeError(`${name} in \`env\` must be a string, as in .env: '${value}'.`);
  }
  const all = settingsOf(options);
  const issuer = variablesOf('OIDC_ISSUER', names).find((name) => all[name] !== undefined);
  if (issuer !== undefined) {
    const where = issuer in env ? '`env`' : 'test/settings.env';
    throw new Error(`startTestApp brings an identity provider of its own: remove ${issuer} from ${where}.`);
  }
  if (redisUrl !== undefined && env.REDIS_URL !== undefined) {
    throw new Error('startTestApp starts a Redis of its own: take out `redis`, or REDIS_URL in `env`.');
  }
}

/** A name that nothing reads would be passed over without a word, and the test would try something else. */
function unknownNames(site: AnySite, env: object, providers: readonly string[]): string[] {
  const known = new Set([
    ...settings.flatMap(({ name }) => variablesOf(name as SettingName, providers)),
    ...Object.keys(site.settings ?? {}),
  ]);
  return Object.keys(env).flatMap((name) => {
    if (known.has(name) || known.has(name.replace(/_FILE$/, '')) || name === 'NODE_ENV') return [];
    // The settings' own check names the provider that is missing.
    if (providerIn(name) !== undefined) return [];
    const near = nearest(name, known);
    const help = near ? `Did you mean ${near}?` : 'Settings of your own are named in `settings` of site.ts.';
    return `${name} in \`env\` is not a setting. ${help}`;
  });
}

/** What all tests of a site run with, and what this one has besides. */
export function settingsOf({ root, env }: Pick<TestAppOptions, 'root' | 'env'>): TestSettings {
  return { ...settingsForAll(root), ...env };
}

/** What is in test/settings.env, written as in .env. */
export function settingsForAll(root = projectRoot): TestSettings {
  const file = join(root, 'test/settings.env');
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
}

const whereToSet =
  "A test sets what it needs by `env`: { site, env: { NAME: 'value' } }, or in test/settings.env. It reads no .env file.";
