import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { ask } from '../doctor/ask.ts';
import { examine } from '../doctor/examine.ts';
import { mask, warning } from '../doctor/finding.ts';
import { checkOffers } from '../doctor/offers.ts';
import { freePort } from '../testing/processes.ts';
import { startApp } from './helpers/app.ts';
import {
  about,
  type Env,
  examineStub,
  expectMasked,
  runDoctor,
  type Setup,
  sessionSecret,
} from './helpers/doctor-run.ts';
import { startHttpsPair } from './helpers/https-front.ts';
import { clientId, clientSecret, startIdentityProvider } from './helpers/identity-provider.ts';
import { google } from './helpers/misbehaving-profiles.ts';
import { html } from './helpers/misbehaving-replies.ts';
import {
  describeWithRedis,
  makeCertificates,
  type RedisOptions,
  startRedis,
  until,
} from './helpers/redis-server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Something on this machine that answers each request in one way. */
async function listen(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(answer).listen(0, '127.0.0.1');
  cleanups.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const closedPort = async () => `http://127.0.0.1:${await freePort()}`;
const states = (found: Awaited<ReturnType<typeof examine>>, check: string) =>
  about(found, check).map(({ state }) => state);

/** Metadata that differs. */
const metadata = (json: Record<string, unknown>): Setup => ({ lies: { discovery: { json } } });

describe('a provider in order', () => {
  test('has no line with a cross, and each thing that was looked at has its line', async () => {
    const { found, origin } = await examineStub({
      op: { par: true },
      lies: {
        discovery: {
          json: { backchannel_logout_supported: true, scopes_supported: ['openid', 'offline_access'] },
        },
      },
    });
    const inOrder = [
      ...['settings', 'secrets', 'discovery', 'clock', 'issuer', 'PKCE', 'client authentication'],
      ...['signing algorithm', 'offline_access', 'PAR', 'end_session', 'revocation', 'iss'],
      ...['back-channel logout', 'redirect address', 'Redis', 'proxy'],
    ];
    for (const check of inOrder) expect(states(found, check), check).not.toHaveLength(0);
    for (const check of inOrder) expect(new Set(states(found, check)), check).toEqual(new Set(['ok']));
    expect(states(found, 'client authentication')).toHaveLength(2);
    expect(found.filter(({ check }) => check.startsWith('register')).map(({ text }) => text)).toEqual([
      `${origin}/auth/callback`,
      `${origin}/signed-out`,
      `${origin}/auth/backchannel-logout`,
      `${origin}/auth/frontchannel-logout`,
    ]);
  });

  test('of the certified kind knows the app, and takes its address', async () => {
    const origin = await closedPort();
    const provider = await startIdentityProvider({ redirectOrigin: origin });
    cleanups.push(() => provider.stop());
    const found = await examine({
      BASE_URL: origin,
      SESSION_SECRET: sessionSecret,
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
    });
    expect(found.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(states(found, 'client authentication')).toEqual(['ok', 'ok']);
    expect(states(found, 'redirect address')).toEqual(['ok']);
  });
});

describe('a provider with a fault', () => {
  const slash = /Set OIDC_ISSUER to http:\/\/127\.0\.0\.1:\d+\/\.$|with a trailing slash: set OIDC_ISSUER to/;

  test.each<[fault: string, Setup, check: string, state: string, words: RegExp]>([
    [
      'that answers with a page',
      { lies: { discovery: html } },
      'discovery',
      'failed',
      /something other than metadata.*Copy OIDC_ISSUER/,
    ],
    ['that is not found', { lies: { discovery: { status: 404 } } }, 'discovery', 'failed', /status 404/],
    [
      'that leads elsewhere',
      { lies: { discovery: { status: 301, headers: { location: 'https://new.example.com/x' } } } },
      'discovery',
      'failed',
      /leads elsewhere.*https:\/\/new\.example\.com\/x/,
    ],
    [
      'that hangs up',
      { lies: { discovery: { manner: 'hang-up' } } },
      'discovery',
      'failed',
      /does not answer/,
    ],
    [
      'of another name',
      metadata({ issuer: 'https://other.example.com' }),
      'issuer',
      'failed',
      /other\.example\.com/,
    ],
    [
      'without a token endpoint',
      metadata({ token_endpoint: undefined }),
      'discovery',
      'failed',
      /token_endpoint/,
    ],
    [
      'with an endpoint on plain http',
      metadata({ jwks_uri: 'http://x.example/' }),
      'discovery',
      'failed',
      /jwks_uri/,
    ],
    [
      'that does not offer PKCE',
      metadata({ code_challenge_methods_supported: ['plain'] }),
      'PKCE',
      'warning',
      /S256/,
    ],
    [
      'that offers other client authentication',
      metadata({ token_endpoint_auth_methods_supported: ['client_secret_post'] }),
      'client authentication',
      'warning',
      /Set OIDC_CLIENT_AUTH to one of: client_secret_post\./,
    ],
    [
      'that signs otherwise',
      metadata({ id_token_signing_alg_values_supported: ['none', 'HS256', 'ES256'] }),
      'signing algorithm',
      'failed',
      /Set OIDC_ID_TOKEN_ALG to .*: ES256\.$/,
    ],
    [
      'that signs with shared secrets only',
      metadata({ id_token_signing_alg_values_supported: ['HS256'] }),
      'signing algorithm',
      'failed',
      /a key of its own/,
    ],
    [
      'without end_session',
      metadata({ end_session_endpoint: undefined }),
      'end_session',
      'warning',
      /still signed in/,
    ],
    [
      'without revocation',
      metadata({ revocation_endpoint: undefined }),
      'revocation',
      'warning',
      /stay valid/,
    ],
    [
      'that does not name itself in answers',
      metadata({ authorization_response_iss_parameter_supported: false }),
      'iss',
      'warning',
      /not offered/,
    ],
    ['without back-channel logout', {}, 'back-channel logout', 'warning', /continues/],
    ['without PAR', {}, 'PAR', 'warning', /not offered/],
    [
      'without PAR, where it is required',
      { env: { OIDC_PAR: 'require' } },
      'PAR',
      'failed',
      /OIDC_PAR to auto/,
    ],
    [
      'that insists on PAR, where it is off',
      { ...metadata({ require_pushed_authorization_requests: true }), env: { OIDC_PAR: 'off' } },
      'PAR',
      'failed',
      /Set OIDC_PAR to auto/,
    ],
    [
      'that has no offline_access',
      metadata({ scopes_supported: ['openid', 'email'] }),
      'offline_access',
      'warning',
      /leaves it out.*Remove offline_access/,
    ],
    ['that names no scopes', {}, 'offline_access', 'warning', /Google, GitLab and Amazon Cognito refuse/],
    [
      'that knows another secret',
      { env: { OIDC_CLIENT_SECRET: 'a-secret-of-nobody-else' } },
      'client authentication',
      'failed',
      /invalid_client.*copy OIDC_CLIENT_SECRET again/,
    ],
    [
      'that knows another client',
      { env: { OIDC_CLIENT_ID: 'somebody-else' } },
      'client authentication',
      'failed',
      /refuses somebody-else/,
    ],
    [
      'that knows another address',
      { op: { appOrigin: 'http://127.0.0.1:1' } },
      'redirect address',
      'failed',
      /Register exactly this redirect address: http:\/\/127\.0\.0\.1:\d+\/auth\/callback$/,
    ],
  ])('%s', async (_fault, setup, check, state, words) => {
    const { found } = await examineStub(setup);
    const lines = about(found, check).map((each) => `${each.state} ${each.text} ${each.hint ?? ''}`.trim());
    expect(
      lines.filter((line) => line.startsWith(state) && words.test(line)),
      lines.join('\n'),
    ).toHaveLength(1);
    // Whatever fails, the line says what to do.
    for (const each of found.filter(({ state }) => state === 'failed'))
      expect(each.hint, each.text).toMatch(/\S/);
  });

  test('of the slash: the line says which of the two has it', async () => {
    const { found } = await examineStub({}, (op) => ({ OIDC_ISSUER: `${op.issuer}/` }));
    expect(about(found, 'issuer')).toMatchObject([
      { state: 'failed', hint: expect.stringMatching(/without a trailing slash/) },
    ]);
    const other = await examineStub({}, (op) => {
      op.next({ discovery: { json: { issuer: `${op.issuer}/` } } });
      return undefined;
    });
    expect(about(other.found, 'issuer')[0]?.hint).toMatch(slash);
    expect(about(other.found, 'provider')[0]?.text).toMatch(/skipped/);
  });

  test.each([
    [300, 'failed', /5 min ahead of this machine's/],
    [-300, 'failed', /5 min behind this machine's/],
    [20, 'ok', /20 s ahead|19 s ahead/],
    [0, 'ok', /agree/],
  ])('whose clock is %i s ahead', async (seconds, state, words) => {
    const { found } = await examineStub({}, (op) => {
      op.setClockAhead(seconds);
      return undefined;
    });
    expect(about(found, 'clock')).toMatchObject([{ state, text: expect.stringMatching(words) }]);
  });

  test('whose old answer comes from a cache is not taken for a wrong clock', async () => {
    const date = new Date(Date.now() - 600_000).toUTCString();
    const { found } = await examineStub({ lies: { discovery: { headers: { date, age: '600' } } } });
    expect(states(found, 'clock')).toEqual(['ok']);
  });

  test('that is not there', async () => {
    const issuer = await closedPort();
    const found = await examine({
      SESSION_SECRET: sessionSecret,
      BASE_URL: await closedPort(),
      OIDC_ISSUER: issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
    });
    expect(about(found, 'discovery')).toMatchObject([
      {
        state: 'failed',
        text: expect.stringContaining('ECONNREFUSED'),
        hint: expect.stringContaining('OIDC_ISSUER'),
      },
    ]);
    // What does not hang on it is looked at all the same.
    expect(states(found, 'register as redirect address')).toEqual(['ok']);
    expect(states(found, 'base address')).toEqual(['warning']);
  });

  test('whose token endpoint is not there', async () => {
    const token_endpoint = `${await closedPort()}/token`;
    const { found } = await examineStub(metadata({ token_endpoint }));
    expect(about(found, 'client authentication')[1]).toMatchObject({
      state: 'failed',

      hint: expect.stringContaining('firewall'),
    });
  });

  test('that answers a code that cannot exist with something else', async () => {
    const token_endpoint = await listen((_req, res) => {
      res.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"slow_down"}');
    });
    const { found } = await examineStub(metadata({ token_endpoint }));
    expect(about(found, 'client authentication')[1]).toMatchObject({
      state: 'warning',
      text: expect.stringContaining('slow_down'),
    });
  });

  test('that refuses the secret with a challenge, as RFC 6749 asks', async () => {
    const provider = await startIdentityProvider({ redirectOrigin: 'http://127.0.0.1:1' });
    cleanups.push(() => provider.stop());
    const secret = 'a-secret-of-nobody-else';
    const found = await examine({
      BASE_URL: await closedPort(),
      SESSION_SECRET: sessionSecret,
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: secret,
    });
    expect(states(found, 'client authentication')).toEqual(['ok', 'failed']);
    expectMasked(found, [secret]);
  });

  test.each([
    ['https://accounts.google.com', /^Google refuses/],
    ['https://gitlab.com', /^GitLab refuses/],
    ['https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x', /^Amazon Cognito refuses/],
    ['https://login.example.com', /leaves it out/],
  ])('%s is known for what it thinks of offline_access', (OIDC_ISSUER, words) => {
    const {
      providers: [provider],
    } = loadConfig({
      SESSION_SECRET: sessionSecret,
      OIDC_ISSUER,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
    });
    const found = checkOffers({ scopes_supported: ['openid', 'email'] }, provider);
    expect(about(found, 'offline_access')).toMatchObject([
      {
        state: 'warning',
        text: expect.stringMatching(words),
        hint: 'Remove offline_access from OIDC_SCOPE.',
      },
    ]);
  });

  test('that repeats the secret does not bring it into the lines', async () => {
    const token_endpoint = await listen((_req, res) => {
      res
        .writeHead(400, { 'content-type': 'application/json' })
        .end('{"error":"no: canary-secret-of-this-app"}');
    });
    const { found } = await examineStub({
      ...metadata({ token_endpoint }),
      env: { OIDC_CLIENT_SECRET: 'canary-secret-of-this-app' },
    });
    expect(about(found, 'client authentication')[1]?.text).toMatch(/no: •••/);
    expectMasked(found, ['canary-secret-of-this-app']);
  });

  test('of Google, whose scopes are known', async () => {
    const { found } = await examineStub({ op: { profile: google }, env: { OIDC_SCOPE: 'openid email' } });
    expect(states(found, 'offline_access')).toEqual(['ok']);
    expect(states(found, 'redirect address')).toEqual(['ok']);
  });
});

describe('the redirect address', () => {
  const seen = (authorization_endpoint: string, setup: Setup = {}) =>
    examineStub({ ...metadata({ authorization_endpoint }), ...setup }).then(({ found }) =>
      about(found, 'redirect address'),
    );

  test('that a provider with PAR does not know is distinguished from one that it knows', async () => {
    const provider = await startIdentityProvider({ redirectOrigin: 'http://127.0.0.1:1' });
    cleanups.push(() => provider.stop());
    const found = await examine({
      BASE_URL: await closedPort(),
      SESSION_SECRET: sessionSecret,
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
    });
    expect(about(found, 'redirect address')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('/auth/callback') },
    ]);
  });

  test('cannot be checked where the provider shows its sign-in page to any address', async () => {
    const page = await listen((_req, res) => res.end('<form>who are you?</form>'));
    expect(await seen(page)).toMatchObject([
      { state: 'warning', text: expect.stringContaining('could not be checked') },
    ]);
  });

  test('is refused where the provider leads to a page about an error', async () => {
    const page = await listen((_req, res) => res.writeHead(302, { location: '/oauth/error?code=400' }).end());
    expect(await seen(page)).toMatchObject([{ state: 'failed', hint: expect.stringContaining('Register') }]);
  });

  test('is accepted where the provider answers to it, with what it says about the request', async () => {
    const page = await listen((req, res) => {
      const back = new URL(req.url ?? '', 'http://x').searchParams.get('redirect_uri');
      res.writeHead(302, { location: `${back}?error=invalid_scope` }).end();
    });
    expect(await seen(page)).toMatchObject([
      {
        state: 'failed',
        text: expect.stringContaining('invalid_scope'),
        hint: expect.stringContaining('OIDC_SCOPE'),
      },
    ]);
  });

  test('cannot be checked where nobody answers', async () => {
    expect(await seen(`${await closedPort()}/authorize`)).toMatchObject([{ state: 'warning' }]);
  });
});

describe('TLS', () => {
  test("is looked at: a CA of one's own must be named, and then all is in order", async () => {
    const certificates = await makeCertificates();
    cleanups.push(() => certificates.remove());
    const tls = { key: readFileSync(certificates.key), cert: readFileSync(certificates.cert) };
    const origin = await closedPort();
    const provider = await startIdentityProvider({ redirectOrigin: origin, tls });
    cleanups.push(() => provider.stop());
    const env = {
      BASE_URL: origin,
      SESSION_SECRET: sessionSecret,
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
    };
    const untrusted = await examine(env);
    expect(about(untrusted, 'TLS')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('EXTRA_CA_FILE') },
    ]);

    const trusted = await runDoctor({ ...env, EXTRA_CA_FILE: certificates.ca });
    expect(trusted.output).toMatch(/^✓ EXTRA_CA_FILE: certificates that are trusted too: 1\.$/m);
    // The certificate is made for one day.
    expect(trusted.output).toMatch(
      /^! TLS: the certificate of localhost:\d+ expires on \d{4}-\d\d-\d\d\. Have it renewed\.$/m,
    );
    expect(trusted.output).toMatch(/^✓ client authentication: client_secret_basic is accepted/m);
    expect(trusted.code).toBe(0);
  });
});

