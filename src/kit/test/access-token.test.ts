import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startApi } from '../dev/api.ts';
import { requireAuth } from '../guard/require-auth.ts';
import type { Sessions, TokenRecord } from '../store/index.ts';
import { freePort } from '../testing/processes.ts';
import { getAccessToken } from '../tokens/access-token.ts';
import { startApp, type TestApp } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { clientId, clientSecret } from './helpers/identity-provider.ts';
import { withPair } from './helpers/misbehaving-sign-in.ts';
import { headingOf, type Pair, requestIdOn, startPair } from './helpers/pair.ts';
import { describeWithRedis, type RedisServer, startRedis } from './helpers/redis-server.ts';

// The user's access token: refreshed once however many ask (R13), never shown to the browser, sent to one API only.

/** What the provider gives at its next token calls, in seconds; then five minutes. */
let lifetimes: number[] = [];
const overrides = { ttl: { AccessToken: () => lifetimes.shift() ?? 300 } };
const accounts = [
  { sub: 'alice', purpose: '', claims: { name: 'Alice Adams' } },
  { sub: 'heidi', purpose: '', claims: { name: 'Heidi Hughes' }, behaviour: 'switched off' as const },
];

/** A stub of an API that says what it was asked, and redirects, breaks or hangs up when told to. */
let api: Server;
let apiUrl: string;
let apiCalls: { authorization: string | undefined; cookie: string | undefined; host: string | undefined }[] =
  [];
let apiManner: 'honest' | 'redirect' | 'html' | 'hang up' | 'refuse' = 'honest';
/** What the API takes for invalid. */
let refusedAuthorization: string | undefined;
let happened: string[] = [];

beforeAll(async () => {
  api = createServer((req, res) => {
    const { authorization, cookie, host } = req.headers;
    apiCalls.push({ authorization, cookie, host });
    happened.push('the API was called');
    if (authorization && authorization === refusedAuthorization) {
      return void res.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end('{}');
    }
    if (apiManner === 'hang up') return void res.destroy();
    if (apiManner === 'redirect') return void res.writeHead(302, { location: '/elsewhere' }).end();
    if (apiManner === 'html')
      return void res.writeHead(200, { 'content-type': 'text/html' }).end('<b>hello</b>');
    if (apiManner === 'refuse') {
      return void res.writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope"' }).end('{}');
    }
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ notes: ['Water the plants', '<script>alert(1)</script>'] }));
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
  apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
});
afterAll(() => {
  api?.closeAllConnections();
  api?.close();
});
afterEach(() => vi.useRealTimers());
beforeEach(() => {
  lifetimes = [];
  apiCalls = [];
  apiManner = 'honest';
  refusedAuthorization = undefined;
  happened = [];
});

const tokenCalls = ({ provider }: Pair) => provider.requests.filter((line) => line === 'POST /token').length;

