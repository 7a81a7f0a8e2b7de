import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { TestApp, TestPage } from '#kit/testing';
import type { AnySite } from '../src/kit/site.ts';
import { readDoc } from '../src/kit/test/helpers/docs.ts';
import { createGuideApp, type GuideApp } from '../src/kit/test/helpers/guide-app.ts';
import { hasPostgres } from '../src/kit/testing/index.ts';
import { type Postgresql, startPostgresql } from './helpers/postgresql.ts';

// The app of docs/guide.md with what it says to write for PostgreSQL, and a PostgreSQL that goes, comes and hangs.

describe.skipIf(!hasPostgres())('the app of docs/guide.md with PostgreSQL', { timeout: 120_000 }, () => {
  let server: Postgresql;
  let app: GuideApp;
  beforeAll(async () => {
    app = createGuideApp(readDoc('docs/guide.md'), { postgresql: true });
    server = await startPostgresql();
  }, 60_000);
  afterAll(async () => {
    await server?.remove();
    app?.remove();
  });

  const load = (path: string) => import(pathToFileURL(join(app.folder, path)).href);
  const openDatabase: OpenDatabase = async (url, log = quiet) =>
    (await load('src/data/data.ts')).openData({ DATABASE_URL: url }, log);

  /** The app, with somebody signed in to a database of its own. */
  async function start() {
    const { site }: { site: AnySite } = await load('src/site.ts');
    const { startTestApp }: typeof import('#kit/testing') = await load('src/kit/testing/index.ts');
    const running: TestApp = await startTestApp({
      site,
      env: { DATABASE_URL: await server.createDatabase() },
    });
    onTestFinished(() => running.stop());
    const alice = await running.signIn('alice');
    const fields = { customer: 'Ada', kind: 'services', quantity: 3, due: '2026-12-31' };
    const added = await alice.submit(await alice.get('/invoices/new'), 'Save', fields);
    expect(added.text).toContain('Ada');
    expect((await alice.click(added, 'Ada')).field('due')).toBe('2026-12-31');
    return alice;
  }

  test('compiles, with everything else as it was', async () => {
    expect(await app.outputOf('typescript/bin/tsc', '--singleThreaded', '-p', app.folder)).toBe('');
  });

  test('passes the tests that it passes with SQLite', async () => {
    expect(await app.test()).toMatch(/Test Files +(\d+) passed \(\1\)/);
  });

  test('starts several times at once on a new database', async () => {
    const url = await server.createDatabase();
    const ran: unknown[] = [];
    const log = { info: (fields: object) => void ran.push(fields), warn: () => {} };
    const opened = await Promise.all([1, 2, 3, 4].map(() => openDatabase(url, log)));
    const person = { iss: 'https://id.example', sub: '1', name: 'Alice', email: undefined };
    const entered = await Promise.all(opened.map(({ data }) => data.users.enter(person)));
    expect(new Set(entered.map(({ id }) => id)).size).toBe(1);
    for (const { close } of opened) await close();
    expect(ran).toEqual(
      ['0001-invoices.sql', '0002-users.sql', '0003-sign-ins.sql'].map((migration) => ({ migration })),
    );
  });

  test('answers 503 while the database restarts under load, and recovers by itself', async () => {
    const alice = await start();
    const pages: TestPage[] = [];
    let more = true;
    const load = Array.from({ length: 8 }, async () => {
      while (more) {
        pages.push(await alice.get('/invoices'));
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
    expect(pages.at(-1)?.text).toContain('Ada');
  });

  test('answers 503 in time while the database hangs, other pages at once, and recovers by itself', async () => {
    const alice = await start();
    // A connection each, so that some are waiting for an answer and some for a connection.
    await Promise.all(Array.from({ length: 20 }, () => alice.get('/invoices')));
    server.freeze();
    onTestFinished(() => server.thaw());
    const began = Date.now();
    const hanging = Promise.all(Array.from({ length: 20 }, () => alice.get('/invoices')));
    expect((await alice.get('/about')).status).toBe(200);
    expect(Date.now() - began).toBeLessThan(2_000);
    const pages = await hanging;
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([503]));
    expect(Date.now() - began).toBeLessThan(12_000);

    server.thaw();
    expect((await alice.get('/invoices')).text).toContain('Ada');
  });

  test('does not start without its database, says why within seconds, and starts when it is there', async () => {
    const url = await server.createDatabase();
    await server.stop();
    await expect(openDatabase(url)).rejects.toThrow(/ECONNREFUSED/);
    await server.start();
    server.freeze();
    const began = Date.now();
    await expect(openDatabase(url)).rejects.toThrow(/timeout/);
    expect(Date.now() - began).toBeLessThan(10_000);
    server.thaw();
    await (await openDatabase(url)).close();
  });

  test('names the migration that fails, and keeps nothing of it', async () => {
    const url = await server.createDatabase();
    const bad = 'src/data/migrations/0004-bad.sql';
    const drop = () => rmSync(join(app.folder, bad), { force: true });
    app.write(bad, 'CREATE TABLE more (id bigint); SELEC 1;');
    onTestFinished(drop);
    await expect(openDatabase(url)).rejects.toThrow(
      /0004-bad\.sql failed, and nothing was changed: syntax error/,
    );
    drop();
    const { data, close } = await openDatabase(url);
    expect(await data.users.list()).toEqual([]);
    await close();
  });
});

const quiet = { info: () => {}, warn: () => {} };

/** What the guide's src/data/data.ts exports. */
type OpenDatabase = (
  url: string,
  log?: Record<'info' | 'warn', (fields: object, message: string) => void>,
) => Promise<{
  data: { users: { enter(person: object): Promise<{ id: number }>; list(): Promise<unknown[]> } };
  close(): Promise<void>;
}>;
