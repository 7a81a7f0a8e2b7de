import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { startIdentityProvider } from './helpers/identity-provider.ts';
import { startServer } from './helpers/server-process.ts';
import { checkout, copyTree, type TreeCopy } from './helpers/tree-copy.ts';

// What stands on a server: no development part, no test, and only the packages that the app needs (ASVS 15.2.3).

let copy: TreeCopy;
beforeAll(() => {
  copy = copyTree(/^(src\/kit\/(dev|testing|test\/(?!site\/))|test|scripts|bench|\.ci)\//);
  const npm = spawnSync('npm', ['ci', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund'], {
    cwd: copy.folder,
    encoding: 'utf8',
  });
  expect(npm.status, npm.stderr).toBe(0);
}, 60_000);
afterAll(() => copy?.remove());

test('a production install holds no development package', () => {
  const { dependencies } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
  const isThere = (name: string) => existsSync(join(copy.folder, 'node_modules', name));
  expect(Object.keys(dependencies).filter((name) => !isThere(name))).toEqual([]);
  const development = ['vitest', 'oidc-provider', 'playwright-core', 'typescript', 'knip', '@biomejs/biome'];
  expect(development.filter(isThere)).toEqual([]);
});

test('it starts, and people sign in at a provider that runs elsewhere', async () => {
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