describe('a page that calls the API', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({
      accounts,
      overrides,
      env: { API_URL: `${apiUrl}/notes` },
      routes: {
        mount(app) {
          app.get('/token', requireAuth(), async (req, res) => void res.send(await getAccessToken(req)));
        },
        wrap: (sessions) => storesLastFails(sessions),
      },
    });
  });
  afterAll(() => pair?.stop());

  let storeFails = false;
  /** Tells when refreshed tokens were stored, and fails to store them where a test says so. */
  function storesLastFails(sessions: Sessions): Sessions {
    const tokens = {
      ...sessions.tokens,
      async replace(id: string, record: TokenRecord) {
        if (storeFails) throw Object.assign(new Error('the store is away'), { name: 'StoreError' });
        // Slower than a call to the API.
        await new Promise((resolve) => setTimeout(resolve, 30));
        const stored = await sessions.tokens.replace(id, record);
        happened.push('the tokens were stored');
        return stored;
      },
    };
    return Object.create(sessions, { tokens: { value: tokens } });
  }

  test('sends the token in the Authorization header, and shows neither it nor the request to the browser', async () => {
    const { page } = await pair.signIn('alice', '/api-data');
    expect([page.status, apiCalls.length]).toEqual([200, 1]);
    expect(page.body).toContain('Water the plants');
    expect(page.body).not.toContain('<script>alert');
    const { authorization = '', cookie } = apiCalls[0] ?? {};
    expect(authorization).toMatch(/^Bearer .{20,}$/);
    expect(cookie).toBeUndefined();
    expect(page.body).not.toContain(authorization.slice(7));
    expect(JSON.stringify([...page.headers])).not.toContain(authorization.slice(7));
    expect(JSON.stringify(pair.app.lines)).not.toContain(authorization.slice(7));
    expect(tokenCalls(pair)).toBe(1);
    expect(page.body).toMatch(/Token until 2/);
    expect(page.body).toContain('renewed never');
  });

  test('refreshes a token that ends within half a minute first, and says when', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    lifetimes = [300, 600];
    const { browser } = await pair.signIn('alice');
    const before = tokenCalls(pair);
    vi.setSystemTime(Date.now() + 271_000);
    const page = await browser.get(pair.app.url('/api-data'));
    expect(page.status).toBe(200);
    expect(page.body).not.toContain('renewed never');
    await browser.get(pair.app.url('/api-data'));
    expect(tokenCalls(pair) - before).toBe(1);
    expect(apiCalls[0]?.authorization).toBe(apiCalls[1]?.authorization);
    expect(pair.app.events('token.refreshed').at(-1)).toMatchObject({ sub: 'alice' });
  });

  test.each([
    ['of five minutes', 300, 269],
    ['of two minutes', 120, 89],
    ['of 35 seconds', 35, 25],
    ['of twelve seconds', 12, 8],
  ])(
    'leaves a token %s as it is until a quarter of its life is left, half a minute at most',
    async (_, life, after) => {
      vi.useFakeTimers({ toFake: ['Date'] });
      lifetimes = [life];
      const { browser } = await pair.signIn('alice');
      const before = tokenCalls(pair);
      for (const seconds of [0, after]) {
        vi.setSystemTime(Date.now() + seconds * 1000);
        expect((await browser.get(pair.app.url('/api-data'))).status).toBe(200);
        expect(tokenCalls(pair)).toBe(before);
      }
      vi.setSystemTime(Date.now() + 3_000);
      expect((await browser.get(pair.app.url('/api-data'))).status).toBe(200);
      expect(tokenCalls(pair) - before).toBe(1);
    },
  );

  test('twenty requests at once make one token call (R13)', async () => {
    lifetimes = [1];
    const { browser } = await pair.signIn('alice');
    const before = tokenCalls(pair);
    const answers = await Promise.all(Array.from({ length: 20 }, () => browser.get(pair.app.url('/token'))));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(tokenCalls(pair) - before).toBe(1);
  });

  test('a rotated refresh token is stored before the new access token is used', async () => {
    lifetimes = [1, 1, 1];
    const { browser } = await pair.signIn('alice');
    for (let times = 0; times < 3; times++) {
      happened = [];
      expect((await browser.get(pair.app.url('/api-data'))).status).toBe(200);
      expect(happened).toEqual(['the tokens were stored', 'the API was called']);
    }
  });

  test('a new token that cannot be stored is not used', async () => {
    lifetimes = [1];
    const { browser } = await pair.signIn('alice');
    storeFails = true;
    const page = await browser.get(pair.app.url('/api-data')).finally(() => {
      storeFails = false;
    });
    expect(page.status).toBe(503);
    expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(apiCalls).toEqual([]);
    expect((await browser.get(pair.app.url('/profile'))).status, 'still signed in').toBe(200);
  });

  test('invalid_grant ends the session, with a page that says so and one audit event', async () => {
    lifetimes = [1];
    const { browser } = await pair.signIn('heidi');
    const [ended, failed] = [
      pair.app.events('session.ended').length,
      pair.app.events('token.refresh_failed').length,
    ];
    const cookie = browser.cookie('session');
    const page = await browser.get(pair.app.url('/api-data'));
    expect([page.status, headingOf(page)]).toEqual([401, 'Your session has ended']);
    expect(page.body).toContain('didn&#39;t renew your sign-in');
    expect(page.body).toContain('href="/auth/login?returnTo=%2Fapi-data"');
    expect(page.body, 'nobody is signed in any more').not.toContain('Signed in as');
    expect(page.body).not.toContain('data-expires-at');
    expect(requestIdOn(page)).not.toBe('');
    expect(apiCalls).toEqual([]);
    expect(browser.cookie('session')).toBeUndefined();
    expect(pair.app.events('session.ended').slice(ended)).toMatchObject([
      { sub: 'heidi', reason: 'account' },
    ]);
    expect(pair.app.events('token.refresh_failed').slice(failed)).toMatchObject([
      { reason: 'invalid_grant' },
    ]);
    // Whoever still has the cookie is told the same.
    browser.setCookie(pair.app.origin, `session=${cookie}; Path=/`);
    const why = await browser.get(pair.app.url('/profile'));
    expect(why.url).toBe(pair.app.url('/signed-out?returnTo=%2Fprofile'));
    expect(why.body).toContain('didn&#39;t renew your sign-in');
  });

  test('twenty requests at once on an account that was switched off all read why, and end one session', async () => {
    lifetimes = [1];
    const { browser } = await pair.signIn('heidi');
    const [before, ended] = [tokenCalls(pair), pair.app.events('session.ended').length];
    const pages = await Promise.all(
      Array.from({ length: 20 }, () => browser.get(pair.app.url('/token'), { follow: false })),
    );
    // Whoever came after the end is sent on to be told.
    for (const { status, location } of pages) {
      expect(status === 401 || location === pair.app.url('/signed-out?returnTo=%2Ftoken'), `${status}`).toBe(
        true,
      );
    }
    expect(pages.filter(({ status }) => status === 401).length).toBeGreaterThan(0);
    expect(tokenCalls(pair) - before).toBe(1);
    expect(pair.app.events('session.ended').length - ended).toBe(1);
    expect(pair.app.events('token.refresh_failed').at(-1)?.reason).toBe('invalid_grant');
  });

  test.each([
    ['redirect', 'The API: 302'],
    ['html', 'The API: not-json'],
    ['hang up', 'The API: away'],
    ['refuse', 'The API: 403'],
  ] as const)(
    'an API that answers by "%s" is shown to the user, who stays signed in',
    async (manner, words) => {
      const { browser } = await pair.signIn('alice');
      apiManner = manner;
      const page = await browser.get(pair.app.url('/api-data'));
      expect(page.status).toBe(200);
      expect(page.body).toContain(words);
      // A connection that breaks may be tried anew; a redirect is never followed.
      expect(apiCalls.length).toBeLessThanOrEqual(manner === 'hang up' ? 2 : 1);
      expect(page.body).not.toContain('<b>hello');
      expect((await browser.get(pair.app.url('/profile'))).status).toBe(200);
    },
  );

  test('no address of a request is ever called', async () => {
    const { browser } = await pair.signIn('alice');
    await browser.get(pair.app.url('/api-data?apiUrl=http://127.0.0.1:1/&url=http://127.0.0.1:1/'));
    expect(apiCalls.map(({ host }) => host)).toEqual([new URL(apiUrl).host]);
  });
});

