import { execFile, spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../folders.ts';
import { freePort } from '../testing/processes.ts';
import { bareEnv } from './helpers/bare-env.ts';
import { createBrowser } from './helpers/browser.ts';
import { clientId, clientSecret, startIdentityProvider } from './helpers/identity-provider.ts';
import { copyKit, type KitCopy } from './helpers/kit-copy.ts';
import { startServer } from './helpers/server-process.ts';

// What is on a server: no development part, no test, and only the packages that the app needs (ASVS 15.2.3).

describe.skipIf(!existsSync(join(projectRoot, 'package-lock.json')))('a production install', () => {
  let copy: KitCopy;
  beforeAll(() => {
    copy = copyKit(/^src\/kit\/(dev|testing|test\/(?!site(\/|$)))/);
    const options = ['--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    const npm = spawnSync('npm', ['ci', ...options], { cwd: copy.folder, encoding: 'utf8' });
    expect(npm.status, npm.stderr).toBe(0);
  }, 60_000);
  afterAll(() => copy?.remove());

  test('has no development part and no test', () => {
    // What takes the place of the site.
    const extra = (file: string) => !/^src\/kit\/test\/site(\/|$)/.test(file);
    const all = globSync('src/kit/{dev,test,testing}/**', { cwd: copy.folder }).map((file) =>
      file.replaceAll(sep, '/'),
    );
    expect(all.filter((file) => file !== 'src/kit/test' && extra(file))).toEqual([]);
  });

  test.skipIf(!existsSync(join(projectRoot, '.dockerignore')))('is what an image holds', () => {
    const parts = ['src/kit/dev', 'src/kit/test', 'src/kit/testing'];
    const leftOut = readFileSync(join(projectRoot, '.dockerignore'), 'utf8').split(/\r?\n/);
    expect(leftOut).toEqual(expect.arrayContaining(parts));
    // The list of what gets to the builder begins with nothing: test/ is not on it.
    expect(leftOut.filter((line) => line === '*' || /^!test/.test(line))).toEqual(['*']);
  });

  test('has no development package', () => {
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(projectRoot, 'package.json'), 'utf8'),
    );
    const isThere = (name: string) => existsSync(join(copy.folder, 'node_modules', name));
    const wanted = Object.keys({ ...dependencies, ...optionalDependencies });
    expect(wanted.filter((name) => !isThere(name))).toEqual([]);
    const development = [
      'vitest',
      'oidc-provider',
      'playwright-core',
      'typescript',
      'knip',
      '@biomejs/biome',
    ];
    // Unless a package that the app needs in production needs it, too.
    const { packages } = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8'));
    expect(development.filter((name) => packages[`node_modules/${name}`]?.dev && isThere(name))).toEqual([]);
  });

  test('starts, and people sign in at a provider that runs elsewhere', async () => {
    const port = await freePort();
    const provider = await startIdentityProvider({ redirectOrigin: `http://127.0.0.1:${port}` });
    const server = await startServer({ OIDC_ISSUER: provider.issuer }, { port, cwd: copy.folder });
    try {
      const browser = createBrowser();
      const { location = '' } = await browser.get(`${server.origin}/profile`, { follow: false });
      const page = await browser.get(await provider.signIn(browser, location, 'alice'));
      expect(page.status).toBe(200);
      expect(page.body).toContain('Alice Adams');
      expect((await browser.get(`${server.origin}/dev/gallery`)).status).toBe(404);
    } finally {
      await server.stop();
      await provider.stop();
    }
  });

  test('has what operators need inside: the commands for sessions, and the doctor', async () => {
    const provider = await startIdentityProvider({ redirectOrigin: 'http://127.0.0.1:9' });
    const env = {
      ...{ ...bareEnv, NODE_ENV: 'production', SESSION_SECRET: 'f3a9c1d27b604e8fa5d2c9136be07f48' },
      ...{ OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret },
      // Nobody listens there.
      REDIS_URL: 'redis://127.0.0.1:9',
    };
    const run = (...args: string[]) =>
      new Promise<string>((resolve) => {
        const options = { cwd: copy.folder, env };
        execFile(process.execPath, args, options, (_error, said, complained) => resolve(said + complained));
      });
    try {
      expect(await run('src/kit/operator/main.ts', 'list', '--sub', 'alice')).toMatch(
        /^Redis cannot be reached: /,
      );
      const doctor = await run('src/kit/doctor/main.ts', 'src/kit/test/site/site.ts');
      expect(doctor).toMatch(/^✓ discovery: /m);
      expect(doctor).toMatch(/^✗ Redis: /m);
    } finally {
      await provider.stop();
    }
  });
});
