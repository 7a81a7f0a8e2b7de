import type { TestProject } from 'vitest/node';
import { hasPostgres, sharedServer, wantedDatabases } from './databases.ts';
import { dropDatabases, missing, startPostgres } from './postgres.ts';
import { settingsForAll } from './settings.ts';

/**
 * Runs once before all tests. Where test/settings.env asks for a PostgreSQL database, one server is started for all test
 * files, each of whose apps has a database of its own there.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (wantedDatabases(settingsForAll(project.config.root)).length === 0) return undefined;
  // What is set here, the processes of the tests have too.
  process.env[sharedServer] = '';
  if (!hasPostgres()) {
    console.log(`Tests are skipped: ${missing}.`);
    return undefined;
  }
  const { url, stop } = await startPostgres();
  process.env[sharedServer] = url;
  // In watch mode the server stays for hours.
  project.onTestsRerun(() => dropDatabases(url));
  return stop;
}
