import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, decodeJwt, exportJWK } from 'jose';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError, loadConfig } from '../config/index.ts';
import { routeOf } from '../provider/index.ts';
import { freePort } from '../testing/processes.ts';
import { startApp } from './helpers/app.ts';
import { makeCertificate, trust } from './helpers/certificates.ts';
import { playHost } from './helpers/host-names.ts';
import { startPair } from './helpers/pair.ts';
import { planSplit, type Rewrite, type Split } from './helpers/split-provider.ts';
import { expectWholeLife, warningsOf, watchForms, withPairOf } from './helpers/whole-life.ts';

// OIDC_INTERNAL_URL: users reach the provider at its public address, this app at another one.

const folder = mkdtempSync(join(tmpdir(), 'internal-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the server asks; the browser's part is not among it. */
const asked = [
  ...['GET /.well-known/openid-configuration', 'GET /jwks', 'GET /me'],
  ...['POST /request', 'POST /token', 'POST /token/revocation'],
];

/** Everything went to the internal address, and was taken there for a request at the public one. */
function expectInside({ issuer, inner, strangers }: Split): void {
  expect(strangers, 'what the server asked at the public address').toEqual([]);
  expect([...new Set(inner.map(({ line }) => line))].sort()).toEqual(asked);
  const { host } = new URL(issuer);
  expect([...new Set(inner.map(({ headers }) => headers.host))]).toEqual([host]);
}

/** Keycloak with `hostname-backchannel-dynamic`: what only servers ask is at the address that was asked. */
const dynamic: Rewrite = (metadata, { inside, issuer }) => {
  const kept = /^(issuer|authorization_endpoint|end_session_endpoint)$/;
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [
      name,
      typeof value === 'string' && !kept.test(name) ? value.replace(issuer, inside) : value,
    ]),
  );
};

/** A server that does not know that users come by https, and builds its addresses from the Host header. */
const unaware: Rewrite = (metadata, { issuer }) => ({
  ...JSON.parse(JSON.stringify(metadata).replaceAll(issuer, issuer.replace('https:', 'http:'))),
  issuer,
});

describe('a provider that the server reaches at another address than users', () => {
  test('is asked there for everything, with proofs and assertions for its public addresses', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const path = join(folder, 'key.pem');
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const key = await exportJWK(publicKey);
    const split = await planSplit();
    const options = {
      start: split.start,
      client: {
        token_endpoint_auth_method: 'private_key_jwt',
        client_secret: undefined as never,
        jwks: { keys: [{ ...key, kid: await calculateJwkThumbprint(key), use: 'sig' }] },
        dpop_bound_access_tokens: true,
      },
      env: {
        OIDC_INTERNAL_URL: split.internal,
        OIDC_CLIENT_SECRET: undefined,
        OIDC_CLIENT_AUTH: 'private_key_jwt',
        OIDC_CLIENT_KEY_FILE: path,
        OIDC_CLIENT_ASSERTION_AUDIENCE: 'token_endpoint',
        OIDC_DPOP: 'true',
      },
    };
    await withPairOf(options, async (pair) => {
      const forms = watchForms(pair.provider);
      await expectWholeLife(pair);
      expectInside(split);
      const { issuer, inner } = split;
      const audiences = forms.map((form) => decodeJwt(form.client_assertion ?? '').aud);
      expect([...new Set(audiences)]).toEqual([`${issuer}/token`]);
      const proofs = inner.flatMap(({ headers }) =>
        headers.dpop ? [decodeJwt(String(headers.dpop)).htu] : [],
      );
      expect([...new Set(proofs)].sort()).toEqual(
        ['/me', '/token', '/token/revocation'].map((path) => issuer + path),
      );
      expect(new Set(inner.map(({ headers }) => headers['x-forwarded-proto']))).toEqual(new Set(['https']));
      // At each start, as tokens can be read on the way.
      const warnings = pair.app.lines.filter(({ msg }) => /plain http/.test(msg));
      expect(warnings).toMatchObject([{ level: 'warn', hint: expect.stringContaining('OIDC_INTERNAL_URL') }]);
    });
  });

  test('may show a certificate for its internal name only, and no proof of the scheme is needed', async () => {
    const host = 'provider.svc';
    const split = await planSplit({ host, tls: playHost(host) });
    await withPairOf({ start: split.start, env: { OIDC_INTERNAL_URL: split.internal } }, async (pair) => {
      await expectWholeLife(pair);
      expectInside(split);
      expect(warningsOf(pair.app)).not.toContain('plain http');
      expect(split.inner.filter(({ headers }) => headers['x-forwarded-proto'])).toEqual([]);
    });
  });

  test.each<[string, Rewrite]>([
    ['what servers ask at the internal address (Keycloak, hostname-backchannel-dynamic)', dynamic],
    ['everything by http at the host it is asked for', unaware],
  ])('may name %s', async (_, rewrite) => {
    const split = await planSplit({ rewrite });
    const setup = { client: { dpop_bound_access_tokens: true } };
    const env = { OIDC_INTERNAL_URL: split.internal, OIDC_DPOP: 'true' };
    await withPairOf({ start: split.start, ...setup, env }, async (pair) => {
      await expectWholeLife(pair);
      expectInside(split);
      const proofs = split.inner.flatMap(({ headers }) => (headers.dpop ? [String(headers.dpop)] : []));
      for (const proof of proofs) expect(decodeJwt(proof).htu).toMatch(new RegExp(`^${split.issuer}/`));
    });
  });
});

