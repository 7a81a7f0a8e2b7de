import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../folders.ts';
import { createBrowser } from './helpers/browser.ts';
import {
  type DevOptions,
  type DevPorts,
  type DevProcess,
  freeDevPorts,
  occupy,
  processes,
  startDev,
} from './helpers/dev-process.ts';

/** A site that says which process it runs in, and with what. */
const site = `
import { definePage, getAccessToken, getUser } from '${pathToFileURL(join(projectRoot, 'src', 'kit', 'index.ts'))}';
const names = ['NODE_ENV', 'OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_PROVIDERS', 'OIDC_WORK_ISSUER', 'OIDC_SOCIAL_ISSUER', 'SESSION_SECRET', 'API_URL', 'FROM_ENV_FILE'];
const me = { pid: process.pid, ...Object.fromEntries(names.map((name) => [name, process.env[name]])) };
console.log('the site is loaded');
export const site = {
  name: 'Stand-in',
  pages: () => [],
  apis: () => ({
    orders: { url: 'http://localhost:9', resource: 'https://orders.example', scope: 'orders.read' },
    stock: { url: 'http://localhost:9', exchange: true, audience: 'stock' },
  }),
  routes(router) {
    router.get('/tokens', async (req, res) => {
      const tokens = [await getAccessToken(req, 'orders'), await getAccessToken(req, 'stock')];
      res.json(tokens.map((token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))));
    });
    router.get('/who', (req, res) => {
      const { iss, sub, roles } = getUser(req);
      res.json({ iss, sub, roles });
    });
  },
  publicRoutes(router) {
    router.get('/me', (req, res) => res.json(me));
    router.get('/broken', () => { throw new Error('something is wrong'); });
  },
};
`;

const pageWithScopes =
  "definePage({ path: '/', title: 'Home', view: 'home', access: { scopes: ['notes.read'] } })";

const main = join(projectRoot, 'src', 'kit', 'dev', 'main.ts');

let folder: string;
let entry: string;
let ports: DevPorts;
const running: DevProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dev-run-'));
  mkdirSync(join(folder, 'tmp'));
  entry = join(folder, 'site.mjs');
  writeFileSync(entry, site);
  ports = await freeDevPorts();
});

afterEach(async () => {
  for (const run of running.splice(0)) {
    run.signalAll('SIGKILL');
    await run.ended;
  }
  rmSync(folder, { recursive: true });
});

const lastWords = 'Ctrl-C ends everything';

