import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError, loadConfig } from '../config/index.ts';
import { requireAuth } from '../guard/require-auth.ts';
import { createProviderFetch, type Unreachable } from '../provider/fetch.ts';
import { freePort } from '../testing/processes.ts';
import { fetchApi } from '../tokens/fetch-api.ts';
import { startApp } from './helpers/app.ts';
import type { MoreRoutes } from './helpers/app-with-routes.ts';
import { createBrowser } from './helpers/browser.ts';
import { makeCertificate, trust } from './helpers/certificates.ts';
import { type ConnectProxy, startConnectProxy } from './helpers/connect-proxy.ts';
import { playHost } from './helpers/host-names.ts';
import { type IdentityProviderOptions, startIdentityProvider } from './helpers/identity-provider.ts';
import { startMutualTlsProvider } from './helpers/mutual-tls.ts';
import { planSplit } from './helpers/split-provider.ts';
import { expectWholeLife, withPairOf } from './helpers/whole-life.ts';

// HTTPS_PROXY and NO_PROXY: https requests to providers and APIs go through a proxy, by Node's own rules.

const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
const authority = makeCertificate({ name: 'Clients of this provider' });
const issued = makeCertificate({ name: 'web-app', issuer: authority });
const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
let forget = () => {};
beforeAll(() => {
  forget = trust(server);
  writeFileSync(join(folder, 'key.pem'), issued.key);
  writeFileSync(join(folder, 'cert.pem'), issued.cert);
});
afterAll(() => {
  forget();
  rmSync(folder, { recursive: true });
});

const [user, password] = ['proxy-user', 'pr0xy pass/w@rd'];
const credentials = `${user}:${encodeURIComponent(password)}`;
const secrets = [user, password, encodeURIComponent(password), btoa(`${user}:${password}`)];

async function proxyOf(...wanted: Parameters<typeof startConnectProxy>): Promise<ConnectProxy> {
  const proxy = await startConnectProxy(...wanted);
  onTestFinished(() => proxy.stop());
  return proxy;
}

async function listening(each: Server): Promise<number> {
  each.listen(0, 'localhost');
  await once(each, 'listening');
  onTestFinished(() => void each.close().closeAllConnections());
  return (each.address() as AddressInfo).port;
}

const overTls = (options: IdentityProviderOptions) =>
  startIdentityProvider({ ...options, tls: { ...server, requestCert: false } });

