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

/** A new database for each of these settings: their addresses. */
export async function createDatabases(names: readonly string[]): Promise<Record<string, string>> {
  if (names.length === 0) return {};
  const server = process.env[sharedServer] || (await ownServer()).url;
  const created = names.map(async (name): Promise<[string, string]> => [name, await createDatabase(server)]);
  return Object.fromEntries(await Promise.all(created));
}

/** It ends with this process. Most apps of a test file need one, and starting it takes longer than all else. */
let started: Promise<TestPostgres> | undefined;

function ownServer(): Promise<TestPostgres> {
  started ??= startPostgres();
  return started;
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