describe.skipIf(process.platform === 'win32')('npm run dev', { timeout: 60_000 }, () => {
  it('says first of all where to go, and then starts the providers, the sample API and the app', async () => {
    const run = start();
    const said = await run.says(/INFO: listening on/);
    expect(said.trimStart().split('\n')[0]).toBe(`The app     http://localhost:${ports.app}`);
    expect(said).toMatch(/alice \(role admin\), bob \(role member\)/);
    // What the site says when it is loaded comes afterwards.
    expect(said.indexOf('the site is loaded')).toBeGreaterThan(said.indexOf(lastWords));
    expect(run.complaints).toBe('');
    expect(await askApp()).toMatchObject({
      NODE_ENV: 'development',
      OIDC_PROVIDERS: 'work,social',
      OIDC_WORK_ISSUER: `http://localhost:${ports.provider}`,
      OIDC_SOCIAL_ISSUER: `http://localhost:${ports.social}`,
      API_URL: `http://localhost:${ports.api}`,
    });
    for (const port of [ports.provider, ports.social]) {
      const metadata = await fetch(`http://localhost:${port}/.well-known/openid-configuration`);
      expect(await metadata.json()).toMatchObject({ issuer: `http://localhost:${port}` });
    }
    expect((await fetch(`http://localhost:${ports.api}`)).status).toBe(401);
    expect((await fetch(`http://localhost:${ports.api + 1}/dev/gallery`)).status).toBe(200);
  });

  it('logs pages and not their styles, and a stack in lines', async () => {
    const run = start();
    await run.says(lastWords);
    await fetch(`http://localhost:${ports.app}/kit.css`);
    await fetch(`http://localhost:${ports.app}/not-there.css`);
    await fetch(`http://localhost:${ports.app}/broken`, { headers: { Accept: 'text/html' } });
    const said = await run.says(/"path":"\/broken"/);
    expect(said).toContain('"path":"/not-there.css"');
    expect(said).not.toContain('/kit.css');
    expect(said).toMatch(/^ +Error: something is wrong\n +at .*site\.mjs/m);
    expect(said.match(/something is wrong/g), 'what was wrong is said once').toHaveLength(1);
  });

  it('restarts the app alone when a file changes, with the same session secret', async () => {
    const run = start();
    await run.says(lastWords);
    const before = await askApp();
    const provider = await signingKey();
    writeFileSync(entry, `${site}\n// changed`);
    await run.says(/listening on[\s\S]*listening on/);
    const after = await askApp();
    expect(after.pid).not.toBe(before.pid);
    expect(after.SESSION_SECRET).toBe(before.SESSION_SECRET);
    expect(await signingKey()).toBe(provider);
  });

  it('shows what is wrong with a file, and goes on when it is right again', async () => {
    writeFileSync(entry, `${site}\nexport const = broken`);
    const run = start();
    await run.says(/SyntaxError/);
    writeFileSync(entry, site);
    await run.says(lastWords);
    await expect.poll(() => askApp().catch(() => undefined)).toMatchObject({ NODE_ENV: 'development' });
  });

  it('reads .env where there is one, and takes what the environment says before it', async () => {
    writeFileSync(join(folder, '.env'), 'FROM_ENV_FILE=yes\nOIDC_CLIENT_ID=from-the-file\nPORT=1\n');
    const run = start();
    await run.says(lastWords);
    expect(await askApp()).toMatchObject({ FROM_ENV_FILE: 'yes', OIDC_PROVIDERS: 'work,social' });
    expect(await askApp()).not.toHaveProperty('OIDC_CLIENT_ID');
    expect(run.complaints).toBe('');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'leaves nothing behind after %s, as Ctrl-C sends it to all',
    async (signal) => {
      const run = start();
      await run.says(lastWords);
      run.signalAll(signal);
      expect(await run.ended).toBe(0);
      await nothingRuns();
      expect(leftBehind()).toEqual([]);
    },
  );

  it('leaves nothing running when it is killed without a word', async () => {
    const run = start();
    await run.says(lastWords);
    run.signal('SIGKILL');
    await run.ended;
    await nothingRuns();
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'leaves nothing behind when npm, which started it, gets %s',
    async (signal) => {
      const script = `"${process.execPath}" "${main}" "${entry}"`;
      const run = start({ command: ['npm', 'exec', '--call', script] });
      await run.says(lastWords);
      run.signal(signal);
      await nothingRuns();
      expect(leftBehind()).toEqual([]);
    },
  );

  it('ends the app too when the provider crashes', async () => {
    const run = start();
    await run.says(lastWords);
    const servers = (await processes()).find(
      ({ parent, args }) => parent === run.child.pid && args.includes('servers.ts'),
    );
    if (!servers) throw new Error('the provider has no process of its own');
    process.kill(servers.pid, 'SIGKILL');
    expect(await run.ended).toBe(1);
    await nothingRuns();
    expect(leftBehind()).toEqual([]);
  });

  it('signs in at both providers, where the same sub is two users, with one of them all signed and encrypted', async () => {
    const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(folder, 'sig.pem'), pem(generateKeyPairSync('ed25519').privateKey));
    writeFileSync(join(folder, 'enc.pem'), pem(generateKeyPairSync('x25519').privateKey));
    const env = {
      ...{ OIDC_WORK_CLIENT_AUTH: 'private_key_jwt', OIDC_WORK_CLIENT_KEY_FILE: join(folder, 'sig.pem') },
      ...{ OIDC_WORK_REQUEST_OBJECT: 'true', OIDC_WORK_RESPONSE_MODE: 'jwt' },
      OIDC_WORK_DECRYPTION_KEY_FILE: join(folder, 'enc.pem'),
    };
    await start({ env }).says(lastWords);
    const seen = [];
    for (const [name, port, label] of [
      ['work', ports.provider, 'Work (development)'],
      ['social', ports.social, 'Social (development)'],
    ] as const) {
      const browser = createBrowser();
      const chooser = await browser.get(appAt('/sessions'));
      expect(chooser.body).toContain(`Continue with ${label}`);
      // Nothing on it leads to a sign-in that forgets where the visitor was going.
      expect(chooser.body).not.toContain('returnTo=%2Fauth');
      const atProvider = await browser.get(appAt(`/auth/login/${name}?returnTo=/sessions`));
      expect(new URL(atProvider.url).port).toBe(`${port}`);
      // Which provider this is, and for whom.
      expect(atProvider.body).toContain(label);
      expect(atProvider.body).toContain('Stand-in is asking you to sign in');
      const page = await browser.submit(atProvider, { account: 'alice' });
      expect(page).toMatchObject({ url: appAt('/sessions'), status: 200 });
      seen.push(JSON.parse((await browser.get(appAt('/who'))).body));
    }
    expect(seen).toEqual([
      { iss: `http://localhost:${ports.provider}`, sub: 'alice', roles: ['admin', 'member'] },
      { iss: `http://localhost:${ports.social}`, sub: 'alice', roles: [] },
    ]);
  });

  it('gives each API of the site a token of its own, although nobody has registered it', async () => {
    await start({ env: { OIDC_PROVIDERS: 'work' } }).says(lastWords);
    const browser = createBrowser();
    const page = await browser.submit(await browser.get(appAt('/tokens')), { account: 'alice' });
    expect(JSON.parse(page.body)).toMatchObject([
      { aud: 'https://orders.example', scope: 'orders.read', sub: 'alice' },
      { aud: 'stock', sub: 'alice' },
    ]);
  });

  it('keeps a browser signed in at both providers, and ends the sign-in at one of them', async () => {
    await start().says(lastWords);
    const browser = createBrowser();
    for (const [name, account] of [
      ['work', 'bob'],
      ['social', 'peggy'],
    ] as const) {
      const atProvider = await browser.get(appAt(`/auth/login/${name}?returnTo=/who`));
      await browser.submit(atProvider, { account });
    }
    // Neither asks again: each still has its own cookie, on one host.
    for (const [name, sub] of [
      ['work', 'bob'],
      ['social', 'peggy'],
    ] as const) {
      const page = await browser.get(appAt(`/auth/login/${name}?returnTo=/who`));
      expect(page.url, name).toBe(appAt('/who'));
      expect(JSON.parse(page.body).sub).toBe(sub);
    }
    const out = await browser.post(appAt('/auth/logout'), {}, {}, appAt('/sessions'));
    expect(out.body).toContain('Social (development)');
    expect((await browser.get(appAt('/auth/login/work?returnTo=/who'))).url).toBe(appAt('/who'));
    expect((await browser.get(appAt('/auth/login/social'))).body).toContain('Who do you want to be?');
  });

  it('starts the one provider that OIDC_PROVIDERS names, and asks nobody which', async () => {
    const said = await start({ env: { OIDC_PROVIDERS: 'work' } }).says(lastWords);
    expect(said).not.toContain('Social');
    const { url } = await createBrowser().get(appAt('/sessions'));
    expect(url).toContain(`http://localhost:${ports.provider}/interaction/`);
    expect(await listens(ports.social)).toBe(false);
  });

  it('starts only the app when the settings name a provider', async () => {
    const run = start({
      env: { OIDC_ISSUER: 'https://login.example.com', OIDC_CLIENT_ID: 'mine', OIDC_CLIENT_SECRET: 'mine' },
    });
    expect(await run.says(lastWords)).toContain('https://login.example.com');
    expect(await askApp()).toMatchObject({
      OIDC_ISSUER: 'https://login.example.com',
      OIDC_CLIENT_ID: 'mine',
    });
    for (const port of [ports.provider, ports.social, ports.api, ports.api + 1])
      expect(await listens(port)).toBe(false);
  });

  it.each([
    ['starts the providers that its command names, as that of an adopted app does', {}, 'work'],
    ['starts those of the settings all the same', { OIDC_PROVIDERS: 'work,social' }, 'work,social'],
    ['starts none beside one of your own', { OIDC_ISSUER: 'https://login.example.com' }, undefined],
  ])('%s', async (_, env, providers) => {
    const own = { OIDC_CLIENT_ID: 'mine', OIDC_CLIENT_SECRET: 'a secret of the developer, long enough' };
    const isOwn = 'OIDC_ISSUER' in env;
    const run = start({
      command: [process.execPath, main, entry, 'work'],
      env: { ...env, ...(isOwn && own) },
    });
    await run.says(/INFO: listening on/);
    expect((await askApp()).OIDC_PROVIDERS).toBe(providers);
    expect(run.output.includes('Social')).toBe(providers === 'work,social');
    expect(run.output).not.toContain('If your app has one provider only');
  });
});

describe.skipIf(process.platform === 'win32')('npm run dev that cannot start', { timeout: 60_000 }, () => {
  it.each([
    ['app', 0, 'PORT', ''],
    ['provider', 0, 'DEV_PROVIDER_PORT', ''],
    ['social', 0, 'DEV_SOCIAL_PORT', ''],
    ['api', 0, 'DEV_API_PORT', ''],
    ['api', 1, 'DEV_API_PORT', ', for the gallery,'],
  ] as const)(
    'says in one line that the port of the %s (+%i) is in use',
    async (which, above, name, forWhat) => {
      const port = ports[which] + above;
      const occupant = await occupy(port);
      const run = start();
      expect(await run.ended).toBe(1);
      expect(run.output.trim()).toContain(
        `Port ${port}${forWhat} is in use. Stop what listens there, or set ${name}`,
      );
      expect(run.output.trim()).not.toContain('\n');
      await close(occupant);
    },
  );

  it('says that the settings are wrong, and ends as npm start does', async () => {
    const run = start({
      env: { OIDC_REQUEST_OBJECT: 'true', OIDC_WORK_CLIENT_KEY_FILE: 'gone.pem', SESSION_SECRET: 'short' },
    });
    expect(await run.ended).toBe(78);
    expect(run.complaints).toMatch(/^The app cannot start:\n- SESSION_SECRET/);
    // The providers read the same settings, and leave it to the app to complain.
    expect(run.complaints).toContain('\n- OIDC_WORK_CLIENT_KEY_FILE names a file that cannot be read');
    expect(run.complaints).toContain('\n- OIDC_SOCIAL_CLIENT_KEY_FILE is missing');
    expect(leftBehind()).toEqual([]);
  });

  it('because what the site opens fails says so, and at once that it waits for a change', async () => {
    const failing = "pages: () => [], open: () => { throw new Error('no database'); }";
    writeFileSync(entry, site.replace('pages: () => []', failing));
    const run = start();
    await expect.poll(() => run.complaints, { timeout: 20_000 }).toContain('no database');
    const waits = () => run.output.includes('The app is not running. It starts again when a file changes.');
    await expect.poll(waits, { timeout: 5_000 }).toBe(true);
  });

  it.each([
    ['says how to run one provider, to a site whose rules do not fit two', {}, true],
    ['leaves that out where the providers were chosen', { OIDC_PROVIDERS: 'work,social' }, false],
  ])('%s', async (_, env, hinted) => {
    writeFileSync(entry, site.replace('pages: () => []', `pages: () => [${pageWithScopes}]`));
    const run = start({ env });
    expect(await run.ended).toBe(78);
    expect(run.complaints).toContain("add `providers` to it, such as providers: ['work']");
    expect(run.complaints.includes('OIDC_PROVIDERS=work npm run dev')).toBe(hinted);
  });

  it.each([[[]], [['nothing.ts']]])('says how it is started when it gets %j', async (args) => {
    const run = start({ command: [process.execPath, main, ...args] });
    expect(await run.ended).toBe(1);
    expect(run.output).toBe(
      'Say where the site is: npm run dev is `node src/kit/dev/main.ts src/site.ts`.\n',
    );
  });
});

function start(options: Partial<DevOptions> = {}): DevProcess {
  const env = { TMPDIR: join(folder, 'tmp'), ...options.env };
  // Not in the project's folder, where an app may have an .env.
  const run = startDev({ ports, command: [process.execPath, main, entry], cwd: folder, ...options, env });
  running.push(run);
  return run;
}

function appAt(path: string): string {
  return `http://localhost:${ports.app}${path}`;
}

async function askApp(): Promise<Record<string, unknown>> {
  return (await fetch(`http://localhost:${ports.app}/me`)).json() as Promise<Record<string, unknown>>;
}

async function signingKey(): Promise<unknown> {
  const { keys } = (await (await fetch(`http://localhost:${ports.provider}/jwks`)).json()) as {
    keys: { kid: string }[];
  };
  return keys[0]?.kid;
}

/** What is left of the folder for sessions. */
function leftBehind(): string[] {
  return readdirSync(join(folder, 'tmp')).filter((name) => name.startsWith('npm-run-dev-'));
}

/** Nobody listens, and no process is left that knows of this test's site. */
async function nothingRuns(): Promise<void> {
  const left = async () => [
    ...(await Promise.all([...Object.values(ports), ports.api + 1].map(listens))),
    ...(await processes()).filter(({ args }) => args.includes(entry)),
  ];
  await expect.poll(left, { timeout: 15_000 }).toEqual([false, false, false, false, false]);
}

async function listens(port: number): Promise<boolean> {
  return fetch(`http://localhost:${port}`).then(
    () => true,
    () => false,
  );
}

function close(server: Server): Promise<unknown> {
  return new Promise((resolve) => server.close(resolve));
}
