import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { type CheckedSite, checkSiteAndSettings } from '../assembly.ts';
import { ConfigError, settings } from '../config/index.ts';
import { nearest } from '../config/nearest.ts';
import { projectRoot } from '../folders.ts';
import type { AnySite } from '../site.ts';

export interface TestAppOptions {
  /** What src/site.ts exports. */
  site: AnySite;
  /**
   * Settings beside those that a test app has anyway, and those of `test/settings.env` where there is one. Neither .env
   * nor the environment of the tests is read.
   */
  env?: Readonly<Record<string, string | undefined>>;
  /** The folder that holds `views` and `public`; left out, that of the project. */
  root?: string;
  /** Sessions are in a Redis that is started for this app and ends with it, instead of in memory. */
  redis?: boolean;
  /** How many instances of the app share the sessions: requests go to them in turn. More than one needs `redis`. */
  instances?: number;
}

/** The site with the settings that a test app has: its own below, those of test/settings.env, and `env` above all. */
export function checkForTest(
  { site, env = {}, root }: TestAppOptions,
  { issuer, port, redisUrl }: { issuer: string; port: number; redisUrl: string | undefined },
): CheckedSite {
  refuseValues(env, redisUrl);
  const unknown = unknownNames(site, env);
  const usual = {
    BASE_URL: `http://127.0.0.1:${port}`,
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: 'test-app',
    // Nothing of it leaves this process.
    OIDC_CLIENT_SECRET: randomBytes(32).toString('hex'),
    SESSION_SECRET: randomBytes(32).toString('hex'),
  };
  const redis = redisUrl === undefined ? {} : { REDIS_URL: redisUrl };
  const checked = check(site, { ...usual, ...settingsOfTests(root), ...env, ...redis }, root, unknown);
  if (unknown.length > 0) throw new Error(unknown.join('\n'));
  return checked;
}

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

function refuseValues(env: NonNullable<TestAppOptions['env']>, redisUrl: string | undefined): void {
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && typeof value !== 'string')
      throw new TypeError(`${name} in \`env\` must be a text, as in .env: '${value}'.`);
  }
  if (env.OIDC_ISSUER !== undefined) {
    throw new Error('startTestApp brings an identity provider of its own: take OIDC_ISSUER out of `env`.');
  }
  if (redisUrl !== undefined && env.REDIS_URL !== undefined) {
    throw new Error('startTestApp starts a Redis of its own: take out `redis`, or REDIS_URL in `env`.');
  }
}

/** A name that nothing reads would be passed over without a word, and the test would try something else. */
function unknownNames(site: AnySite, env: object): string[] {
  const known = new Set([...settings.map(({ name }) => name), ...Object.keys(site.settings ?? {})]);
  return Object.keys(env).flatMap((name) => {
    if (known.has(name) || known.has(name.replace(/_FILE$/, '')) || name === 'NODE_ENV') return [];
    const near = nearest(name, known);
    const help = near ? `Did you mean ${near}?` : 'Settings of your own are named in `settings` of site.ts.';
    return `${name} in \`env\` is not a setting. ${help}`;
  });
}

/** What all tests of a site run with, written as in .env. */
function settingsOfTests(root: string = projectRoot): Record<string, string | undefined> {
  const file = join(root, 'test/settings.env');
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
}

const whereToSet =
  "A test sets what it needs by `env`: { site, env: { NAME: 'value' } }, or in test/settings.env. It reads no .env file.";
