import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { errors } from 'oidc-provider';
import { afterEach, describe, expect, test } from 'vitest';
import { examine } from '../doctor/examine.ts';
import { type Finding, toLine } from '../doctor/finding.ts';
import type { LoadedSite } from '../load-site.ts';
import type { ApiDefinition } from '../site.ts';
import { freePort } from '../testing/processes.ts';
import { siteFolder } from './helpers/app.ts';
import { makeCertificate, trust } from './helpers/certificates.ts';
import { about, type Env, examineStub, type Setup, sessionSecret } from './helpers/doctor-run.ts';
import { examineTwo } from './helpers/doctor-several.ts';
import { clientId, clientSecret, startIdentityProvider } from './helpers/identity-provider.ts';
import { site } from './site/site.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const siteWith = (apis: Record<string, Partial<ApiDefinition>>) => ({
  site: { ...site, apis: () => apis as Record<string, ApiDefinition> },
  root: siteFolder,
});

/** What the doctor says about these APIs, at a provider whose metadata has this. */
async function linesAbout(
  apis: Record<string, Partial<ApiDefinition>>,
  { json = {}, env }: { json?: Record<string, unknown>; env?: Env } = {},
): Promise<string[]> {
  const setup: Setup = { lies: { discovery: { json } }, loaded: siteWith(apis), ...(env && { env }) };
  return linesOf((await examineStub(setup)).found);
}

const linesOf = (found: readonly Finding[]) =>
  found.filter(({ check }) => /^APIs?\b/.test(check)).map(toLine);

/** An API, or what somebody took for one. */
async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** One that demands a token, as AddJwtBearer does. */
const demanding = () =>
  listen((_req, res) => {
    res.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
  });

describe('what an API answers without a token', () => {
  test.each<[what: string, status: number, headers: Record<string, string>, line: RegExp]>([
    [
      'a demand for one',
      401,
      { 'www-authenticate': 'Bearer' },
      /^✓ API notes: \S+ demands a token \(401\)\.$/,
    ],
    [
      'a demand for one that is bound to a key',
      401,
      { 'www-authenticate': 'DPoP algs="ES256"' },
      /^✓ API notes: \S+ demands a token \(401\)\.$/,
    ],
    [
      'a 401 without a challenge',
      401,
      {},
      /^! API notes: \S+ demands a token \(401\), without WWW-Authenticate: Bearer\. .*does not refresh it\. /,
    ],
    ['that it may not be seen', 403, {}, /^✓ API notes: \S+ demands a token \(403\)\.$/],
    ['that nothing is at this address', 404, {}, /^✓ API notes: \S+ answers \(404\)\.$/],
    [
      'all it has',
      200,
      {},
      /^! API notes: \S+ answers 200 without an access token\. Is it open to everyone\?/,
    ],
    ['a fault', 503, {}, /^! API notes: \S+ answers 503\. Look at the log of the API/],
    [
      'a redirect',
      302,
      { location: 'https://login.example.com/in?returnUrl=%2F' },
      /^! API notes: \S+ answers with a redirect \(302\) to https:\/\/login\.example\.com\. .*Set its `url`/,
    ],
    [
      'a redirect to nowhere',
      302,
      { location: 'http://[' },
      /^! API notes: \S+ answers with a redirect \(302\)\. /,
    ],
  ])('is %s', async (_what, status, headers, line) => {
    const asked: string[] = [];
    const url = await listen((req, res) => {
      asked.push(`${req.method} ${req.url} ${req.headers.authorization}`);
      res.writeHead(status, headers).end();
    });
    expect(await linesAbout({ notes: { url: `${url}/v1` } })).toContainEqual(expect.stringMatching(line));
    expect(asked, 'asked once, without a token').toEqual(['GET /v1 undefined']);
  });

  test('is read to an end', async () => {
    const url = await listen((_req, res) => void res.end('x'.repeat(2_000_000)));
    expect(await linesAbout({ notes: { url } })).toContainEqual(
      expect.stringMatching(/^✗ API notes: 127\.0\.0\.1:\d+ does not answer \(an answer without end\)\./),
    );
  });

  test('is nothing within five seconds', { timeout: 20_000 }, async () => {
    const url = await listen(() => {});
    expect(await linesAbout({ notes: { url } })).toContainEqual(
      expect.stringMatching(/^✗ API notes: \S+ does not answer \(ETIMEDOUT\)\. Check its `url` in site\.ts/),
    );
  });

  test('is nothing where nobody listens, and the other lines are there all the same', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { found } = await examineStub({ loaded: siteWith({ notes: { url } }) });
    expect(linesOf(found)).toContainEqual(
      expect.stringMatching(
        /^✗ API notes: \S+ does not answer \(ECONNREFUSED\)\. Nothing is listening there/,
      ),
    );
    expect(about(found, 'discovery').map(({ state }) => state)).toContain('ok');
  });

  test('is a certificate that nobody trusts, or a wish for one of ours', async () => {
    const certificate = makeCertificate({ hosts: ['localhost'] });
    const listenTls = async (options: object) => {
      const server = createTlsServer({ ...certificate, ...options }, (_req, res) => res.writeHead(401).end());
      server.listen(0, 'localhost');
      await once(server, 'listening');
      cleanups.push(() => {
        server.closeAllConnections();
        server.close();
      });
      return `https://localhost:${(server.address() as AddressInfo).port}`;
    };
    const stranger = await linesAbout({ notes: { url: await listenTls({}) } });
    expect(stranger).toContainEqual(
      expect.stringMatching(
        /^✗ API notes: the certificate of localhost:\d+ is refused \(DEPTH_ZERO_SELF_SIGNED_CERT\)\. .*EXTRA_CA_FILE/,
      ),
    );
    cleanups.push(trust(certificate));
    const asking = await listenTls({ requestCert: true, rejectUnauthorized: true });
    expect(await linesAbout({ notes: { url: asking } })).toContainEqual(
      expect.stringMatching(
        /^! API notes: localhost:\d+ requires a client certificate \(\S+\), .*OIDC_CLIENT_CERT_FILE/,
      ),
    );
  });
});