describe('what is refused', () => {
  async function hintWith(split: Split, env: Record<string, string> = {}): Promise<string> {
    const pair = await startPair({ start: split.start, env: { OIDC_INTERNAL_URL: split.internal, ...env } });
    try {
      await pair.signIn('alice').catch(() => {});
      const [line] = pair.app.lines.filter(({ msg }) => /metadata could not be loaded/.test(msg));
      expect(split.strangers).toEqual([]);
      expect(pair.app.events('sign_in.succeeded')).toEqual([]);
      return String(line?.hint);
    } finally {
      await pair.stop();
    }
  }

  test.each(['authorization_endpoint', 'end_session_endpoint'])(
    'an %s at the internal address, where no browser gets',
    async (name) => {
      const split = await planSplit({ rewrite: (all, { inside }) => ({ ...all, [name]: `${inside}/x` }) });
      expect(await hintWith(split)).toBe(
        `${name} in the provider's metadata is ${split.internal}/x, at OIDC_INTERNAL_URL, where browsers do not reach it: set the provider's public address (Keycloak: KC_HOSTNAME=${split.issuer})`,
      );
    },
  );

  test.each(['http://127.0.0.1:1/token', 'http://keycloak.svc/token', 'http://login.example.test/token'])(
    'plain http elsewhere: %s',
    async (token_endpoint) => {
      const split = await planSplit({ rewrite: (all) => ({ ...all, token_endpoint }) });
      expect(await hintWith(split)).toMatch(
        /^token_endpoint in the provider's metadata is not an https address/,
      );
    },
  );

  test('an issuer that is the internal address', async () => {
    const split = await planSplit({ rewrite: (all, { inside }) => ({ ...all, issuer: inside }) });
    expect(await hintWith(split)).toBe(
      `the provider identifies itself as ${split.internal}, OIDC_ISSUER says ${split.issuer}`,
    );
  });

  test('a redirect to the public address: it is not followed', async () => {
    const split = await planSplit();
    const leading = createServer((_req, res) => res.writeHead(302, { location: `${split.issuer}/x` }).end());
    leading.listen(0, '127.0.0.1');
    await once(leading, 'listening');
    onTestFinished(() => void leading.close());
    const OIDC_INTERNAL_URL = `http://127.0.0.1:${(leading.address() as AddressInfo).port}`;
    expect(await hintWith(split, { OIDC_INTERNAL_URL })).toMatch(/answered 302/);
  });

  test('a certificate for the public name', async () => {
    const host = 'provider.internal';
    playHost(host);
    const tls = makeCertificate({ name: 'Somebody', hosts: ['login.example.test'] });
    const forget = trust(tls);
    const hint = await hintWith(await planSplit({ host, tls })).finally(forget);
    expect(hint).toMatch(
      /^the certificate of provider\.internal:\d+ is for another name: check OIDC_INTERNAL_URL$/,
    );
  });

  test('nothing else, where nobody answers: the hint names the address and the setting', async () => {
    const split = await planSplit();
    const port = await freePort();
    expect(await hintWith(split, { OIDC_INTERNAL_URL: `http://127.0.0.1:${port}` })).toBe(
      `nothing is listening at 127.0.0.1:${port}: check OIDC_INTERNAL_URL`,
    );
    expect(await hintWith(await planSplit(), { OIDC_INTERNAL_URL: 'http://nobody-here.internal' })).toBe(
      'the name nobody-here.internal is not known here: check OIDC_INTERNAL_URL and the DNS of this machine',
    );
  });
});

