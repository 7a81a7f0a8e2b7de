import { createDatabase, findPostgres, missing, startPostgres, type TestPostgres } from './postgres.ts';

/** The value of a setting that stands for the address of a new PostgreSQL database. */
export const newDatabase = ':postgres:';

/** The PostgreSQL of a test run, for all its files: its address; empty where the run has said that there is none. */
export const sharedServer = 'KIT_TEST_POSTGRES';

export const saidForAll = () => process.env[sharedServer] === '';

type Settings = Readonly<Record<string, string | undefined>>;

/** The settings whose value is `:postgres:`. */
export function wantedDatabases(settings: Settings): string[] {
  return Object.keys(settings).filter((name) => settings[name] === newDatabase);
}

/**
 * The addresses of databases for these settings.
 *
 * @param there those that another app has, which are taken instead of new ones
 */
export async function createDatabases(
  names: readonly string[],
  there: Settings = {},
): Promise<Record<string, string>> {
  const addresses = names.map(async (name): Promise<[string, string]> => {
    return [name, there[name] ?? (await createDatabase(await server()))];
  });
  return Object.fromEntries(await Promise.all(addresses));
}

/** It ends with this process. Most apps of a test file need one, and starting it takes longer than all else. */
let started: Promise<TestPostgres> | undefined;

async function server(): Promise<string> {
  const ofRun = process.env[sharedServer];
  if (ofRun) return ofRun;
  started ??= startPostgres();
  return (await started).url;
}

/**
 * Whether a test can have a database, where a setting is `:postgres:`. Where it can't, it is skipped, which is said in one
 * line. `test.skipIf(!hasPostgres())` is for what uses PostgreSQL in another way.
 *
 * @throws Error with CI=true, where nothing may be skipped
 */
export function hasPostgres(): boolean {
  if (findPostgres() !== undefined) return true;
  if (process.env.CI === 'true') throw new Error(`${missing}: with CI=true no test may be skipped.`);
  return false;
}
