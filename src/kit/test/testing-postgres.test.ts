import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { TestProject } from 'vitest/node';
import { z } from 'zod';
import { projectRoot } from '../folders.ts';
import type { AnySite } from '../site.ts';
import { checkSite, hasPostgres, startTestApp } from '../testing/index.ts';
import { runSql } from '../testing/postgres.ts';
import sharedPostgres from '../testing/shared-postgres.ts';
import { until } from './helpers/redis-server.ts';
import { smallSite } from './helpers/small-site.ts';
import { startForTest } from './helpers/test-app.ts';

/** A site with a table, that everyone adds a row to. */
const more: Partial<AnySite> = {
  settings: {
    DATABASE_URL: { meaning: 'the database', schema: z.url({ protocol: /^postgres$/ }), secret: true },
  },
  open: async ({ settings }) => {
    const url = String(settings.DATABASE_URL);
    await runSql(url, 'CREATE TABLE IF NOT EXISTS rows (id bigint GENERATED ALWAYS AS IDENTITY)');
    return { data: url, close: () => {} };
  },
  publicRoutes: (router, { data }) => {
    router.get('/add', async (_req, res) => {
      await runSql(data as string, 'INSERT INTO rows DEFAULT VALUES');
      res.json(Number(await runSql(data as string, 'SELECT count(*) FROM rows')));
    });
  },
};

const env = { DATABASE_URL: ':postgres:' };

describe.skipIf(!hasPostgres())('a test app with PostgreSQL', { timeout: 60_000 }, () => {
  test('has an empty database of its own, with an address that a second app can have', async () => {
    const [one, other] = [
      await startForTest({ ...smallSite({ more }), env }),
      await startForTest({ ...smallSite({ more }), env }),
    ];
    expect((await one.get('/add')).json()).toBe(1);
    expect((await one.get('/add')).json()).toBe(2);
    expect((await other.get('/add')).json()).toBe(1);
    await one.stop();
    const again = await startForTest({
      ...smallSite({ more }),
      env: { DATABASE_URL: one.env.DATABASE_URL },
    });
    expect((await again.get('/add')).json()).toBe(3);
  });

  test('gets it by test/settings.env, too, and so does the check of the site', async () => {
    const files = { 'test/settings.env': 'DATABASE_URL=:postgres:\n' };
    const app = await startForTest(smallSite({ more, files }));
    expect((await app.get('/add')).json()).toBe(1);
    const { site, root } = smallSite({ more, files });
    expect((await checkSite(site, { root })).public).toContain('GET /add');
  });

  test('shares it among its instances', async () => {
    const app = await startForTest({ ...smallSite({ more }), env, redis: true, instances: 2 });
    expect((await app.get('/add')).json()).toBe(1);
    expect((await app.get('/add')).json()).toBe(2);
  });

  test('may do in it what an app may do, and nothing outside of it', async () => {
    const { url } = await database();
    const may = 'SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user';
    expect(await runSql(url, may)).toBe('f');
    await expect(runSql(url, "COPY (SELECT 1) TO PROGRAM 'true'")).rejects.toThrow(
      /permission denied|must be superuser/,
    );
    for (const other of [{ password: 'app' }, { username: 'postgres' }]) {
      const guessed = Object.assign(new URL(url), other as object).href;
      await expect(runSql(guessed, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
    }
  });

  test('finds the same there on each machine: UTC, and letters of all languages', async () => {
    const { url } = await database();
    expect(await runSql(url, "SHOW timezone; SELECT lower('ÄÉ'), 'Éa' ILIKE 'éA'")).toBe('UTC\näé|t');
  });

  // A server of a process of its own.
  test.each(['SIGKILL', 'SIGINT'] as const)('leaves nothing behind after %s', async (signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'tests of postgres '));
    // PostgreSQL has another account, where we are root.
    chmodSync(folder, 0o755);
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { url, child } = await serverOfOtherProcess(folder);
    expect(await runSql(url, 'SELECT 1')).toBe('1');
    expect(readdirSync(folder)).toHaveLength(1);
    // As Ctrl+C does: for the whole group.
    process.kill(-(child.pid as number), signal);
    await until(() => readdirSync(folder).length === 0, 20_000);
    await expect(runSql(url, 'SELECT 1')).rejects.toThrow(/refused/);
  });

  test('is one server for all files of a run, where test/settings.env asks for it', async () => {
    vi.stubEnv('KIT_TEST_POSTGRES', undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    const files = { 'test/settings.env': 'DATABASE_URL=:postgres:\n' };
    const { site, root } = smallSite({ more, files });
    const reruns: (() => unknown)[] = [];
    const project = { config: { root }, onTestsRerun: (rerun: () => unknown) => void reruns.push(rerun) };
    const stop = await sharedPostgres(project as unknown as TestProject);
    const { port } = new URL(process.env.KIT_TEST_POSTGRES ?? '');
    await using app = await startTestApp({ site, root });
    expect(new URL(app.env.DATABASE_URL ?? '').port).toBe(port);
    // In watch mode, the next run.
    for (const rerun of reruns) await rerun();
    await expect(runSql(app.env.DATABASE_URL ?? '', 'SELECT 1')).rejects.toThrow(/does not exist/);
    await (await startTestApp({ site, root })).stop();
    await stop?.();
    await expect(runSql(app.env.DATABASE_URL ?? '', 'SELECT 1')).rejects.toThrow(/refused/);
  });

  test('is no server where nothing asks for it', async () => {
    const { root } = smallSite({ files: { 'test/settings.env': 'DATABASE_FILE=:memory:\n' } });
    expect(await sharedPostgres({ config: { root } } as TestProject)).toBeUndefined();
  });
});

describe('where PostgreSQL is not installed', () => {
  test('tests are skipped, and fail with CI=true', () => {
    vi.stubEnv('POSTGRES_BIN', '/not/there');
    vi.stubEnv('CI', '');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(hasPostgres()).toBe(false);
    vi.stubEnv('CI', 'true');
    expect(hasPostgres).toThrow(
      'PostgreSQL is not installed here. Install PostgreSQL 13 or later, or set POSTGRES_BIN to the folder of its programs: with CI=true no test may be skipped.',
    );
  });
});

async function database(): Promise<{ url: string }> {
  const app = await startForTest({ ...smallSite({ more }), env });
  return { url: app.env.DATABASE_URL ?? '' };
}

async function serverOfOtherProcess(folder: string): Promise<{ url: string; child: ChildProcess }> {
  const source = `
    const { startPostgres } = await import('./src/kit/testing/postgres.ts');
    console.log((await startPostgres()).url);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '--eval', source], {
    ...{ cwd: projectRoot, env: { ...process.env, TMPDIR: folder } },
    ...{ stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [url] = await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  return { url: String(url).trim(), child };
}