describe('a page without API_URL', () => {
  test('does not exist', async () => {
    const pair = await startPair({ accounts, env: { API_URL: undefined } });
    const { browser, page } = await pair.signIn('alice');
    expect(page.body).not.toContain('/api-data');
    expect((await browser.get(pair.app.url('/api-data'))).status).toBe(404);
    await pair.stop();
  });
});

describe('the sample API', () => {
  test('takes the user’s token, checks it on its own, and the page shows what it said', async () => {
    const audience = 'https://notes.example';
    let url = '';
    const port = await freePort();
    url = `http://localhost:${port}`;
    const pair = await startPair({
      apis: [{ audience, scope: 'notes.read' }],
      env: { API_URL: url, OIDC_SCOPE: 'openid profile email offline_access notes.read' },
    });
    const sample = await startApi({ port, issuer: pair.provider.issuer, audience });
    const { page } = await pair.signIn('alice', '/api-data');
    expect(page.status).toBe(200);
    expect(page.body).toContain('Read RFC 9700 again');
    expect(page.body).not.toMatch(/eyJ[\w-]+\.eyJ/);
    await sample.stop();
    await pair.stop();
  });

  test('refuses a token without its scope, and the page says so', async () => {
    const audience = 'https://notes.example';
    const port = await freePort();
    const pair = await startPair({
      apis: [{ audience, scope: 'notes.read' }],
      env: { API_URL: `http://localhost:${port}`, OIDC_SCOPE: 'openid profile offline_access' },
    });
    const sample = await startApi({ port, issuer: pair.provider.issuer, audience });
    const { page } = await pair.signIn('alice', '/api-data');
    expect(page.body).toContain('The API: 403');
    await sample.stop();
    await pair.stop();
  });
});

