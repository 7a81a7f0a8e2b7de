import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../folders.ts';
import { type Browser, createBrowser, markOn } from './helpers/browser.ts';
import { type DevPorts, type DevProcess, freeDevPorts, processes, startDev } from './helpers/dev-process.ts';
import { answer } from './helpers/identity-provider.ts';
import { copyOf } from './helpers/instances.ts';
import { copyKit, type KitCopy } from './helpers/kit-copy.ts';

// In a copy, because a file of the test site changes while it runs.
const site = join('src', 'kit', 'test', 'site', 'site.ts');
const page = join('src', 'kit', 'test', 'site', 'pages.ts');

let copy: KitCopy;
let temporary: string;
let ports: DevPorts;
const running: DevProcess[] = [];

beforeEach(async () => {
  copy = copyKit();
  symlinkSync(join(projectRoot, 'node_modules'), join(copy.folder, 'node_modules'), 'junction');
  temporary = join(copy.folder, 'temporary');
  mkdirSync(temporary);
  ports = await freeDevPorts();
});

afterEach(async () => {
  for (const run of running.splice(0)) {
    run.signalAll('SIGKILL');
    await run.ended;
  }
  copy.remove();
});

describe.skipIf(process.platform === 'win32')(
  'a restart of the development server',
  { timeout: 60_000 },
  () => {
    it('keeps who is signed in, with tokens, list and endings; who was signed out stays so', async () => {
      const run = await start();
      const alice = await signIn('alice');
      const bob = await signIn('bob');
      const stolen = copyOf(bob);
      await bob.post(url('/auth/logout'), markOn(await bob.get(url('/profile'))), { follow: false });
      await restart(run);

      expect((await alice.get(url('/profile'), { follow: false })).status).toBe(200);
      expect((await alice.get(url('/api-data'))).body).toContain('Water the plants');
      expect((await alice.get(url('/sessions'), { follow: false })).body).toContain('This browser');
      expect((await stolen.get(url('/auth/session'), { follow: false })).status).toBe(401);

      // The provider still knows whom to tell, and the app which session is meant.
      const operator = createBrowser();
      const list = await operator.get(`http://localhost:${ports.provider}/sessions`);
      const told = await operator.submit(list, { sub: 'alice' });
      expect(told.body).toContain('which answered 200');
      expect((await alice.get(url('/auth/session'), { follow: false })).status).toBe(401);
      await restart(run);
      expect((await alice.get(url('/auth/session'), { follow: false })).status).toBe(401);
    });

    it('keeps them also where the app was killed without a signal, as Windows does it', async () => {
      const run = await start();
      const alice = await signIn('alice');
      process.kill(await appOf(run), 'SIGKILL');
      await run.says('The app is not running. It starts again when a file changes.');
      await restart(run);
      expect((await alice.get(url('/profile'), { follow: false })).status).toBe(200);
    });

    it('keeps them in a file that only its user can read, and that goes with the development server', async () => {
      const run = await start();
      await signIn('alice');
      const [folder = ''] = keptFolders();
      const file = join(temporary, folder, 'sessions');
      expect((statSync(join(temporary, folder)).mode & 0o777).toString(8)).toBe('700');
      expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
      expect(readFileSync(file, 'latin1')).not.toMatch(/alice|token/);
      run.signalAll('SIGINT');
      expect(await run.ended).toBe(0);
      expect(keptFolders()).toEqual([]);
    });

    it('removes what a killed development server left, and nothing else', async () => {
      const killed = await start();
      const [left = ''] = keptFolders();
      killed.signalAll('SIGKILL');
      await killed.ended;
      expect(keptFolders()).toEqual([left]);
      const others = [
        'npm-run-dev-another-project-1-abcdef',
        left.replace(/\d+-\w{6}$/, 'notes'),
        left.replace(/\d+-\w{6}$/, `${process.pid}-abcdef`),
      ];
      for (const name of others) mkdirSync(join(temporary, name));
      const run = await start();
      expect(keptFolders()).not.toContain(left);
      run.signalAll('SIGTERM');
      await run.ended;
      expect(keptFolders().sort()).toEqual(others.sort());
    });

    it('writes no session into a file where the settings name a Redis', async () => {
      const run = await start({ REDIS_URL: 'redis://127.0.0.1:1' });
      expect(keptFolders().flatMap((name) => readdirSync(join(temporary, name)))).toEqual([]);
      run.signalAll('SIGTERM');
      await run.ended;
    });
  },
);

async function start(env: Record<string, string> = {}): Promise<DevProcess> {
  const run = startDev({ ports, site, cwd: copy.folder, env: { TMPDIR: temporary, ...env } });
  running.push(run);
  await run.says('Ctrl-C ends everything');
  await run.says(/INFO: listening on/);
  return run;
}

/** Saves a file, and waits until the app is there again. */
async function restart(run: DevProcess): Promise<void> {
  const starts = () => run.output.split('listening on').length;
  const before = starts();
  appendFileSync(join(copy.folder, page), '\n// saved');
  await run.says(new RegExp(`(listening on[^]*){${before}}`));
}

/** The app's own process. */
async function appOf(run: DevProcess): Promise<number> {
  const app = (await processes()).find(
    ({ parent, args }) => parent === run.child.pid && args.includes('app.ts'),
  );
  if (!app) throw new Error('the app has no process of its own');
  return app.pid;
}

async function signIn(account: string): Promise<Browser> {
  const browser = createBrowser();
  const { location = '' } = await browser.get(url('/auth/login/work?returnTo=/profile'), { follow: false });
  const callback = await answer(`http://localhost:${ports.provider}`, browser, location, account);
  expect((await browser.get(callback.url)).status).toBe(200);
  return browser;
}

function url(path: string): string {
  return `http://localhost:${ports.app}${path}`;
}

function keptFolders(): string[] {
  return readdirSync(temporary).filter((name) => name.startsWith('npm-run-dev-'));
}
