import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sessions } from '../store/index.ts';
import { freePort } from '../testing/processes.ts';
import { startApp } from './helpers/app.ts';
import { createBrowser, type Page } from './helpers/browser.ts';
import { clientId, clientSecret, startIdentityProvider } from './helpers/identity-provider.ts';
import { headingOf, type Pair, requestIdOn, startPair } from './helpers/pair.ts';
import { describeWithRedis, type RedisServer, startRedis } from './helpers/redis-server.ts';

// The way of a sign-in, from an address that asks for one to the page behind it (R1, R3, R5-R8, R21).

let pair: Pair;
let events: string[] = [];
let storeRefuses = false;

beforeAll(async () => {
  pair = await startPair({ routes: { wrap: (sessions) => witnessed(sessions) }, env: { OIDC_PAR: 'off' } });
});
afterAll(() => pair?.stop());

/** Tells when a session was written, and refuses to where a test says so. */
function witnessed(sessions: Sessions): Sessions {
  const { store } = sessions;
  const set = store.set.bind(store);
  store.set = (id, session, done) => {
    if (storeRefuses)
      return void done?.(Object.assign(new Error('the store is away'), { name: 'StoreError' }));
    // Slower than any network on the way to the browser.
    setTimeout(() => {
      events.push('session stored');
      set(id, session, done);
    }, 50);
  };
  return sessions;
}

const query = (page: Page) => new URL(page.location ?? '').searchParams;
const sendOff = (path = '/profile', browser = createBrowser()) =>
  browser.get(pair.app.url(path), { follow: false });