describe('the settings', () => {
  test('that are missing hide no address to register: without a registration there is no client ID', async () => {
    const told = (await examine({ BASE_URL: 'https://app.example.com' })).map(
      ({ check, text }) => `${check} ${text}`,
    );
    for (const line of [
      'register as redirect address https://app.example.com/auth/callback',
      'register as post-logout address https://app.example.com/signed-out',
      'register as back-channel logout address https://app.example.com/auth/backchannel-logout',
      'register as front-channel logout address https://app.example.com/auth/frontchannel-logout',
    ])
      expect(told).toContain(line);
    const named = await examine({ BASE_URL: 'https://app.example.com', OIDC_PROVIDERS: 'work,social' });
    expect(named).toContainEqual({
      provider: 'social',
      check: 'register as redirect address',
      state: 'ok',
      text: 'https://app.example.com/auth/callback/social',
    });
    expect((await examine({ BASE_URL: 'app.example.com' })).every(({ state }) => state === 'failed')).toBe(
      true,
    );
  });

  test('are listed with every problem, and nothing else is tried', async () => {
    const found = await examine({
      OIDC_ISSUER: 'http://login.example.com',
      PORT: 'x',
      SESSION_SECRET: 'short',
    });
    const checks = new Set(found.map(({ check }) => check.replace(/^register as .*/, 'to register')));
    expect([...checks]).toEqual(['settings', 'to register', 'front-channel logout']);
    const told = found.map(({ text }) => text).join('\n');
    for (const name of ['OIDC_ISSUER', 'PORT', 'SESSION_SECRET', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET']) {
      expect(told).toContain(name);
    }
    expect(told).not.toContain('short');
  });

  test.each<[string, Env, string, RegExp]>([
    [
      'the client secret as session secret',
      { OIDC_CLIENT_SECRET: sessionSecret },
      'failed',
      /Make one of its own/,
    ],
    ['a short client secret', { OIDC_CLIENT_SECRET: 'Xa9-3kq' }, 'warning', /at least 16/],
    [
      'a secret too short to sign with',
      { OIDC_CLIENT_AUTH: 'client_secret_jwt', OIDC_CLIENT_SECRET: 'Xa9-3kqXa9-3kq00112' },
      'warning',
      /at least 32/,
    ],
    [
      "the development provider's secret",
      { OIDC_CLIENT_SECRET: 'development-only-secret-of-the-sample-web-app' },
      'failed',
      /Copy the one/,
    ],
  ])('with %s', async (_what, env, state, words) => {
    const { found } = await examineStub({ env });
    const lines = about(found, 'secrets').filter((each) => each.state === state);
    expect(lines).toMatchObject([{ hint: expect.stringMatching(words) }]);
    expectMasked(found, [env.OIDC_CLIENT_SECRET as string]);
  });

  test('show no secret, not even in what a provider says', () => {
    const [found] = mask([warning('x', 'it said hunter2', 'not hunter2')], ['hunter2']);
    expect(found).toEqual({ check: 'x', state: 'warning', text: 'it said •••', hint: 'not •••' });
  });
});

describe('base address, cookies and proxy', () => {
  async function runningApp(env: Env = {}) {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const provider = await startIdentityProvider({ redirectOrigin: origin });
    const settings = {
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
    };
    const app = await startApp({ ...settings, OIDC_PAR: 'off', ...env }, port);
    cleanups.push(
      () => provider.stop(),
      () => app.stop(),
    );
    return {
      origin,
      app,
      provider,
      settings: { ...settings, BASE_URL: origin, SESSION_SECRET: sessionSecret },
    };
  }

  test('fit where the app runs', async () => {
    const { settings } = await runningApp();
    const found = await examine(settings);
    for (const check of ['base address', 'cookies', 'proxy'])
      expect(states(found, check), check).toEqual(['ok']);
  });

  test('do not fit where an app with other settings runs', async () => {
    const { settings } = await runningApp();
    const found = await examine({ ...settings, OIDC_CLIENT_ID: 'another' });
    expect(about(found, 'cookies')).toMatchObject([
      { state: 'failed', text: expect.stringContaining('another OIDC_CLIENT_ID') },
    ]);
  });

  test('do not fit where the app believes in another address', async () => {
    const { settings, app } = await runningApp({ BASE_URL: 'http://localhost:9' });
    const found = await examine({ ...settings, BASE_URL: app.origin });
    expect(about(found, 'cookies')).toMatchObject([
      { state: 'failed', text: expect.stringContaining('BASE_URL is http://localhost:9') },
    ]);
  });

  test.each<[string, number, string, string, RegExp]>([
    ['something else', 200, '<h1>It works!</h1>', 'failed', /something else/],
    ['something else that knows no such page', 404, '', 'failed', /forwards everything/],
    ['a proxy without an app behind it', 502, '', 'warning', /Start the app/],
  ])('are distinguished from %s at the address', async (_what, status, body, state, words) => {
    const BASE_URL = await listen((_req, res) => res.writeHead(status).end(body));
    const { found } = await examineStub({ env: { BASE_URL } });
    const [line] = about(found, 'base address');
    expect(line?.state).toBe(state);
    expect(`${line?.text} ${line?.hint}`).toMatch(words);
  });

  test('are distinguished from a proxy that keeps the probes to itself and has no app behind it', async () => {
    const BASE_URL = await listen((req, res) =>
      res.writeHead(/^\/(healthz|readyz)/.test(req.url ?? '') ? 404 : 502).end(),
    );
    const { found } = await examineStub({ env: { BASE_URL } });
    expect(about(found, 'base address')).toMatchObject([
      {
        state: 'warning',
        text: expect.stringContaining('(502)'),
        hint: expect.stringContaining('Start the app'),
      },
    ]);
  });

  test('of a host that nobody knows are not said to be as expected', async () => {
    const { found } = await examineStub({
      env: { BASE_URL: 'https://no-such-host.invalid', REDIS_URL: 'redis://127.0.0.1:9' },
    });
    const [line] = about(found, 'base address');
    expect(line?.text).toMatch(/ does not answer \((ENOTFOUND|EAI_AGAIN)\)\.$/);
  });

  test.each([
    { passes: 'passes the name on', host: undefined, proxies: ['ok'] },
    { passes: 'names itself instead', host: 'upstream', proxies: ['ok', 'warning'] },
  ])('fit behind a proxy that keeps the probes to itself and $passes', async ({ host, proxies }) => {
    let inner = '';
    const front = await listen(async (req, res) => {
      if (/^\/(healthz|readyz)/.test(req.url ?? '')) return void res.writeHead(404).end('not here');
      const sent = { ...req.headers, ...(host && { host }) } as Record<string, string>;
      const { status, headers, body } = await ask(new URL(req.url ?? '/', inner), sent);
      for (const name of ['content-type', 'location', 'set-cookie'])
        if (headers[name]) res.setHeader(name, headers[name]);
      res.writeHead(status).end(body);
    });
    const { settings, app } = await runningApp({ BASE_URL: front });
    inner = app.origin;
    const found = await examine({ ...settings, BASE_URL: front });
    expect(states(found, 'base address')).toEqual(['ok']);
    expect(states(found, 'cookies')).toEqual(['ok']);
    expect(states(found, 'proxy')).toEqual(proxies);
    if (host) expect(about(found, 'proxy')[1]?.hint).toContain('proxy_set_header Host $host');
  });

  test('that a proxy has changed on the way are reported', async () => {
    const { settings, app } = await runningApp();
    const meddler = await listen(async (req, res) => {
      const { status, headers, body } = await ask(
        new URL(req.url ?? '/', app.url('/')),
        req.headers as Record<string, string>,
      );
      const [cookie = ''] = headers['set-cookie'] ?? [];
      res.statusCode = status;
      if (cookie) res.setHeader('set-cookie', cookie.replace(/; HttpOnly/i, ''));
      res.setHeader('location', headers.location ?? '');
      res.end(body);
    });
    const found = await examine({ ...settings, BASE_URL: meddler });
    expect(about(found, 'cookies')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('Set-Cookie') },
    ]);
  });

  test('fit behind a proxy with TLS; a certificate that nobody knows does not', async () => {
    const pair = await startHttpsPair({ OIDC_PAR: 'off' });
    cleanups.push(() => pair.stop());
    const env = {
      BASE_URL: pair.url(''),
      SESSION_SECRET: sessionSecret,
      OIDC_ISSUER: pair.provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
    };
    const untrusted = await examine(env);
    expect(about(untrusted, 'base address')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('CA') },
    ]);
    expect(about(untrusted, 'proxy')).toMatchObject([
      { state: 'warning', hint: expect.stringContaining('TRUST_PROXY_HOPS') },
    ]);

    const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'ca.pem'), pair.ca);
    const { output } = await runDoctor({
      ...env,
      TRUST_PROXY_HOPS: '1',
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    });
    expect(output).toMatch(/^✓ base address: /m);
    expect(output).toMatch(/^✓ cookies: come through as Secure __Host- cookies\.$/m);
    expect(output).toMatch(/^✓ proxy: 1 expected/m);
  });
});

