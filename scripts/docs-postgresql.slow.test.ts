import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { TestPage } from '#kit/testing';
import { codeBlocks, readDoc, section } from '../src/kit/test/helpers/docs.ts';
import { hasPostgresql, type Postgresql, startPostgresql } from './helpers/postgresql.ts';

// The example with the src/data of docs/guide.md in place of its own, and a PostgreSQL that goes, comes and hangs.

const root = join(import.meta.dirname, '..');

describe.skipIf(!hasPostgresql())('the example with PostgreSQL', { timeout: 120_000 }, () => {
  let server: Postgresql;
  let app: ReturnType<typeof exampleWithPostgresql>;
  beforeAll(async () => {
    app = exampleWithPostgresql();
    server = await startPostgresql();
  }, 60_000);
  afterAll(async () => {
    await server?.remove();
    app?.remove();
  });

  /** The example, with somebody signed in to a database of its own. */
  async function start() {
    const { site }: typeof import('../src/site.ts') = await app.load('src/site.ts');
    const { startTestApp }: typeof import('#kit/testing') = await app.load('src/kit/testing/index.ts');
    const running = await startTestApp({ site, env: { DATABASE_URL: await server.createDatabase() } });
    onTestFinished(() => running.stop());
    const alice = await running.signIn('alice');
    const added = await alice.submit(await alice.get('/notes'), 'Add', { title: 'Buy milk' });
    expect(added.text).toContain('Buy milk');
    return alice;
  }

  test('compiles, with the pages as they are', async () => {
    expect(await app.outputOf('typescript/bin/tsc', '-p', '.')).toBe('');
  });

  test('passes the tests that the example passes with SQLite', async () => {
    app.write('test/settings.env', `DATABASE_URL=${await server.createDatabase()}\n`);
    const output = await app.outputOf(
      'vitest/vitest.mjs',
      'run',
      '--root',
      '.',
      '--no-color',
      '--fsModuleCache=false',
    );
    expect(output).toMatch(/Test Files +3 passed/);
  });

  test('starts several times at once on a new database', async () => {
    const { openDatabase } = await app.database();
    const url = await server.createDatabase();
    const said: string[] = [];
    const log = { info: (_: object, message: string) => void said.push(message), warn: () => {} };
    const opened = await Promise.all([1, 2, 3, 4].map(() => openDatabase({ DATABASE_URL: url }, log)));
    const person = { iss: 'https://id.example', sub: '1', name: 'Alice' };
    const entered = await Promise.all(opened.map(({ data }) => data.users.enter(person)));
    expect(new Set(entered.map(({ id }) => id)).size).toBe(1);
    for (const { close } of opened) await close();
    expect(said).toEqual(['the database was migrated']);
  });

  test('answers 503 while the database restarts under load, and recovers by itself', async () => {
    const alice = await start();
    const pages: TestPage[] = [];
    let more = true;
    const load = Array.from({ length: 8 }, async () => {
      while (more) {
        pages.push(await alice.get('/notes'));
        await sleep(5);
      }
    });
    await sleep(300);
    await server.stop();
    await sleep(300);
    await server.start();
    await sleep(300);
    more = false;
    await Promise.all(load);

    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200, 503]));
    for (const page of pages.filter(({ status }) => status === 503)) {
      expect(page.heading).toBe("We can't do this right now");
    }
    expect(pages.at(-1)?.text).toContain('Buy milk');
  });

  test('answers 503 in time while the database hangs, other pages at once, and recovers by itself', async () => {
    const alice = await start();
    // A connection each, so that some are waiting for an answer and some for a connection.
    await Promise.all(Array.from({ length: 20 }, () => alice.get('/notes')));
    server.freeze();
    onTestFinished(() => server.thaw());
    const began = Date.now();
    const hanging = Promise.all(Array.from({ length: 20 }, () => alice.get('/notes')));
    expect((await alice.get('/profile')).status).toBe(200);
    expect(Date.now() - began).toBeLessThan(2_000);
    const pages = await hanging;
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([503]));
    expect(Date.now() - began).toBeLessThan(12_000);

    server.thaw();
    expect((await alice.get('/notes')).text).toContain('Buy milk');
  });

  test('does not start without its database, says why within seconds, and starts when it is there', async () => {
    const { openDatabase } = await app.database();
    const log = { info: () => {}, warn: () => {} };
    const url = await server.createDatabase();
    await server.stop();
    await expect(openDatabase({ DATABASE_URL: url }, log)).rejects.toThrow(/ECONNREFUSED/);
    await server.start();
    server.freeze();
    const began = Date.now();
    await expect(openDatabase({ DATABASE_URL: url }, log)).rejects.toThrow(/timeout/);
    expect(Date.now() - began).toBeLessThan(10_000);
    server.thaw();
    await (await openDatabase({ DATABASE_URL: url }, log)).close();
  });

  test('names the migration that fails, and keeps nothing of it', async () => {
    const { openDatabase } = await app.database();
    const url = await server.createDatabase();
    const log = { info: () => {}, warn: () => {} };
    app.write('src/data/migrations/0003-bad.sql', 'CREATE TABLE more (id bigint); SELEC 1;');
    onTestFinished(() => app.drop('src/data/migrations/0003-bad.sql'));
    await expect(openDatabase({ DATABASE_URL: url }, log)).rejects.toThrow(
      /0003-bad\.sql failed, and nothing was changed: syntax error/,
    );
    app.drop('src/data/migrations/0003-bad.sql');
    const { data, close } = await openDatabase({ DATABASE_URL: url }, log);
    expect((await data.notes.list({ iss: 'i', sub: 's' })).notes).toEqual([]);
    await close();
  });
});

