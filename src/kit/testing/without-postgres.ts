import { hasPostgres, saidForAll, wantedDatabases } from './databases.ts';
import { missing } from './postgres.ts';
import { settingsOf, type TestAppOptions } from './settings.ts';

/**
 * Where an app needs a PostgreSQL that is not installed here, whatever uses the app is skipped: the test that starts it, or
 * each that uses what this returns.
 *
 * @returns undefined where nothing is missing
 */
export async function appWithoutPostgres<App extends object>(
  options: TestAppOptions,
): Promise<App | undefined> {
  const env = settingsOf(options);
  if (wantedDatabases(env).length === 0 || hasPostgres()) return undefined;
  if (!saidForAll() && !said) console.log(`Tests are skipped: ${missing}.`);
  said = true;
  const { TestRunner } = await import('vitest');
  const running = () => TestRunner.getCurrentTest();
  running()?.context.skip(missing);
  // What a test file may look at before its tests.
  const known = { url: 'http://127.0.0.1', env, log: [] };
  return new Proxy({} as App, {
    get(_app, name) {
      // Whoever awaits it asks for `then`.
      if (name === 'then') return undefined;
      if (name === 'stop' || name === Symbol.asyncDispose) return async () => {};
      running()?.context.skip(missing);
      if (Object.hasOwn(known, name)) return Reflect.get(known, name);
      throw new Error(`${missing}. ${beforeTests}`);
    },
  });
}

let said = false;

const beforeTests =
  'Tests that use this app are skipped, but here it is used before them: put that into a test, or into describe.skipIf(!hasPostgres()).';