describe('of several providers', () => {
  const minimal = (name: string) => ({
    [`OIDC_${name}_ISSUER`]: `https://${name.toLowerCase()}.example.test`,
    [`OIDC_${name}_CLIENT_ID`]: 'web-app',
    [`OIDC_${name}_CLIENT_SECRET`]: 'a secret that nobody asks for',
  });
  const env = { OIDC_PROVIDERS: 'work,social', ...minimal('WORK'), ...minimal('SOCIAL') };

  test('each has its own internal address, and hints name its setting in full', async () => {
    const port = await freePort();
    const app = await startApp({ ...env, OIDC_WORK_INTERNAL_URL: `http://127.0.0.1:${port}` });
    onTestFinished(() => app.stop());
    const lineOf = (hint: RegExp) => app.lines.find((line) => hint.test(String(line.hint)));
    await expect
      .poll(() => lineOf(/^nothing is listening at 127\.0\.0\.1:\d+: check OIDC_WORK_INTERNAL_URL$/))
      .toBeDefined();
    expect(lineOf(/^OIDC_WORK_INTERNAL_URL is http:/)?.level).toBe('warn');
    await expect.poll(() => lineOf(/^the name social\.example\.test is not known here/)).toBeDefined();
  });

  test('one that names the internal address of another is refused', async () => {
    const split = await planSplit({
      rewrite: (all) => ({ ...all, token_endpoint: 'https://other.internal/token' }),
    });
    const liar = await split.start({});
    const app = await startApp({
      ...env,
      OIDC_WORK_ISSUER: split.issuer,
      OIDC_WORK_INTERNAL_URL: split.internal,
      OIDC_SOCIAL_INTERNAL_URL: 'https://other.internal',
    });
    onTestFinished(() => Promise.all([app.stop(), liar.stop()]).then(() => {}));
    await expect
      .poll(() => app.lines.map(({ hint }) => hint))
      .toContainEqual(
        expect.stringMatching(
          /^token_endpoint in the provider's metadata is at https:\/\/other\.internal, which belongs to another provider/,
        ),
      );
  });
});

describe('the way of a request', () => {
  const settings = { issuer: 'https://login.example.com/realms/a', internalUrl: 'https://10.1.2.3:8443' };
  const way = (address: string) => routeOf(new URL(address), settings);

  test('keeps path and query, and asks TLS for no name where the address is an IP address', () => {
    const { url, headers, servername } = way('https://login.example.com/realms/a/x?y=1');
    expect(url.href).toBe('https://10.1.2.3:8443/realms/a/x?y=1');
    expect(headers).toEqual({ host: 'login.example.com' });
    expect(servername).toBe('');
  });

  test.each([
    'https://login.example.com:444/x',
    'http://login.example.com/x',
    'https://api.example.com/x',
    'https://login.example.com.evil.example/x',
    'https://xlogin.example.com/x',
  ])('is as it says to any other origin: %s', (address) => {
    expect(way(address)).toEqual({ url: new URL(address), headers: {}, internal: false });
  });
});