type Database = typeof import('../src/data/database.ts');
/** The same functions, opened by another setting. */
type OpenDatabase = (
  settings: { DATABASE_URL: string },
  log: Parameters<Database['openDatabase']>[1],
) => ReturnType<Database['openDatabase']>;

/** The template's site in a folder of its own, with the files that the guide writes for PostgreSQL. */
function exampleWithPostgresql() {
  const folder = mkdtempSync(join(tmpdir(), 'example with postgresql '));
  const at = (path: string) => join(folder, path);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
  };
  const load = (path: string) => import(pathToFileURL(at(path)).href);
  for (const path of [
    'src/site.ts',
    'src/pages',
    'src/data/migrations.ts',
    'views',
    'public',
    'package.json',
    'vitest.config.ts',
  ])
    cpSync(join(root, path), at(path), { recursive: true });
  // Those of the file and its migrations are about SQLite.
  for (const name of ['notes.test.ts', 'notes-data.test.ts', 'site.test.ts'])
    cpSync(join(root, 'test', name), at(`test/${name}`));
  symlinkSync(join(root, 'node_modules'), at('node_modules'), 'junction');
  // A copy, because the kit looks for the project around its own files.
  const filter = (path: string) => path !== join(root, 'src/kit/test');
  cpSync(join(root, 'src/kit'), at('src/kit'), { recursive: true, filter });
  const include = ['src/site.ts', 'src/pages', 'src/data', 'test'];
  write('tsconfig.json', JSON.stringify({ extends: join(root, 'tsconfig.json'), include, exclude: [] }));
  for (const { code } of codeBlocks(section(readDoc('docs/guide.md'), 'PostgreSQL instead of SQLite'))) {
    const [, path] = /^(?:\/\/|--) (src\/data\/[\w./-]+)\n/.exec(code) ?? [];
    if (path === undefined)
      throw new Error(`This block does not say which file it is: ${code.slice(0, 100)}`);
    write(path, code);
  }
  return {
    folder,
    write,
    drop: (path: string) => rmSync(at(path), { force: true }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
    load,
    database: (): Promise<{ openDatabase: OpenDatabase }> => load('src/data/database.ts'),
    async outputOf(program: string, ...args: string[]): Promise<string> {
      const file = join(root, 'node_modules', program);
      const env = { ...process.env, NO_COLOR: '1', VITEST: undefined };
      const run = promisify(execFile)(process.execPath, [file, ...args], {
        cwd: folder,
        env,
        timeout: 110_000,
      });
      const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
      return stdout + stderr;
    },
  };
}