describeWithRedis('Redis', () => {
  async function redisLines(
    options: RedisOptions = {},
    prepare?: (redis: Awaited<ReturnType<typeof startRedis>>) => unknown,
    url?: (url: string) => string,
  ) {
    const redis = await startRedis(options);
    cleanups.push(() => redis.stop());
    await prepare?.(redis);
    const { found } = await examineStub({ env: { REDIS_URL: url ? url(redis.url) : redis.url } });
    if (options.password) expectMasked(found, [options.password]);
    return { redis, found };
  }

  test('is written, read and left as it was', async () => {
    const { redis, found } = await redisLines({ password: 'canary-password', args: ['--appendonly', 'yes'] });
    for (const check of ['Redis', 'Redis write', 'Redis eviction', 'Redis persistence']) {
      expect(states(found, check), check).toEqual(['ok']);
    }
    expect(await redis.run('KEYS', 'app:doctor*')).toEqual([]);
  });

  test.each(['allkeys-lru', 'allkeys-random', 'volatile-lru'])(
    'that evicts by %s loses sessions',
    async (policy) => {
      const { found } = await redisLines({ args: ['--maxmemory-policy', policy] });
      expect(about(found, 'Redis eviction')).toMatchObject([
        {
          state: 'warning',
          text: expect.stringContaining(policy),
          hint: expect.stringContaining('noeviction'),
        },
      ]);
    },
  );

  test('without persistence signs everybody out at a restart; snapshots are reported', async () => {
    const { found, redis } = await redisLines();
    expect(about(found, 'Redis persistence')).toMatchObject([
      { state: 'warning', text: expect.stringContaining('restart') },
    ]);
    await redis.run('CONFIG', 'SET', 'save', '60 1');
    const again = await examineStub({ env: { REDIS_URL: redis.url } });
    expect(about(again.found, 'Redis persistence')).toMatchObject([
      { state: 'ok', text: expect.stringContaining('snapshots') },
    ]);
  });

  test('that forbids the questions is not failed for it', async () => {
    const { found } = await redisLines({}, (redis) =>
      redis.run('ACL', 'SETUSER', 'default', '-info', '-config'),
    );
    for (const check of ['Redis eviction', 'Redis persistence'])
      expect(about(found, check)).toMatchObject([
        { state: 'warning', hint: expect.stringContaining('allow this user +info') },
      ]);
    expect(states(found, 'Redis write')).toEqual(['ok']);
  });

  test('that forbids writing', async () => {
    const { found } = await redisLines({}, (redis) => redis.run('ACL', 'SETUSER', 'default', '-set'));
    expect(about(found, 'Redis write')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('Allow this user') },
    ]);
  });

  test('that has another password', async () => {
    const { found } = await redisLines({ password: 'canary-password' }, undefined, (url) =>
      url.replace('canary-password', 'other-canary'),
    );
    expect(about(found, 'Redis')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('password') },
    ]);
    expectMasked(found, ['other-canary']);
  });

  test('with replicas says whether a primary that is cut off from them stops to write', async () => {
    const { redis, found } = await redisLines({ args: ['--repl-diskless-sync-delay', '0'] });
    expect(about(found, 'Redis replicas')).toEqual([]);
    const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', `${redis.port}`] });
    cleanups.push(() => replica.stop());
    await until(async () => /connected_slaves:1/.test(String(await redis.run('INFO', 'replication'))));
    const look = async () =>
      about((await examineStub({ env: { REDIS_URL: redis.url } })).found, 'Redis replicas');
    expect(await look()).toMatchObject([
      {
        state: 'warning',
        text: expect.stringContaining('there is 1, and min-replicas-to-write is not set'),
        hint: expect.stringContaining('Set min-replicas-to-write to 1'),
      },
    ]);
    await redis.run('CONFIG', 'SET', 'min-replicas-to-write', '1');
    await until(async () => /min_slaves_good_slaves:1/.test(String(await redis.run('INFO', 'replication'))));
    expect(await look()).toMatchObject([{ state: 'ok' }]);
    await redis.run('CONFIG', 'SET', 'min-replicas-to-write', '2');
    const { found: refused } = await examineStub({ env: { REDIS_URL: redis.url } });
    expect(about(refused, 'Redis')).toMatchObject([
      {
        state: 'failed',
        hint: expect.stringContaining('Fewer replicas are connected than min-replicas-to-write'),
      },
    ]);
  });

  test('behind Sentinels is called by its name, and no password is shown', async () => {
    const { found } = await examineStub({
      env: {
        REDIS_URL: 'redis://app:canary-w0rd-one@127.0.0.1:1,redis://127.0.0.1:2',
        REDIS_SENTINEL_NAME: 'mymaster',
        REDIS_SENTINEL_PASSWORD: 'canary-w0rd-two',
      },
    });
    expect(about(found, 'Redis')).toMatchObject([
      {
        state: 'failed',
        text: expect.stringMatching(
          /^mymaster, the primary that the Sentinels 127\.0\.0\.1:1, 127\.0\.0\.1:2 know, cannot be used/,
        ),
      },
    ]);
    expectMasked(found, ['canary-w0rd-one', 'canary-w0rd-two']);
  });

  test('that is a replica', async () => {
    const { found } = await redisLines({}, (redis) => redis.run('REPLICAOF', '127.0.0.1', '1'));
    expect(about(found, 'Redis')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('primary') },
    ]);
  });

  test('that speaks no TLS, where TLS is asked for', async () => {
    const { found } = await redisLines({}, undefined, (url) => url.replace('redis://', 'rediss://'));
    expect(about(found, 'Redis')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('rediss://') },
    ]);
  });

  test('that is not there', async () => {
    const { found } = await redisLines({}, (redis) => redis.kill());
    expect(about(found, 'Redis')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('host and port') },
    ]);
  });
});