describe('OIDC_INTERNAL_URL', () => {
  const minimal = {
    OIDC_ISSUER: 'https://login.example.com/realms/a',
    OIDC_CLIENT_ID: 'app',
    OIDC_CLIENT_SECRET: 'c1ient-s3cret-value',
    SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
  };
  function read(OIDC_INTERNAL_URL: string, more: Record<string, string> = {}) {
    try {
      return loadConfig({ ...minimal, OIDC_INTERNAL_URL, ...more }).providers[0].internalUrl;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems;
    }
  }

  test.each([
    ...['http://localhost:8080', 'http://127.0.0.1', 'http://127.9.9.9:1', 'http://[::1]:8080'],
    ...['http://10.0.0.1', 'http://172.16.0.1', 'http://172.31.255.255', 'http://192.168.1.1:8080'],
    ...['http://[fd00::1]:8080', 'http://keycloak:8080', 'http://my_keycloak:8080', 'http://key-cloak'],
    ...['http://keycloak.sso.svc', 'http://keycloak.sso.svc.cluster.local:8080', 'http://sso.svc'],
    ...['http://sso.internal', 'http://a.b.internal', 'http://nas.local', 'https://login.elsewhere.example'],
  ])('takes %s', (value) => {
    expect(read(value)).toBe(value);
  });

  test('is the same with a slash at its end, with capitals, and with the port that goes without saying', () => {
    expect(read('HTTP://Keycloak:80/')).toBe('http://keycloak');
  });

  test.each([
    ...[
      'http://login.example.org',
      'http://8.8.8.8',
      'http://172.32.0.1',
      'http://11.0.0.1',
      'http://0.0.0.0',
    ],
    ...['http://169.254.169.254', 'http://[2001:db8::1]', 'http://[::]', 'http://svc.example.org'],
    ...['http://evilsvc.example', 'http://sso.svc.example', 'http://keycloak.localx', 'http://.internal'],
    ...['http://10.0.0.1.example.org', 'http://internal.example.org', 'http://a.cluster.locals'],
  ])('refuses plain http at %s', (value) => {
    expect(read(value)).toEqual([
      'OIDC_INTERNAL_URL must begin with https://. Plain http is only for loopback, a private address, a name without dots, and names ending in .svc, .internal or .local.',
    ]);
  });

  test.each([
    [
      'http://keycloak:8080/auth',
      /must end after the host and port, without a path: it replaces the origin of/,
    ],
    ['http://keycloak:8080/realms/a', /without a path/],
    ['keycloak:8080', /must be a whole address/],
    ['ftp://keycloak', /must be a whole address/],
    ['http://user:pass-w0rd@keycloak', /must not contain a user name or a password\.$/],
    ['http://keycloak?x', /must not contain a \? or a #/],
    ['http://a,http://b', /must be one value/],
    ['http://a b', /must be a whole address/],
    [`http://${'a'.repeat(2_000)}`, /is too long/],
    ['https://login.example.com', /has the same origin as OIDC_ISSUER: remove it/],
    ['https://LOGIN.example.com:443/', /has the same origin as OIDC_ISSUER: remove it/],
  ])('refuses %s', (value, sentence) => {
    expect(read(value)).toEqual([expect.stringMatching(sentence)]);
    expect(JSON.stringify(read(value))).not.toContain('pass-w0rd');
  });

  test.each(['tls_client_auth', 'self_signed_tls_client_auth'])('must be https with %s', (way) => {
    expect(read('http://keycloak:8080', { OIDC_CLIENT_AUTH: way })).toContain(
      `OIDC_CLIENT_AUTH=${way} needs an https OIDC_INTERNAL_URL: a certificate is shown in TLS.`,
    );
  });
});
