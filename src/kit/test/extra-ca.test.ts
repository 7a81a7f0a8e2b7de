import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { doubtsAbout } from '../config/extra-cas.ts';
import { ConfigError, loadConfig } from '../config/index.ts';
import { trustCas } from '../config/trusted-cas.ts';
import { createProviderFetch } from '../provider/fetch.ts';
import { freePort } from '../testing/processes.ts';
import { startApp } from './helpers/app.ts';
import { bareEnv } from './helpers/bare-env.ts';
import { createBrowser } from './helpers/browser.ts';
import { makeCertificate } from './helpers/certificates.ts';
import { startConnectProxy } from './helpers/connect-proxy.ts';
import { clientId, clientSecret, startIdentityProvider } from './helpers/identity-provider.ts';
import { makeCertificates } from './helpers/private-ca.ts';
import { describeWithRedis, startRedis } from './helpers/redis-server.ts';
import { startServer } from './helpers/server-process.ts';

// EXTRA_CA_FILE: certificates that are trusted besides those that Node trusts.

const folder = mkdtempSync(join(tmpdir(), 'extra-ca-'));
const certificates = await makeCertificates();
afterAll(() => {
  rmSync(folder, { recursive: true });
  certificates.remove();
});
const authority = certificates.caText;
const tls = { cert: readFileSync(certificates.cert, 'utf8'), key: readFileSync(certificates.key, 'utf8') };

let count = 0;
function fileWith(content: string | Buffer): string {
  const path = join(folder, `${count++}.pem`);
  writeFileSync(path, content);
  return path;
}

const base = {
  OIDC_ISSUER: 'https://login.example.com',
  OIDC_CLIENT_ID: 'app',
  OIDC_CLIENT_SECRET: 'the-secret-of-the-client',
  SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
};