describe('an https provider', () => {
  test('is reached through the proxy, with the password for it, from sign-in to sign-out', async () => {
    const proxy = await proxyOf({ credentials: `${user}:${password}` });
    await withPairOf({ start: overTls, env: { HTTPS_PROXY: proxy.address(credentials) } }, async (pair) => {
      await expectWholeLife(pair);
      expect(new Set(proxy.asked)).toEqual(new Set([`localhost:${pair.provider.port}`]));
      // A connection that is kept for what only reads, and one for each POST: PAR, code, refresh, revocation.
      expect([proxy.opened, proxy.others]).toEqual([5, []]);
      const log = JSON.stringify(pair.app.lines);
      for (const secret of secrets) expect(log).not.toContain(secret);
    });
  });

  test('sees the client certificate, and binds tokens to it and to a key, through a proxy that speaks TLS', async () => {
    const proxy = await proxyOf({ tls: server });
    const client = {
      token_endpoint_auth_method: 'tls_client_auth',
      client_secret: undefined as never,
      tls_client_auth_subject_dn: 'CN=web-app',
      tls_client_certificate_bound_access_tokens: true,
    };
    const env = {
      OIDC_CLIENT_SECRET: undefined,
      OIDC_CLIENT_AUTH: 'tls_client_auth',
      OIDC_CLIENT_KEY_FILE: join(folder, 'key.pem'),
      OIDC_CLIENT_CERT_FILE: join(folder, 'cert.pem'),
      HTTPS_PROXY: proxy.address(),
    };
    const start = (options: IdentityProviderOptions) => startMutualTlsProvider(server, authority, options);
    await withPairOf({ start, client, env }, async (pair) => {
      await expectWholeLife(pair);
      const { byAlias, port } = pair.provider as Awaited<ReturnType<typeof start>>;
      expect([...new Set(byAlias)].sort()).toEqual([
        ...['GET /me', 'POST /request', 'POST /token', 'POST /token/revocation'],
      ]);
      // The metadata and the keys; all else is asked where certificates are.
      expect(proxy.asked.filter((each) => each === `localhost:${port}`)).toHaveLength(1);
      expect(new Set(proxy.asked).size).toBe(2);
    });
    await withPairOf(
      {
        start: overTls,
        client: { dpop_bound_access_tokens: true },
        env: { OIDC_DPOP: 'true', HTTPS_PROXY: proxy.address() },
      },
      expectWholeLife,
    );
  });

  test('is reached without the proxy where NO_PROXY names it, and an API through it', async () => {
    const proxy = await proxyOf();
    const host = 'api.example.test';
    const seen: string[] = [];
    const api = createTlsServer(playHost(host), (req, res) => {
      seen.push(req.headers.authorization ?? '');
      res.setHeader('content-type', 'application/json').end('{"message":"through"}');
    });
    const port = await listening(api);
    const env = {
      HTTPS_PROXY: proxy.address(),
      NO_PROXY: 'localhost, other.example',
      API_URL: `https://${host}:${port}`,
    };
    await withPairOf({ start: overTls, env }, async (pair) => {
      await expectWholeLife(pair);
      expect(proxy.asked).toEqual([]);
      const { browser } = await pair.signIn('alice');
      for (let i = 0; i < 3; i++) {
        const page = await browser.get(pair.app.url('/api-data'));
        expect(page.body).toContain('through');
      }
      expect(seen).toHaveLength(3);
      expect(seen[0]).toMatch(/^Bearer ./);
      // One connection, which was kept.
      expect(proxy.asked).toEqual([`${host}:${port}`]);
    });
  });

  test('goes through it at its internal address too, unless NO_PROXY names that', async () => {
    const host = 'provider.internal';
    for (const NO_PROXY of [undefined, '.internal']) {
      const proxy = await proxyOf();
      const split = await planSplit({ host, tls: playHost(host) });
      const env = { OIDC_INTERNAL_URL: split.internal, HTTPS_PROXY: proxy.address(), NO_PROXY };
      await withPairOf({ start: split.start, env }, async (pair) => {
        expect((await pair.signIn('alice')).page.status).toBe(200);
        expect(split.strangers).toEqual([]);
        expect([...new Set(proxy.asked)]).toEqual(NO_PROXY ? [] : [new URL(split.internal).host]);
      });
    }
  });
});

test('several providers share the proxy', async () => {
  const proxy = await proxyOf();
  const [work, social] = await Promise.all([overTls({}), overTls({})]);
  const app = await startApp({
    OIDC_PROVIDERS: 'work,social',
    OIDC_WORK_ISSUER: work.issuer,
    OIDC_SOCIAL_ISSUER: social.issuer,
    ...Object.fromEntries(
      ['WORK', 'SOCIAL'].flatMap((name) => [
        [`OIDC_${name}_CLIENT_ID`, 'web-app'],
        [`OIDC_${name}_CLIENT_SECRET`, 'a secret that nobody asks for'],
      ]),
    ),
    OIDC_PAR: 'off',
    HTTPS_PROXY: proxy.address(),
  });
  onTestFinished(() => Promise.all([app.stop(), work.stop(), social.stop()]).then(() => {}));
  for (const [name, { issuer }] of Object.entries({ work, social })) {
    const { location } = await createBrowser().get(app.url(`/auth/login/${name}`), { follow: false });
    expect(location).toContain(`${issuer}/auth?`);
  }
  expect([...proxy.asked].sort()).toEqual([work, social].map(({ port }) => `localhost:${port}`).sort());
});

test('plain http goes through no proxy', async () => {
  const proxy = await proxyOf();
  const port = await listening(
    createServer((_req, res) =>
      res.setHeader('content-type', 'application/json').end('{"message":"straight"}'),
    ),
  );
  const env = { HTTPS_PROXY: proxy.address(), API_URL: `http://localhost:${port}` };
  await withPairOf({ env }, async (pair) => {
    await expectWholeLife(pair);
    const { browser } = await pair.signIn('alice');
    expect((await browser.get(pair.app.url('/api-data'))).body).toContain('straight');
    expect([proxy.asked, proxy.others]).toEqual([[], []]);
  });
});