describe('npm run doctor', () => {
  async function settings(): Promise<Env> {
    const origin = await closedPort();
    const provider = await startIdentityProvider({ redirectOrigin: origin });
    cleanups.push(() => provider.stop());
    return {
      BASE_URL: origin,
      SESSION_SECRET: sessionSecret,
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
    };
  }

  test('prints one line a check and ends with 0, before the app ever ran', async () => {
    const { code, output, complaints } = await runDoctor(await settings());
    expect(code, output).toBe(0);
    expect(complaints).toBe('');
    const lines = output.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines) expect(line).toMatch(/^[✓!] [\w -]+: \S/);
    for (const secret of [sessionSecret, clientSecret]) expect(output).not.toContain(secret);
  });

  test('ends with 1 where something fails, and says what to do', async () => {
    const { code, output } = await runDoctor({
      ...(await settings()),
      OIDC_CLIENT_SECRET: 'a-secret-of-nobody-else',
    });
    expect(code).toBe(1);
    expect(output).toMatch(/^✗ client authentication: .* copy OIDC_CLIENT_SECRET again/m);
    expect(output).not.toContain('a-secret-of-nobody-else');
  });

  test('tells a machine the same as JSON', async () => {
    const env = await settings();
    const good = await runDoctor(env, ['--json']);
    expect([good.code, JSON.parse(good.output).ok]).toEqual([0, true]);
    const bad = await runDoctor({ ...env, OIDC_ISSUER: `${env.OIDC_ISSUER}/` }, ['--json']);
    const { ok, checks } = JSON.parse(bad.output);
    expect([bad.code, ok]).toEqual([1, false]);
    expect(checks).toContainEqual({
      check: 'issuer',
      state: 'failed',
      text: expect.any(String),
      hint: expect.stringContaining('without a trailing slash'),
    });
  });

  test('tells what is wrong with the settings', async () => {
    const { code, output } = await runDoctor({});
    expect(code).toBe(1);
    expect(output).toMatch(/^✗ settings: OIDC_ISSUER is missing\. /m);
  });

  test('says in one sentence where there is no site', async () => {
    const { code, output, complaints } = await runDoctor({}, ['src/no-such-site.ts']);
    expect({ code, output }).toEqual({ code: 2, output: '' });
    expect(complaints).toMatch(/^There is no src\/no-such-site\.ts\.\n/);
    expect(complaints).not.toMatch(/^ +at /m);
  });

  test('explains itself', async () => {
    expect(await runDoctor({}, ['--help'])).toMatchObject({
      code: 0,
      output: expect.stringContaining('--json'),
    });
    expect(await runDoctor({}, ['--nonsense'])).toMatchObject({
      code: 2,
      complaints: expect.stringContaining('--json'),
    });
  });
});