describe('somebody who opens a page that asks for a sign-in', () => {
  test('signs in and lands on it, with its query as it was, on an address without the code', async () => {
    const { page, browser } = await pair.signIn('alice', '/profile?tab=a%20b&x=1&x=%2F');
    expect([page.status, page.url]).toEqual([200, pair.app.url('/profile?tab=a%20b&x=1&x=%2F')]);
    expect(page.body).toContain('Alice Adams');
    const callback = browser.visited.filter((line) => line.includes('/auth/callback?'));
    expect(callback).toHaveLength(1);
    expect(browser.visited.at(-1)).not.toMatch(/code=|state=/);
  });

  test('is sent to the provider with a fresh state, nonce and S256 challenge each time (R1)', async () => {
    const browser = createBrowser();
    const three = [await sendOff('/profile', browser), await sendOff('/profile', browser), await sendOff()];
    for (const page of three) {
      expect(page.status).toBe(302);
      const asked = query(page);
      expect(asked.get('response_type')).toBe('code');
      expect(asked.get('code_challenge_method')).toBe('S256');
      expect(asked.get('code_challenge')).toMatch(/^[\w-]{43}$/);
      expect(asked.get('redirect_uri')).toBe(pair.app.url('/auth/callback'));
    }
    for (const name of ['state', 'nonce', 'code_challenge']) {
      const values = three.map((page) => query(page).get(name) ?? '');
      expect(new Set(values).size, name).toBe(3);
      for (const value of values) expect(value.length, name).toBeGreaterThanOrEqual(22);
    }
  });

  test('is sent with PKCE although the metadata does not speak of it (R1)', async () => {
    const provider = await startIdentityProvider({ overrides: { features: {} } });
    const port = await freePort();
    const app = await startApp(
      {
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: clientId,
        OIDC_CLIENT_SECRET: clientSecret,
        OIDC_PAR: 'off',
      },
      port,
    );
    const { location } = await createBrowser().get(app.url('/profile'), { follow: false });
    expect(new URL(location ?? '').searchParams.get('code_challenge_method')).toBe('S256');
    await app.stop();
    await provider.stop();
  });

  test('shows the browser nothing of the request where the provider takes it from us (RFC 9126)', async () => {
    const pushed = await startPair();
    const { location = '' } = await createBrowser().get(pushed.app.url('/profile'), { follow: false });
    expect([...new URL(location).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    expect((await pushed.signIn('alice')).page.status).toBe(200);
    await pushed.stop();
  });

  test('carries the sign-in in one small sealed cookie, and nothing else (R3)', async () => {
    const browser = createBrowser();
    const page = await sendOff('/profile?tab=secret-path', browser);
    expect(browser.setCookies).toHaveLength(1);
    const { line } = browser.setCookies[0] ?? { line: '' };
    expect(line).toMatch(
      /^login-[\w-]+=[\w-]+; Max-Age=3600; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
    );
    expect(line.length).toBeLessThanOrEqual(450);
    expect(Buffer.from(line.split(/[=;]/)[1] ?? '', 'base64url').toString('latin1')).not.toContain(
      'secret-path',
    );
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.body).toBe('');
  });

  test('sends at most 100 bytes of cookies once signed in, and is sent no more of them', async () => {
    const { browser, page } = await pair.signIn('alice');
    await browser.get(page.url);
    const before = browser.setCookies.length;
    const again = await browser.get(page.url);
    expect(again.status).toBe(200);
    expect(browser.setCookies.length).toBe(before);
    const header = browser.cookieHeader(pair.app.url('/'));
    expect(header).toMatch(/^session=[^;]+$/);
    expect(header.length).toBeLessThanOrEqual(100);
  });

  test('costs the provider two calls, the token and userinfo, once it is known', async () => {
    await pair.signIn('bob');
    const before = pair.provider.requests.length;
    await pair.signIn('bob');
    const calls = pair.provider.requests.slice(before).filter((line) => !/\/(auth|interaction)\b/.test(line));
    expect(calls.sort()).toEqual(['GET /me', 'POST /token']);
  });

  test('is redirected only after the store has the session (R6)', async () => {
    const browser = createBrowser();
    const callback = await pair.provider.signIn(
      browser,
      (await sendOff('/profile', browser)).location ?? '',
      'bob',
    );
    events = [];
    const answer = await browser.get(callback, { follow: false });
    events.push('redirected');
    expect([answer.status, answer.location]).toEqual([303, pair.app.url('/profile')]);
    expect(events.at(0)).toBe('session stored');
    expect(events.at(-1)).toBe('redirected');
  });

  test('reads to try again when the store does not accept the session, and has none (R6)', async () => {
    const browser = createBrowser();
    const callback = await pair.provider.signIn(
      browser,
      (await sendOff('/profile', browser)).location ?? '',
      'bob',
    );
    storeRefuses = true;
    const answer = await browser.get(callback, { follow: false }).finally(() => {
      storeRefuses = false;
    });
    expect(answer.status).toBe(503);
    expect(answer.location).toBeUndefined();
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(requestIdOn(answer), answer.body).not.toBe('');
    expect(browser.cookie('session')).toBeUndefined();
    expect((await sendOff('/profile', browser)).status).toBe(302);
  });

  test('who cancels reads so, and the button starts again for the same page', async () => {
    const { browser, page } = await pair.signIn('carol', '/profile?tab=7');
    expect([page.status, headingOf(page)]).toEqual([403, "Your sign-in wasn't completed"]);
    expect(page.body).toContain('/auth/login?returnTo=%2Fprofile%3Ftab%3D7');
    const { page: landed } = await pair.signIn('bob', '/auth/login?returnTo=%2Fprofile%3Ftab%3D7', browser);
    expect([landed.status, landed.url]).toEqual([200, pair.app.url('/profile?tab=7')]);
  });

  const noPersons: [what: string, headers: Record<string, string>, method?: string][] = [
    ['an image', { 'Sec-Fetch-Dest': 'image', 'Sec-Fetch-Mode': 'no-cors' }],
    ['a fetch', { 'Sec-Fetch-Dest': 'empty', 'Sec-Fetch-Mode': 'cors' }],
    ['a frame', { 'Sec-Fetch-Dest': 'iframe' }],
    ['a prefetch', { 'Sec-Purpose': 'prefetch' }],
    ['a HEAD', {}, 'HEAD'],
  ];
  test.each(noPersons)('is a person: %s starts none at /auth/login', async (...given) => {
    const [, headers, method = 'GET'] = given;
    const started = pair.app.events('sign_in.started').length;
    const { browser } = await pair.signIn('bob');
    for (const visitor of [createBrowser(), browser]) {
      const visit = { headers, follow: false };
      const page = await visitor.request(
        method,
        pair.app.url('/auth/login?renew=1&returnTo=/profile'),
        visit,
      );
      expect([page.status, page.location, page.headers.getSetCookie()]).toEqual([401, undefined, []]);
    }
    expect(pair.app.events('sign_in.started').length).toBe(started + 1);
  });

  test('who is signed in already and asks to sign in just goes on', async () => {
    const { browser } = await pair.signIn('bob');
    const page = await browser.get(pair.app.url('/auth/login?returnTo=/sessions'), { follow: false });
    expect([page.status, page.location]).toEqual([302, pair.app.url('/sessions')]);
  });
});

describe('a session id (R5)', () => {
  test('that an attacker planted is never adopted', async () => {
    const browser = createBrowser();
    browser.setCookie(pair.app.origin, 'session=s%3Aplanted-by-somebody.c2lnbmF0dXJl; Path=/');
    const { page } = await pair.signIn('alice', '/profile', browser);
    expect(page.status).toBe(200);
    expect(browser.cookie('session')).not.toContain('planted');
    const attacker = createBrowser();
    attacker.setCookie(pair.app.origin, 'session=s%3Aplanted-by-somebody.c2lnbmF0dXJl; Path=/');
    expect((await sendOff('/profile', attacker)).status).toBe(302);
  });

  test('that lives, but was signed with another secret, is nobody', async () => {
    const { browser } = await pair.signIn('alice');
    const [id = ''] = decodeURIComponent(browser.cookie('session') ?? '')
      .slice(2)
      .split('.');
    const signature = createHmac('sha256', 'a secret that is not ours')
      .update(id)
      .digest('base64')
      .replace(/=+$/, '');
    const thief = createBrowser();
    thief.setCookie(pair.app.origin, `session=${encodeURIComponent(`s:${id}.${signature}`)}; Path=/`);
    const page = await sendOff('/profile', thief);
    expect([page.status, new URL(page.location ?? '').origin]).toEqual([
      302,
      new URL(pair.provider.issuer).origin,
    ]);
  });

  test('of a session that has ended is not taken up again by the next sign-in', async () => {
    const { browser, page } = await pair.signIn('alice');
    const old = browser.cookie('session') ?? '';
    await browser.submit(page);
    browser.setCookie(pair.app.origin, `session=${old}; Path=/`);
    const sentOff = await browser.get(pair.app.url('/auth/login?returnTo=/profile'), { follow: false });
    expect((await pair.goOn(browser, sentOff, 'alice')).status).toBe(200);
    expect(browser.cookie('session')).not.toBe(old);
    const replay = createBrowser();
    replay.setCookie(pair.app.origin, `session=${old}; Path=/`);
    expect((await sendOff('/profile', replay)).location).toMatch(/\/signed-out\?returnTo=%2Fprofile$/);
  });

  test('changes at each sign-in, and the one before is dead', async () => {
    const { browser } = await pair.signIn('alice');
    const first = browser.cookie('session') ?? '';
    const twin = createBrowser();
    twin.setCookie(pair.app.origin, `session=${first}; Path=/`);
    // Another tab of this browser had begun a sign-in before.
    const early = createBrowser();
    const sentOff = await sendOff('/profile', early);
    for (const { name, value } of early.cookies)
      browser.setCookie(pair.app.origin, `${name}=${value}; Path=/`);
    expect((await twin.get(pair.app.url('/profile'))).status).toBe(200);
    expect((await pair.goOn(browser, sentOff, 'alice')).status).toBe(200);
    expect(browser.cookie('session')).not.toBe(first);
    expect((await twin.get(pair.app.url('/profile'), { follow: false })).status).toBe(302);
    expect(pair.app.events('sign_in.succeeded').length).toBeGreaterThan(1);
  });
});

describe('users (R8)', () => {
  test('with one email address are still two: neither sees the sessions of the other', async () => {
    const shared = { name: 'Sam', email: 'sam@example.com', email_verified: true };
    const twins = await startPair({
      accounts: [
        { sub: 'sam-1', purpose: '', claims: shared },
        { sub: 'sam-2', purpose: '', claims: shared },
      ],
    });
    await twins.signIn('sam-1', '/sessions');
    await twins.signIn('sam-1', '/sessions');
    const { page } = await twins.signIn('sam-2', '/sessions');
    expect(page.status).toBe(200);
    expect(page.body.match(/name="handle"/g) ?? []).toHaveLength(0);
    const { page: mine } = await twins.signIn('sam-1', '/sessions');
    expect(mine.body.match(/name="handle"/g) ?? []).toHaveLength(2);
    await twins.stop();
  });
});

describe('a provider that is down at the start (R21)', () => {
  test('does not stop the app; signing in says so, and works as soon as the provider is there', async () => {
    const [port, providerPort] = [await freePort(), await freePort()];
    const app = await startApp(
      {
        OIDC_ISSUER: `http://localhost:${providerPort}`,
        OIDC_CLIENT_ID: clientId,
        OIDC_CLIENT_SECRET: clientSecret,
      },
      port,
    );
    const browser = createBrowser();
    expect((await browser.get(app.url('/'))).status).toBe(200);
    expect((await browser.get(app.url('/readyz'))).status).toBe(503);
    const away = await browser.get(app.url('/profile'));
    expect([away.status, headingOf(away)]).toEqual([
      503,
      expect.stringMatching(/^We can't reach [\w.]+:\d+$/),
    ]);
    expect(away.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(away.body).toContain('/auth/login?returnTo=%2Fprofile');
    expect(browser.cookies, 'no sign-in is on its way').toEqual([]);
    expect(app.events('provider.lost')).toHaveLength(1);

    const provider = await startIdentityProvider({
      port: providerPort,
      redirectOrigin: `http://127.0.0.1:${port}`,
    });
    const sentOff = await browser.get(app.url('/profile'), { follow: false });
    const page = await browser.get(await provider.signIn(browser, sentOff.location ?? '', 'alice'));
    expect([page.status, page.url]).toEqual([200, app.url('/profile')]);
    expect(app.events('provider.found')).toHaveLength(1);
    expect((await browser.get(app.url('/readyz'))).status).toBe(200);

    // It leaves again: who is signed in stays served, and the copy of its metadata still sends people there.
    await provider.stop();
    expect((await browser.get(app.url('/profile'))).status).toBe(200);
    expect((await browser.get(app.url('/readyz'))).status).toBe(200);
    await app.stop();
  });
});

describeWithRedis('an anonymous visit', () => {
  let redis: RedisServer;
  let withRedis: Pair;
  beforeAll(async () => {
    redis = await startRedis();
    withRedis = await startPair({ env: { REDIS_URL: redis.url, OIDC_PAR: 'off' } });
  });
  afterAll(async () => {
    await withRedis?.stop();
    await redis?.stop();
  });

  test('writes nothing on the server: 1,000 of them leave Redis as it was', async () => {
    await withRedis.signIn('alice');
    const before = await redis.run('DBSIZE');
    const paths = ['/', '/profile', '/sessions', '/signed-out', '/nowhere'];
    const { url } = withRedis.app;
    const seen = await redis.monitor(async () => {
      for (let batch = 0; batch < 20; batch++) {
        const visits = Array.from({ length: 50 }, (_, i) =>
          createBrowser().get(url(paths[i % paths.length] ?? '/'), { follow: false }),
        );
        const statuses = new Set((await Promise.all(visits)).map(({ status }) => status));
        expect([...statuses].sort()).toEqual([200, 302, 404]);
      }
    });
    expect(await redis.run('DBSIZE')).toBe(before);
    expect(seen.filter((line) => !/^"PING"/i.test(line))).toEqual([]);
  });
});