describe('a proxy that opens no connection', () => {
  const target = 'https://op.example.test/x';

  async function failureAt(https_proxy: string, method = 'GET'): Promise<Unreachable> {
    const { fetch, close } = createProviderFetch({ proxy: { https_proxy } });
    const failure: Unreachable = await fetch(target, { method }).then(
      () => Promise.reject(new Error('it answered')),
      (error) => error,
    );
    close();
    const all = inspect(failure, { depth: 20, showHidden: true });
    for (const secret of secrets) expect(all, 'a secret of the proxy in the error').not.toContain(secret);
    return failure;
  }

  const to = 'op\\.example\\.test:443';
  test.each([
    [
      'asks for a password',
      { credentials: 'a:b' },
      '',
      /asks for a user name and a password \(407\): write them into it/,
    ],
    [
      'does not accept the password',
      { credentials: 'a:b' },
      credentials,
      /does not accept the user name and password in it \(407\)/,
    ],
    [
      'lets nobody go there',
      { answer: '403 Forbidden' },
      credentials,
      new RegExp(`refuses connections to ${to} \\(403\\)`),
    ],
    [
      'does not reach it',
      { answer: '502 Bad Gateway' },
      credentials,
      new RegExp(`cannot reach ${to} \\(502\\)`),
    ],
    ['is too busy', { answer: '503 Service Unavailable' }, '', new RegExp(`cannot reach ${to} \\(503\\)`)],
    [
      'is none',
      { answer: '400 Bad Request' },
      '',
      /answered 400 for .*: check that HTTPS_PROXY names a proxy/,
    ],
    [
      'hangs up',
      { answer: 'hangs up' as const },
      credentials,
      /does not answer \((ECONNRESET|ERR_PROXY_TUNNEL)\)/,
    ],
    [
      'repeats the password in what it says',
      { answer: `418 ${user} ${password} ${btoa(`${user}:${password}`)}` },
      credentials,
      /answered 418 for /,
    ],
    ['speaks no HTTP', { answer: `x\r\n${password}` }, credentials, /HTTPS_PROXY/],
    [
      'shows a certificate that is not trusted',
      { tls: makeCertificate({ hosts: ['localhost'] }) },
      credentials,
      /^the certificate of the proxy of HTTPS_PROXY is not trusted here \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    ],
  ])('since it %s', async (_, wanted, login, hint) => {
    const proxy = await proxyOf(wanted);
    for (const method of ['GET', 'POST']) {
      const failure = await failureAt(proxy.address(login), method);
      expect(failure.hint).toMatch(hint);
      expect(failure.hint).not.toContain(new URL(proxy.address()).host);
      expect(failure.message).toBe('op.example.test does not answer');
    }
  });

  test('since nobody is there, or its name is not known, or it speaks no TLS', async () => {
    const port = await freePort();
    expect((await failureAt(`http://${credentials}@localhost:${port}`)).hint).toMatch(
      /^the proxy of HTTPS_PROXY does not answer \(ECONNREFUSED\): check HTTPS_PROXY/,
    );
    expect((await failureAt(`http://${credentials}@proxy.invalid:1`)).hint).toMatch(
      /\((ENOTFOUND|EAI_AGAIN)\)/,
    );
    const plain = await proxyOf();
    expect((await failureAt(plain.address(credentials).replace('http:', 'https:'))).hint).toMatch(
      /speaks no TLS \(.+\): its address must begin with http:\/\//,
    );
  });

  test('is distinguished from a provider behind it whose certificate is wrong', async () => {
    const port = await listening(
      createTlsServer(makeCertificate({ name: 'nobody', hosts: ['localhost'] }), (_req, res) => res.end()),
    );
    const proxy = await proxyOf();
    const { fetch, close } = createProviderFetch({ proxy: { https_proxy: proxy.address() } });
    const failure: Unreachable = await fetch(`https://localhost:${port}/`, {}).catch((error) => error);
    close();
    expect(failure.hint).toMatch(
      new RegExp(`^the certificate of localhost:${port} comes from a CA that is not trusted`),
    );
  });

  test('to an API is logged as one', async () => {
    const proxy = await proxyOf({ answer: '403 Forbidden' });
    const env = { HTTPS_PROXY: proxy.address(credentials), API_URL: 'https://api.example.test' };
    const mount: MoreRoutes['mount'] = (app) =>
      app.get('/call', requireAuth(), async (req, res) => {
        res.json(await (await fetchApi(req, 'data', '/notes')).json());
      });
    await withPairOf({ env, routes: { mount } }, async (pair) => {
      const { browser } = await pair.signIn('alice');
      expect((await browser.get(pair.app.url('/call'))).status).toBe(503);
      const failed = pair.app.lines.find(({ msg }) => msg === 'request failed');
      expect(failed?.causes).toContainEqual(
        expect.objectContaining({
          message: 'the proxy of HTTPS_PROXY opened no connection to api.example.test:443 (403)',
        }),
      );
      for (const secret of secrets) expect(JSON.stringify(pair.app.lines)).not.toContain(secret);
    });
  });

  test('is a 503 page for users, and a line in the log that names HTTPS_PROXY and nothing of it', async () => {
    const proxy = await proxyOf({ answer: '407 Proxy Authentication Required' });
    const app = await startApp({
      OIDC_ISSUER: 'https://op.example.test',
      OIDC_CLIENT_ID: 'web-app',
      OIDC_CLIENT_SECRET: 'a secret that nobody asks for',
      HTTPS_PROXY: proxy.address(credentials),
    });
    const page = await createBrowser().get(app.url('/profile'), {
      follow: (url) => url.startsWith(app.origin),
    });
    expect(page.status).toBe(503);
    const lines = app.lines.filter(({ hint }) => /HTTPS_PROXY/.test(String(hint)));
    expect(lines[0]?.hint).toBe(
      'the proxy of HTTPS_PROXY does not accept the user name and password in it (407): correct them; special characters are written as in %40',
    );
    const told = JSON.stringify(app.lines) + page.body;
    for (const secret of [...secrets, new URL(proxy.address()).host]) expect(told).not.toContain(secret);
    await app.stop();
  });
});

