import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createProviderFetch } from '../provider/fetch.ts';
import { makeCertificate } from './helpers/certificates.ts';
import { startConnectProxy } from './helpers/connect-proxy.ts';
import { freeDevPorts, startDev } from './helpers/dev-process.ts';
import { clientId, clientSecret, startIdentityProvider } from './helpers/identity-provider.ts';
import { launchServer, startServer } from './helpers/server-process.ts';

// What the fast tests of the proxy leave out: time limits, and apps that are started with an .env.

const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a proxy that hangs, and a provider that hangs behind one, are given up within five seconds', async () => {
  const silent = createServer((socket) => socket.resume()).listen(0, 'localhost');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const behind = `https://localhost:${(silent.address() as AddressInfo).port}/`;
  const [hanging, passing] = await Promise.all([startConnectProxy({ answer: 'hangs' }), startConnectProxy()]);
  onTestFinished(() => Promise.all([hanging.stop(), passing.stop()]).then(() => {}));
  const cases = [
    [hanging, 'https://op.example.test/', /^the proxy of HTTPS_PROXY opened no connection to op.+ in time/],
    [passing, behind, undefined],
  ] as const;
  const started = Date.now();
  await Promise.all(
    cases.flatMap(([proxy, address, hint]) =>
      ['GET', 'POST'].map(async (method) => {
        const { fetch, close } = createProviderFetch({
          proxy: { https_proxy: proxy.address('user:pass-w0rd') },
        });
        const failure = await fetch(address, { method }).catch((error) => error);
        close();
        expect(failure).toMatchObject({ name: 'Unreachable' });
        if (hint) expect(failure.hint).toMatch(hint);
      }),
    ),
  );
  expect(Date.now() - started).toBeLessThan(7_000);
  // Nothing stays open where nobody waits any more.
  await expect.poll(() => [hanging.connections, passing.connections]).toEqual([0, 0]);
}, 60_000);

test('HTTPS_PROXY and EXTRA_CA_FILE count from an .env, for npm start and npm run dev', async () => {
  const provider = await startIdentityProvider({ tls: { ...server, requestCert: false } });
  const [first, second] = await Promise.all([startConnectProxy(), startConnectProxy()]);
  onTestFinished(() => Promise.all([provider.stop(), first.stop(), second.stop()]).then(() => {}));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, server.cert);
  const file = join(folder, '.env');
  const settings = {
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: clientSecret,
  };

  writeFileSync(file, `HTTPS_PROXY=${first.address('user:pass-w0rd')}\nEXTRA_CA_FILE=${ca}\n`);
  const nodeArguments = [`--env-file-if-exists=${file}`];
  const app = await startServer(settings, { nodeArguments });
  await expect.poll(() => first.asked, { timeout: 10_000 }).toEqual([`localhost:${provider.port}`]);
  await expect.poll(async () => (await fetch(`${app.origin}/readyz`)).status, { timeout: 10_000 }).toBe(200);
  await app.stop();
  expect(JSON.stringify(app.lines) + app.complaints).not.toContain('pass-w0rd');

  const lines = Object.entries({ ...settings, HTTPS_PROXY: second.address(), EXTRA_CA_FILE: ca }).map(
    ([name, value]) => `${name}=${value}`,
  );
  writeFileSync(file, lines.join('\n').replace(clientSecret, `"${clientSecret}"`));
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const dev = startDev({
    ports: await freeDevPorts(),
    command: [process.execPath, path('../dev/main.ts'), path('./site/site.ts')],
    cwd: folder,
  });
  onTestFinished(async () => {
    dev.signalAll('SIGINT');
    await dev.ended;
  });
  await expect.poll(() => second.asked, { timeout: 20_000 }).toEqual([`localhost:${provider.port}`]);
}, 60_000);

test('a proxy whose address is none stops the start with code 78, and nothing of it is printed', async () => {
  const launched = await launchServer({ HTTPS_PROXY: 'http://user:pr0xy/w0rd@proxy.example.com:3128' });
  expect((await launched.ended).code).toBe(78);
  expect(launched.complaints).toMatch(
    /^The app cannot start:\n- HTTPS_PROXY must be the address of a proxy.+\n$/,
  );
  expect(launched.complaints + JSON.stringify(launched.lines)).not.toMatch(/pr0xy|w0rd@/);
}, 60_000);