describe('a provider that is away when a token has to be refreshed', () => {
  test('gives a 503 that ends nothing, and the token is refreshed when it is back', () =>
    withPair({}, async ({ op, app, open }) => {
      op.next({ token: { json: { expires_in: 1 } } });
      expect((await open('/profile')).status).toBe(200);
      op.down();
      const away = await open('/api-data');
      expect([away.status, headingOf(away)]).toEqual([
        503,
        expect.stringMatching(/^We can't reach [\w.]+:\d+$/),
      ]);
      expect(away.headers.get('retry-after')).toMatch(/^\d+$/);
      expect((await open('/profile')).status).toBe(200);
      expect([app.events('session.ended'), op.calls.api]).toEqual([[], 0]);
      op.up();
      const back = await open('/api-data');
      expect([back.status, op.calls.api, op.calls.authorization]).toEqual([200, 1, 1]);
    }));
});

describe('a refresh that answers for somebody else', () => {
  test.each([
    ['sub', { sub: 'user-2' }],
    ['iss', { iss: 'https://other.example.com' }],
  ])('by its %s ends the session, and the API is not called', (_, idToken) =>
    withPair({}, async ({ op, app, open, browser }) => {
      op.next({ token: { json: { expires_in: 1 } } });
      expect((await open('/profile')).status).toBe(200);
      op.nextRefresh({ idToken });
      const page = await open('/api-data');
      expect([page.status, headingOf(page)]).toEqual([401, 'Your session has ended']);
      expect(op.calls.api).toBe(0);
      expect(app.events('session.ended')).toMatchObject([{ reason: 'account', sub: 'user-1' }]);
      expect((await browser.get(app.url('/profile'), { follow: false })).status).toBe(302);
    }),
  );
});

describeWithRedis('two instances on one Redis', () => {
  let redis: RedisServer;
  let pair: Pair;
  let second: TestApp;

  beforeAll(async () => {
    redis = await startRedis();
    const env = { REDIS_URL: redis.url, SESSION_SECRET: randomBytes(32).toString('hex'), API_URL: apiUrl };
    pair = await startPair({ accounts, overrides, env });
    // Its modules anew: what one process remembers, another does not.
    vi.resetModules();
    const another = await import('./helpers/app.ts');
    expect(another.startApp).not.toBe(startApp);
    second = await another.startApp({
      ...env,
      OIDC_ISSUER: pair.provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: clientSecret,
    });
  });
  afterAll(async () => {
    await second?.stop();
    await pair?.stop();
    await redis?.stop();
  });

  test('refresh once for 200 requests at once', async () => {
    lifetimes = [1];
    const { browser } = await pair.signIn('alice');
    const before = tokenCalls(pair);
    const asked = Array.from({ length: 200 }, (_, i) =>
      browser.get((i % 2 ? pair.app : second).url('/api-data'), { follow: false }),
    );
    const statuses = new Set((await Promise.all(asked)).map(({ status }) => status));
    expect([...statuses]).toEqual([200]);
    expect(tokenCalls(pair) - before).toBe(1);
    const refreshed = [...pair.app.events('token.refreshed'), ...second.events('token.refreshed')];
    expect(refreshed).toHaveLength(1);
    expect(new Set(apiCalls.map(({ authorization }) => authorization)).size).toBe(1);
    expect(apiCalls).toHaveLength(200);
  });

  test('refresh a token that the API refuses once for 100 requests at once', async () => {
    const { browser } = await pair.signIn('alice');
    const before = tokenCalls(pair);
    await browser.get(pair.app.url('/api-data'));
    refusedAuthorization = apiCalls[0]?.authorization;
    apiCalls = [];
    const asked = Array.from({ length: 100 }, (_, i) =>
      browser.get((i % 2 ? pair.app : second).url('/api-data')),
    );
    const pages = await Promise.all(asked);
    expect(pages.filter(({ body }) => !body.includes('Water the plants'))).toEqual([]);
    expect(tokenCalls(pair) - before).toBe(1);
    expect(new Set(apiCalls.map(({ authorization }) => authorization)).size).toBe(2);
  });

  test('know the same session, and end it together', async () => {
    const { browser, page } = await pair.signIn('alice');
    expect((await browser.get(second.url('/profile'))).body).toContain('Alice Adams');
    const cookie = browser.cookie('session');
    await browser.submit(page);
    const replay = createBrowser();
    replay.setCookie(second.origin, `session=${cookie}; Path=/`);
    expect((await replay.get(second.url('/profile'), { follow: false })).status).toBe(302);
  });
});
