import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleAccounts } from '../dev/accounts.ts';
import { requireAuth } from '../guard/require-auth.ts';
import { sessionHash } from '../log/index.ts';
import { getAccessToken } from '../tokens/access-token.ts';
import type { TestApp } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import {
  copyOf,
  createGate,
  type Instances,
  recordsIn,
  startInstances,
  statusOf,
  textOf,
} from './helpers/instances.ts';
import { withPair } from './helpers/misbehaving-sign-in.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { describeWithRedis } from './helpers/redis-server.ts';

const host = (pair: Pair) => new URL(pair.provider.issuer).host;

/** The session's id, as the cookie holds it before its signature. */
const sessionIdIn = (cookie = '') => decodeURIComponent(cookie).slice(2).split('.')[0] ?? '';

/** What the page says of this site, of the access to the account, and of the provider. */
const all = ['Ended', 'Revoked', 'Ended'];

describe('POST /auth/logout', () => {
  let pair: Pair;
  let app: TestApp;
  const revocation = createGate();

  beforeAll(async () => {
    const allowedPolicy = async () => {
      await revocation.pass();
      return true;
    };
    pair = await startPair({ overrides: { features: { revocation: { enabled: true, allowedPolicy } } } });
    app = pair.app;
  });
  afterAll(() => pair?.stop());

  test('sends the browser to the end_session_endpoint with all it needs there', async () => {
    const { browser, page } = await pair.signIn('alice');
    const left = await browser.submit(page, {}, { follow: false });
    expect(left.status).toBe(200);
    const { origin, pathname, searchParams } = new URL(left.location ?? '');
    expect(origin + pathname).toBe(`${pair.provider.issuer}/session/end`);
    expect([...searchParams.keys()].sort()).toEqual([
      'client_id',
      'id_token_hint',
      'post_logout_redirect_uri',
      'state',
    ]);
    expect(searchParams.get('client_id')).toBe(pair.provider.clientId);
    expect(searchParams.get('post_logout_redirect_uri')).toBe(app.url('/signed-out'));
    expect(searchParams.get('state')).toMatch(/^[\w-]{22}$/);
    expect(decodeJwt(searchParams.get('id_token_hint') ?? '')).toMatchObject({
      iss: pair.provider.issuer,
      sub: 'alice',
    });
  });

  test('comes back to a page that says what has ended: everything', async () => {
    const sessionsAtProvider = () => pair.provider.listSessions().length;
    const before = sessionsAtProvider();
    const { browser, page } = await pair.signIn('alice');
    expect(sessionsAtProvider()).toBe(before + 1);
    const back = await browser.submit(page);
    expect(back.url).toMatch(`${app.url('/signed-out')}?state=`);
    expect(textOf(back)).toMatch(/^You've signed out This site Ended/);
    expect(back.body.match(/<strong>(.*?)<\/strong>/g)).toEqual(
      all.map((state) => `<strong>${state}</strong>`),
    );
    expect(textOf(back)).not.toContain('may still be');
    expect(sessionsAtProvider()).toBe(before);
    expect((await browser.get(app.url('/profile'), { follow: false })).location).toMatch(
      pair.provider.issuer,
    );
  });

  test('forgets the browser: cookie gone, storage cleared, nothing kept', async () => {
    const { browser, page } = await pair.signIn('alice');
    const left = await browser.submit(page, {}, { follow: false });
    expect(left.headers.get('clear-site-data')).toBe('"storage"');
    expect(left.headers.get('cache-control')).toBe('no-store');
    expect(browser.cookie('session')).toBeUndefined();
    const farewell = left.headers.getSetCookie().find((line) => line.startsWith('signed-out='));
    expect(farewell).toMatch(/; Path=\/;.*HttpOnly; SameSite=Lax/);
    expect(farewell).not.toContain(decodeURIComponent(left.location ?? '').split('state=')[1]);
  });

  test('a copy of the cookie is worth nothing afterwards', async () => {
    const { browser, page } = await pair.signIn('alice');
    const thief = copyOf(browser);
    expect(await statusOf(thief, app)).toBe(200);
    await browser.submit(page);
    expect(await statusOf(thief, app)).toBe(401);
    const asked = await thief.get(app.url('/profile'), { follow: false });
    expect(asked.status).toBe(302);
    expect(asked.body).toBe('');
  });

  test('ends the session first; the refresh token is revoked after it', async () => {
    const { browser, page } = await pair.signIn('alice');
    const thief = copyOf(browser);
    const { arrived } = revocation.close();
    const leaving = browser.submit(page, {}, { follow: false });
    await arrived;
    expect(await statusOf(thief, app)).toBe(401);
    revocation.open();
    expect((await leaving).status).toBe(200);
    expect(pair.provider.requests.at(-1)).toBe('POST /token/revocation');
    expect(app.lines.filter(({ msg }) => msg.includes('could not be revoked'))).toEqual([]);
  });

  test('leaves one audit event, with the user and a hash of the session', async () => {
    const { browser, page } = await pair.signIn('bob');
    const cookie = browser.cookie('session');
    const before = app.events('session.ended').length;
    await browser.submit(page);
    expect(app.events('sign_out').at(-1)).toMatchObject({
      iss: pair.provider.issuer,
      sub: 'bob',
      session: sessionHash(sessionIdIn(cookie)),
      request_id: expect.any(String),
    });
    expect(app.events('session.ended')).toHaveLength(before);
    expect(JSON.stringify(app.lines)).not.toContain(sessionIdIn(cookie));
  });

  test.each([
    ['wrong', '?state=somebody-else'],
    ['missing', ''],
    ['given twice', '?state=a&state=b'],
  ])('a state that comes back %s is logged, and the page shows anyway', async (_how, query) => {
    const { browser, page } = await pair.signIn('alice');
    const before = app.lines.length;
    await browser.submit(page, {}, { follow: false });
    const back = await browser.get(app.url(`/signed-out${query}`));
    expect(back.status).toBe(200);
    expect(textOf(back)).toContain(`You may still be signed in at ${host(pair)}.`);
    expect(textOf(back)).toContain(`Your sign-in at ${host(pair)} Unknown`);
    expect(back.body).not.toContain('somebody-else');
    const told = app.lines.slice(before).filter(({ msg }) => /state .* wrong or missing/.test(msg));
    expect(told).toHaveLength(1);
    expect(JSON.stringify(told)).not.toContain('somebody-else');
  });

  test('by somebody who is not signed in leads to /signed-out, and asks nobody', async () => {
    const browser = createBrowser();
    const calls = pair.provider.requests.length;
    const left = await browser.post(app.url('/auth/logout'), {}, { follow: false });
    expect([left.status, left.location]).toEqual([303, app.url('/signed-out')]);
    expect(textOf(await browser.get(left.location ?? ''))).toContain("You're not signed in");
    expect(pair.provider.requests).toHaveLength(calls);
  });

  test('by somebody whose session has ended meanwhile leads to /signed-out, which tells how', async () => {
    const { browser, page } = await pair.signIn('alice');
    await pair.provider.sendLogoutToken(pair.provider.clientId, { sub: 'alice' });
    const left = await browser.submit(page, {}, { follow: false });
    expect([left.status, left.location]).toEqual([303, app.url('/signed-out')]);
    const told = textOf(await browser.get(left.location ?? ''));
    expect(told).toMatch(/[\w.]+:\d+ ended your session\./);
    expect(told).not.toContain("You've signed out");
  });

  test('that another site posts ends nothing', async () => {
    const { browser } = await pair.signIn('alice');
    for (const headers of [{ 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }]) {
      const refused = await browser.post(app.url('/auth/logout'), {}, { follow: false, headers });
      expect(refused.status).toBe(403);
    }
    expect(await statusOf(browser, app)).toBe(200);
  });

  test('GET asks with a page and a button, and ends nothing', async () => {
    const { browser } = await pair.signIn('alice');
    const before = app.events('sign_out').length;
    const question = await browser.get(app.url('/auth/logout'));
    expect(question.status).toBe(200);
    expect(textOf(question)).toContain('Sign out?');
    expect(question.headers.get('cache-control')).toBe('no-store');
    expect(await statusOf(browser, app)).toBe(200);
    expect(app.events('sign_out')).toHaveLength(before);

    const back = await browser.submit(question);
    expect(textOf(back)).toContain("You've signed out");
    expect(app.events('sign_out')).toHaveLength(before + 1);
    const asNobody = await browser.get(app.url('/auth/logout'), { follow: false });
    expect([asNobody.status, asNobody.location]).toEqual([303, app.url('/signed-out')]);
  });
});

describe.concurrent('where the provider cannot end its own session, the page says so', () => {
  async function signOut({ app, signIn, ...pair }: Pair, before: () => unknown = () => {}) {
    const { browser, page } = await signIn('alice');
    await before();
    const left = await browser.submit(page, {}, { follow: false });
    expect([left.status, left.location]).toEqual([303, app.url('/signed-out')]);
    const told = textOf(await browser.get(left.location ?? ''));
    expect(told).toContain(`You may still be signed in at ${new URL(pair.provider.issuer).host}.`);
    expect(told).toMatch(/Your sign-in at \S+ Still signed in/);
    expect(await statusOf(browser, app)).toBe(401);
  }

  test('it has no end_session_endpoint', async () => {
    const pair = await startPair({ overrides: { features: { rpInitiatedLogout: { enabled: false } } } });
    await signOut(pair);
    await pair.stop();
  });

  test('it has no revocation_endpoint: the access is not called revoked', async () => {
    const pair = await startPair({ overrides: { features: { revocation: { enabled: false } } } });
    const { browser, page } = await pair.signIn('alice');
    const told = textOf(await browser.submit(page));
    expect(told).toContain("This app's access to your account Ended");
    expect(told).not.toContain('Revoked');
    await pair.stop();
  });

  test('it is down: nobody is sent to an address that hangs', async () => {
    const pair = await startPair();
    const started = Date.now();
    await signOut(pair, () => pair.provider.stop());
    expect(Date.now() - started).toBeLessThan(5_000);
    await pair.app.stop();
  });

  const failures = [{ status: 500 }, { status: 400, json: { error: 'unsupported_token_type' } }];
  for (const revocation of [...failures, { manner: 'silent' as const }]) {
    test(`a revocation that answers ${JSON.stringify(revocation)} is logged, waited for 2 s at most, and not called one`, () =>
      withPair({}, async ({ op, app, browser, open }) => {
        op.next({ revocation });
        const page = await open('/profile');
        const started = Date.now();
        const back = await browser.submit(page);
        expect(Date.now() - started).toBeLessThan(3_500);
        expect(op.calls.revocation).toBe(1);
        expect(op.latest.revocation?.get('token_type_hint')).toBe('refresh_token');
        const states = back.body.match(/<strong>(.*?)<\/strong>/g);
        expect(states).toEqual(['Ended', 'Ended', 'Ended'].map((state) => `<strong>${state}</strong>`));
        const logged = app.lines.filter(({ msg }) => msg === 'the refresh token could not be revoked');
        expect(logged).toHaveLength(1);
      }));
  }
});

describeWithRedis('with two instances on one Redis', () => {
  let all: Instances;
  const handler = createGate();
  const tokenEndpoint = createGate();

  beforeAll(async () => {
    all = await startInstances({
      // Short-lived, so that each use of the access token refreshes it.
      accounts: sampleAccounts.map((account) => ({ ...account, accessTokenSeconds: 1 })),
      overrides: { extraTokenClaims: () => tokenEndpoint.pass() },
      routes: {
        mount(app) {
          app.get('/slow', requireAuth(), async (req, res) => {
            await handler.pass();
            Object.assign(req.session, { note: 'written late' });
            res.send('done');
          });
          app.get('/token', requireAuth(), async (req, res) => {
            res.send((await getAccessToken(req)).slice(0, 0));
          });
        },
      },
    });
  });
  afterAll(() => all?.stop());

  test('whoever signs out at one is signed out at the other, and nothing is left in Redis', async () => {
    const { browser, page } = await all.signIn('alice');
    const thief = copyOf(browser);
    expect(await statusOf(thief, all.two)).toBe(200);
    expect((await recordsIn(all.redis)).map((key) => key.split(':')[1]).sort()).toEqual([
      'owner',
      'owner',
      'session',
      'tokens',
    ]);
    const left = await browser.post(all.two.url('/auth/logout'), {}, { follow: false });
    expect(left.location).toMatch(`${all.provider.issuer}/session/end`);
    expect(await statusOf(thief, all.one)).toBe(401);
    expect(await statusOf(thief, all.two)).toBe(401);
    expect(await recordsIn(all.redis)).toEqual([]);
    expect(page.status).toBe(200);
  });

  test('a request that still runs cannot write the session back (R10)', async () => {
    const { browser, page } = await all.signIn('alice');
    const slow = copyOf(browser);
    const { arrived } = handler.close();
    const answer = slow.get(all.two.url('/slow'), { follow: false });
    await arrived;
    await browser.submit(page, {}, { follow: false });
    handler.open();
    expect((await answer).body).toBe('done');
    expect(await recordsIn(all.redis)).toEqual([]);
    expect(await statusOf(slow, all.one)).toBe(401);
    expect(await statusOf(slow, all.two)).toBe(401);
  });

  test('a refresh that still runs cannot put tokens back (R10, R13)', async () => {
    const { browser, page } = await all.signIn('bob');
    const slow = copyOf(browser);
    const { arrived } = tokenEndpoint.close();
    const answer = slow.get(all.two.url('/token'), { follow: false });
    await arrived;
    await browser.submit(page, {}, { follow: false });
    tokenEndpoint.open();
    expect((await answer).status).toBe(401);
    expect(await recordsIn(all.redis)).toEqual([]);
    expect(await statusOf(slow, all.one)).toBe(401);
  });
});