function problems(path: string): readonly string[] {
  try {
    loadConfig({ ...base, EXTRA_CA_FILE: path });
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

describe('the file', () => {
  const { cert, key } = makeCertificate({ name: 'Another CA' });
  const der = new X509Certificate(cert).raw;
  const inWords = `Subject: CN=Another CA\r\n${cert.replaceAll('\n', '\r\n')}`;

  test.each([
    ['one certificate', authority, 1],
    ['several, with words between them and the line ends of Windows', authority + inWords, 2],
    ['a byte order mark at its start', `\uFEFF${authority}`, 1],
  ])('may hold %s', (_what, text, found) => {
    const { extraCas } = loadConfig({ ...base, EXTRA_CA_FILE: fileWith(text) });
    expect(extraCas).toHaveLength(found);
    for (const pem of extraCas) expect(new X509Certificate(pem).ca).toBe(true);
  });

  test('is not needed', () => {
    expect(loadConfig({ ...base, EXTRA_CA_FILE: '' }).extraCas).toEqual([]);
  });

  test.each<[what: string, path: string, says: RegExp]>([
    [
      'is not there',
      join(folder, 'none'),
      /^EXTRA_CA_FILE names a file that cannot be read: check its path and/,
    ],
    ['is a folder', folder, /cannot be read/],
    ['never ends', '/dev/zero', /cannot be read/],
    [
      'is two files',
      `${certificates.ca},${certificates.ca}`,
      /cannot be read.+ Name one file: it may contain sev/,
    ],
    ['is empty', fileWith(' \n'), /names an empty file: put the certificates of your CAs into it, in PEM\.$/],
    ['holds a private key too', fileWith(cert + key), /with a private key in it: name one with certificates/],
    [
      'is in DER',
      fileWith(der),
      /names a certificate in DER: write it in PEM, with openssl x509 -inform der/,
    ],
    ['holds no certificate', fileWith('Hello\n'), /must name a PEM file with certificates in it/],
    ['is written in UTF-16', fileWith(Buffer.from(cert, 'utf16le')), /must name a PEM file/],
    [
      'holds a broken one',
      fileWith(authority + cert.slice(0, 200)),
      /whose certificate 2 cannot be read: copy/,
    ],
    [
      'is too large',
      fileWith(authority + ' '.repeat(1024 * 1024)),
      /of more than 1 MB: keep only the certif/,
    ],
  ])('that %s is refused in a sentence', (_what, path, says) => {
    const found = problems(path);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(says);
    expect(found[0]).not.toContain('PRIVATE');
  });

  test('costs no more than its length, however many certificates begin in it', () => {
    const read = (text: string) => {
      const path = fileWith(text);
      const started = performance.now();
      expect(problems(path)).toHaveLength(1);
      return performance.now() - started;
    };
    expect(read('-----BEGIN CERTIFICATE-----\n'.repeat(36_000))).toBeLessThan(1_000);
  });

  test('is doubted where a certificate in it has expired, or is not one of a CA', () => {
    const expired = makeCertificate({ name: 'old', days: -1 }).cert;
    expect(doubtsAbout([authority])).toEqual([]);
    expect(doubtsAbout([expired])).toEqual([
      expect.stringMatching(/^the certificate in EXTRA_CA_FILE expired on \d{4}-\d\d-\d\d: put the new one/),
    ]);
    expect(doubtsAbout([authority, tls.cert])).toEqual([
      'certificate 2 in EXTRA_CA_FILE is not one of a CA and has no effect: put in that of the CA that issued it',
    ]);
  });
});

/** An API behind the private CA, which requires a client certificate of anybody's where it `asks`. */
async function startApi({ asks = false } = {}) {
  const shown: boolean[] = [];
  const options = { ...tls, requestCert: asks, rejectUnauthorized: false };
  const server = createServer(options, (req, res) => {
    shown.push((req.socket as import('node:tls').TLSSocket).getPeerX509Certificate() !== undefined);
    res.setHeader('Content-Type', 'application/json').end('{"notes":[]}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close().closeAllConnections());
  return { url: `https://localhost:${(server.address() as AddressInfo).port}/`, shown };
}

/** Asked on a connection of its own: one that resumes a TLS session looks at no certificate. */
async function statusOf(url: string, way: Parameters<typeof createProviderFetch>[0] = {}): Promise<number> {
  const { fetch, close } = createProviderFetch(way);
  try {
    return (await fetch(url, {})).status;
  } finally {
    close();
  }
}

describe('what it is for', () => {
  test('connections with a client certificate and those through a proxy trust it too, until the app ends', async () => {
    const api = await startApi({ asks: true });
    const proxy = await startConnectProxy();
    onTestFinished(() => proxy.stop());
    const own = makeCertificate({ name: 'client' });
    const ways = [{}, { tls: own }, { proxy: { https_proxy: proxy.address() } }];
    const refused = { hint: expect.stringMatching(/CA that is not trusted here.*EXTRA_CA_FILE/) };
    for (const way of ways) await expect(statusOf(api.url, way)).rejects.toMatchObject(refused);
    const end = trustCas([authority]);
    onTestFinished(end);
    for (const way of ways) expect(await statusOf(api.url, way)).toBe(200);
    expect(api.shown).toEqual([false, true, false]);
    // What Node itself opens, as code of the site may.
    expect((await fetch(api.url, { headers: { connection: 'close' } })).status).toBe(200);
    end();
    for (const way of ways) await expect(statusOf(api.url, way)).rejects.toMatchObject(refused);
  });

  test('two apps in one process trust what each names, for as long as each runs', async () => {
    const api = await startApi();
    const first = trustCas([authority]);
    const second = trustCas([authority]);
    first();
    first();
    expect(await statusOf(api.url)).toBe(200);
    second();
    await expect(statusOf(api.url)).rejects.toThrow('does not answer');
  });

  test('one that has expired is warned of at the start, and the app starts', async () => {
    const file = fileWith(makeCertificate({ name: 'old', days: -1 }).cert);
    const app = await startApp({ ...base, EXTRA_CA_FILE: file });
    onTestFinished(() => app.stop());
    const warned = app.lines.filter(({ msg }) => msg === 'a certificate in EXTRA_CA_FILE has no effect');
    expect(warned).toMatchObject([{ level: 'warn', hint: expect.stringContaining('expired on') }]);
  });
});

describeWithRedis('with provider, API and Redis behind a private CA', () => {
  async function startAll() {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const [provider, redis, api] = await Promise.all([
      startIdentityProvider({ redirectOrigin: origin, tls: { ...tls, requestCert: false } }),
      startRedis({ tls: certificates, password: 'a password' }),
      startApi(),
    ]);
    onTestFinished(() => Promise.all([provider.stop(), redis.stop()]).then(() => {}));
    const settings = {
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
      REDIS_URL: redis.url.replace('a password', 'a%20password'),
      API_URL: api.url,
    };
    return { port, provider, settings };
  }

  test('a person signs in, and a page calls the API', async () => {
    const { port, provider, settings } = await startAll();
    const app = await startApp({ ...settings, EXTRA_CA_FILE: certificates.ca }, port);
    onTestFinished(() => app.stop());
    const browser = createBrowser({ ca: authority });
    const { location = '' } = await browser.get(app.url('/api-data'), { follow: false });
    const page = await browser.get(await provider.signIn(browser, location, 'alice'));
    expect(page.url).toBe(app.url('/api-data'));
    expect(page.status).toBe(200);
    expect(app.events('store.lost')).toEqual([]);
  }, 60_000);

  test('without it, the log says for each which setting helps', async () => {
    const { port, settings } = await startAll();
    const app = await startApp(settings, port);
    onTestFinished(() => app.stop());
    await createBrowser().get(app.url('/auth/login'));
    const hint = expect.stringMatching(/that CA's certificate in EXTRA_CA_FILE/);
    await expect.poll(() => app.events('store.lost')).toMatchObject([{ hint }]);
    await expect.poll(() => app.events('provider.lost').length).toBe(1);
    expect(app.lines.find(({ msg }) => /metadata could not be loaded/.test(msg))).toMatchObject({ hint });
  }, 60_000);

  test("it counts from an .env, for npm start and the operator's commands", async () => {
    const { port, settings } = await startAll();
    mkdirSync(join(folder, 'app'));
    const file = join(folder, 'app/.env');
    writeFileSync(file, `EXTRA_CA_FILE=${certificates.ca}\n`);
    const nodeArguments = [`--env-file-if-exists=${file}`];
    const secret = base.SESSION_SECRET;
    const app = await startServer({ ...settings, SESSION_SECRET: secret }, { port, nodeArguments });
    onTestFinished(() => app.stop());
    await expect
      .poll(async () => (await fetch(`${app.origin}/readyz`)).status, { timeout: 10_000 })
      .toBe(200);

    const list = [...nodeArguments, 'src/kit/operator/main.ts', 'list', '--sub', 'nobody'];
    const env = { ...bareEnv, ...settings, SESSION_SECRET: secret, BASE_URL: app.origin };
    const said = await new Promise((resolve) =>
      execFile(process.execPath, list, { env }, (_error, out, complaints) => resolve(out + complaints)),
    );
    expect(said).toBe('The user nobody is not signed in anywhere.\n');
  }, 60_000);
});
