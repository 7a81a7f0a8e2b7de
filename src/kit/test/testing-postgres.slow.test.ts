import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../folders.ts';
import { hasPostgres } from '../testing/index.ts';
import { sharedFile } from './helpers/docs.ts';
import { bottom, top, whole } from './helpers/small-site.ts';

// The tests of a site whose test/settings.env asks for a PostgreSQL database, as `npm test` runs them.

const site = `
import { z } from 'zod';
import { definePage, defineSite } from '#kit';
export const site = defineSite({
  name: 'Small site',
  settings: { DATABASE_URL: { meaning: 'the database', schema: z.url() } },
  pages: () => [definePage({ path: '/', title: 'Home', access: 'everyone', view: 'home', nav: 'Home' })],
});`;

const adopted = `
import { afterAll, expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';
const app = await startTestApp({ site });
const { DATABASE_URL = '' } = app.env;
afterAll(() => app.stop());
test('home', async () => {
  expect((await app.get('/')).status).toBe(200);
  console.log('server', new URL(DATABASE_URL).port);
});
test('signed in', async () => void (await app.signIn('alice')));`;

const others = `
import { expect, test } from 'vitest';
import { checkSite, startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';
test('an app of its own', async () => {
  await using app = await startTestApp({ site });
  console.log('server', new URL(app.env.DATABASE_URL).port);
});
test('the site is in order', () => checkSite(site));
test('no app at all', () => expect(1).toBe(1));`;

describe.skipIf(!sharedFile('vitest.config.ts'))('npm test', { timeout: 60_000 }, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'site with postgres '));
    const kit = join(projectRoot, 'src/kit');
    cpSync(kit, join(folder, 'src/kit'), { recursive: true, filter: (path) => path !== join(kit, 'test') });
    symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'junction');
    const { imports } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
    const files = {
      'package.json': JSON.stringify({ type: 'module', imports }),
      'tsconfig.json': JSON.stringify({ extends: join(projectRoot, 'tsconfig.json') }),
      'vitest.config.ts': readFileSync(join(projectRoot, 'vitest.config.ts'), 'utf8'),
      ...{ 'views/partials/top.ejs': top, 'views/partials/bottom.ejs': bottom, 'public/site.css': '' },
      ...{ 'views/home.ejs': whole('<h1>Home</h1>'), 'src/site.ts': site },
      'test/settings.env': 'DATABASE_URL=:postgres:\n',
      'test/adopted.test.ts': adopted,
      'test/others.test.ts': others,
      'test/global-setup.ts': "export default () => console.log('set up once');",
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(env: NodeJS.ProcessEnv) {
    const vitest = join(projectRoot, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--no-color', '--reporter=verbose', '--fsModuleCache=false'];
    const { KIT_TEST_POSTGRES: _outer, ...outer } = process.env;
    const options = {
      cwd: folder,
      env: { ...outer, VITEST: undefined, NO_COLOR: '1', ...env },
      timeout: 50_000,
    };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { ...options, encoding: 'utf8' });
    return { status, said: stdout + stderr };
  }

  test.skipIf(!hasPostgres())('gives every app a database of one server', () => {
    const { status, said } = run({ CI: 'true' });
    expect(said).toMatch(/Tests +5 passed \(5\)/);
    const servers = [...said.matchAll(/^server (\d+)$/gm)].map(([, port]) => port);
    expect(servers).toHaveLength(2);
    expect(new Set(servers).size).toBe(1);
    expect(said.match(/set up once/g)).toHaveLength(1);
    expect(status).toBe(0);
  });

  test('skips what needs it where there is none, and says so in one line', () => {
    const { status, said } = run({ CI: '', POSTGRES_BIN: '/not/there' });
    expect(said.match(/Tests are skipped: .*/g)).toEqual([
      'Tests are skipped: PostgreSQL is not installed here. Install PostgreSQL 13 or later, or set POSTGRES_BIN to the folder of its programs.',
    ]);
    expect(said).toMatch(/Tests +1 passed \| 4 skipped \(5\)/);
    expect(status).toBe(0);
  });

  test('fails there with CI=true', () => {
    const { status, said } = run({ CI: 'true', POSTGRES_BIN: '/not/there' });
    expect(said).toContain('with CI=true no test may be skipped.');
    expect(status).toBe(1);
  });
});