describe('the address of an API', () => {
  test('that is the provider, or this app itself, is questioned', async () => {
    const origin = await listen((_req, res) => res.writeHead(404).end());
    const apis: LoadedSite['site']['apis'] = ({ settings }) => ({
      accounts: { url: settings.API_URL },
      own: { url: origin },
    });
    const { found } = await examineStub({ loaded: { site: { ...site, apis }, root: siteFolder } }, (op) => ({
      API_URL: `${op.issuer}/account`,
      BASE_URL: origin,
    }));
    const lines = linesOf(found);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^! API accounts: is at the address of the provider \(http:\/\/127\.0\.0\.1:\d+\)\. Check its `url`/,
      ),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^! API own: is at the address of this app \(http:\/\/127\.0\.0\.1:\d+\): the app would ask itself\./,
      ),
    );
  });

  test('that is not set is said, and nobody is asked', async () => {
    expect(await linesAbout({ notes: { url: undefined, scope: 'notes.read' } })).toEqual([
      '✓ API notes: is not set up: it has no `url`.',
    ]);
  });
});

describe('an API with an access token of its own', () => {
  const online = { OIDC_SCOPE: 'openid profile' };
  test.each<[what: string, json: Record<string, unknown>, env: Env, line: RegExp]>([
    [
      'is asked for',
      { scopes_supported: ['openid', 'offline_access'] },
      {},
      /^✓ API notes: gets .* the refresh token\.$/,
    ],
    [
      'is not asked for, and the grant is not listed',
      { grant_types_supported: ['authorization_code'] },
      online,
      /^✗ API notes: .*there will be none: offline_access is not asked for, and .* Ask for offline_access in OIDC_SCOPE/,
    ],
    [
      'is asked for, and the grant is not listed',
      { grant_types_supported: ['authorization_code'] },
      {},
      /^! API notes: .*does not list the grant refresh_token\. /,
    ],
    [
      'is not asked for, though it could be',
      { scopes_supported: ['openid', 'profile', 'offline_access'], grant_types_supported: ['refresh_token'] },
      online,
      /^! API notes: .*offline_access is not asked for: most providers then give none, and calls to this API end in a 503\. /,
    ],
    [
      'comes without being asked for',
      { scopes_supported: ['openid', 'profile'], grant_types_supported: ['refresh_token'] },
      online,
      /^✓ API notes: gets its access token by the refresh token\.$/,
    ],
  ])('needs a refresh token, which %s', async (_what, json, env, line) => {
    const lines = await linesAbout(
      { notes: { url: await demanding(), resource: 'https://notes.example' } },
      { json, env },
    );
    expect(
      lines.filter((each) => line.test(each)),
      lines.join('\n'),
    ).toHaveLength(1);
  });

  test.each<[what: string, grants: string[] | undefined, line: RegExp]>([
    ['listed', ['urn:ietf:params:oauth:grant-type:token-exchange'], /^✓ API notes: .* which is offered\.$/],
    [
      'not listed',
      ['authorization_code'],
      /^! API notes: .*does not list that\. Switch it on at the provider \(Keycloak/,
    ],
    ['unknown', undefined, /^✓ API notes: .*the metadata lists no grant types\.$/],
  ])(
    'by token exchange needs no refresh token; the grant is %s',
    async (_what, grant_types_supported, line) => {
      const notes = { url: await demanding(), audience: 'notes', exchange: true };
      const lines = await linesAbout({ notes }, { json: { grant_types_supported }, env: online });
      expect(
        lines.filter((each) => line.test(each)),
        lines.join('\n'),
      ).toHaveLength(1);
      expect(lines.join('\n')).not.toContain('refresh token');
    },
  );

  test('may have a scope that the metadata does not list', async () => {
    const notes = { url: await demanding(), scope: 'openid notes.read' };
    const lines = await linesAbout({ notes }, { json: { scopes_supported: ['openid', 'offline_access'] } });
    expect(lines).toContainEqual(
      expect.stringMatching(/^✓ API notes: the metadata does not list notes\.read\. Many providers/),
    );
    const silent = await linesAbout({ notes });
    expect(silent.join('\n')).not.toContain('notes.read');
  });
});

describe('the access token of the sign-in', () => {
  test('is that of one API, and the settings may say of which', async () => {
    const notes = { url: await demanding() };
    const own = { url: await demanding(), scope: 'own' };
    expect(await linesAbout({ notes, own })).toContain(
      '✓ API notes: gets the access token of the sign-in. Neither OIDC_RESOURCE nor OIDC_AUDIENCE says which API that is for.',
    );
    const env = { OIDC_AUDIENCE: 'https://notes.example' };
    expect(await linesAbout({ notes, own }, { env })).toContain(
      '✓ API notes: gets the access token of the sign-in.',
    );
  });

  test('is one for several APIs that have none of their own', async () => {
    const apis = { notes: { url: await demanding() }, orders: { url: await demanding() } };
    expect(await linesAbout(apis)).toContainEqual(
      expect.stringMatching(
        /^! APIs: notes and orders get one access token, .* can call the others with it as the user\. Neither /,
      ),
    );
  });

  test('goes to the APIs of its own provider only, whose settings are named in full', async () => {
    const apis = {
      notes: { url: await demanding() },
      orders: { url: await demanding(), providers: ['social'], resource: 'https://orders.example' },
    };
    const { found } = await examineTwo({
      loaded: siteWith(apis),
      env: { OIDC_SCOPE: 'openid' },
      social: { lies: { discovery: { json: { grant_types_supported: ['authorization_code'] } } } },
    });
    const tokens = found.filter(({ provider, check }) => provider && /^API/.test(check));
    expect(tokens.map(({ provider, check }) => `${provider} ${check}`)).toEqual([
      'work API notes',
      'social API orders',
    ]);
    expect(tokens[0]?.text).toContain('OIDC_WORK_RESOURCE');
    expect(tokens[1]).toMatchObject({ state: 'failed' });
    expect(found.filter(({ provider, check }) => !provider && /^API/.test(check))).toHaveLength(2);
  });
});

describe('a real provider', () => {
  /** Knows these resources, and looks at none where there are none. */
  async function examineWith(known: readonly string[], apis: Record<string, Partial<ApiDefinition>>) {
    const origin = `http://127.0.0.1:${await freePort()}`;
    const resourceIndicators = {
      enabled: known.length > 0,
      async getResourceServerInfo(_context: unknown, resource: string) {
        if (!known.includes(resource)) throw new errors.InvalidTarget();
        return { scope: 'notes.read' };
      },
    };
    const provider = await startIdentityProvider({
      redirectOrigin: origin,
      overrides: { features: { resourceIndicators } },
    });
    cleanups.push(() => provider.stop());
    const env = {
      ...{ BASE_URL: origin, SESSION_SECRET: sessionSecret, OIDC_ISSUER: provider.issuer },
      ...{ OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret },
    };
    return examine(env, siteWith(apis));
  }

  test('and two APIs in order have no line with a cross', async () => {
    const [notes, orders] = [await demanding(), await demanding()];
    const resources = ['https://notes.example', 'https://orders.example'];
    const found = await examineWith(resources, {
      notes: { url: notes, resource: 'https://notes.example', scope: 'notes.read' },
      orders: { url: orders, resource: 'https://orders.example', proxy: '/api/orders' },
    });
    expect(found.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(linesOf(found)).toEqual([
      '✓ API notes: gets its access token by the refresh token.',
      '✓ API notes: the metadata does not list notes.read. Many providers list no scopes of APIs, so this need not be wrong.',
      '✓ API orders: gets its access token by the refresh token.',
      ...[`notes: ${notes}/`, `orders: ${orders}/`].map((each) => `✓ API ${each} demands a token (401).`),
    ]);
  });

  test('that does not know a resource is found to refuse every sign-in, by the API that asks for it', async () => {
    const found = await examineWith(['https://notes.example'], {
      notes: { url: await demanding(), resource: 'https://notes.example' },
      orders: { url: await demanding(), resource: 'https://orders.example' },
      plain: { url: await demanding(), scope: 'unknown' },
    });
    expect(found.filter(({ state }) => state === 'failed').map(toLine)).toEqual([
      expect.stringMatching(
        /^✗ API orders: the provider refuses every sign-in, because it asks for this API \(invalid_target.*\)\. Register its `resource`/,
      ),
    ]);
    expect(about(found, 'redirect address').map(({ state }) => state)).toEqual(['ok']);
  });
});