describe('HTTPS_PROXY and NO_PROXY', () => {
  const minimal = {
    OIDC_ISSUER: 'https://login.example.com',
    OIDC_CLIENT_ID: 'app',
    OIDC_CLIENT_SECRET: 'c1ient-s3cret-value',
    SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
  };
  function read(env: Record<string, string>) {
    try {
      return loadConfig({ ...minimal, ...env }).providers[0].proxy;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems;
    }
  }

  test('are read in either case, as Node does: the small letters count more', () => {
    expect(read({})).toBe(undefined);
    expect(read({ HTTPS_PROXY: '', NO_PROXY: 'a' })).toBe(undefined);
    expect(read({ HTTPS_PROXY: 'HTTP://Proxy:3128', NO_PROXY: 'a, .b' })).toEqual({
      https_proxy: 'http://proxy:3128/',
      no_proxy: 'a, .b',
    });
    expect(
      read({ HTTPS_PROXY: 'http://one', https_proxy: 'http://two', NO_PROXY: 'a', no_proxy: 'b' }),
    ).toEqual({
      https_proxy: 'http://two/',
      no_proxy: 'b',
    });
  });

  test('come from a file where they are secret', () => {
    const path = join(folder, 'proxy');
    writeFileSync(path, `https://${credentials}@proxy.example.com\n`);
    expect(read({ HTTPS_PROXY_FILE: path })).toMatchObject({
      https_proxy: `https://${credentials}@proxy.example.com/`,
    });
    expect(read({ HTTPS_PROXY_FILE: `${path}.none` })).toEqual([
      'HTTPS_PROXY_FILE names a file that cannot be read: check its path and permissions.',
    ]);
  });

  test.each([
    ['proxy.example.com:3128', /must be the address of a proxy/],
    ['pr0xyw0rd', /must be the address of a proxy/],
    ['http://', /must be the address of a proxy/],
    ['http://user:pr0xyw0rd/x@proxy:1', /must be the address of a proxy.*%40/],
    ['http://user:pr0xyw0rd@proxy:port', /must be the address of a proxy/],
    ['http://user:1#pr0xyw0rd@proxy', /must end after the host and port.*%40/],
    ['http://user:1/pr0xyw0rd@proxy', /must end after the host and port/],
    ['http://proxy?pr0xyw0rd', /must end after the host and port/],
    ['socks5://user:pr0xyw0rd@proxy', /must begin with http:\/\/ or https:\/\//],
    ['http://user:pr0xyw0rd%zz@proxy', /has a % .* that is not an escape: write %25/],
    ['http://a,http://pr0xyw0rd', /must be (one value|the address of a proxy)/],
    ['http://user:pr0xyw0rd\n@proxy', /has a space or a line break/],
    [`http://${'pr0xyw0rd'.repeat(400)}`, /is too long/],
  ])('stop the start where the proxy is %j, and say it without the value', (value, sentence) => {
    const problems = read({ HTTPS_PROXY: value });
    expect(problems).toEqual([expect.stringMatching(sentence)]);
    expect(JSON.stringify(problems)).toMatch(/^\["HTTPS_PROXY /);
    expect(JSON.stringify(problems)).not.toContain('pr0xyw0rd');
  });
});
