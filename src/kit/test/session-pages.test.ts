import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { TestApp } from './helpers/app.ts';
import { type Browser, createBrowser, markOn, type Page } from './helpers/browser.ts';
import { type Instances, pressIn, startInstances, statusOf, textOf } from './helpers/instances.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';
import { describeWithRedis } from './helpers/redis-server.ts';

const phone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1';
const minute = 60_000;

const handlesOn = (page: Page) =>
  [...page.body.matchAll(/name="handle" value="([^"]+)"/g)].map(([, handle]) => handle ?? '');

describe('/sessions', () => {
  let pair: Pair;
  let app: TestApp;
  let laptop: Browser;
  let mobile: Browser;

  beforeAll(async () => {
    // The request for a sign-in is then seen in the address.
    pair = await startPair({ env: { OIDC_PAR: 'off' } });
    app = pair.app;
  });
  afterAll(() => pair?.stop());

  // One account is enough: each test begins with its sessions ended.
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await pair.provider.sendLogoutToken(pair.provider.clientId, { sub: 'alice' });
    laptop = (await pair.signIn('alice')).browser;
    mobile = createBrowser({ headers: { 'User-Agent': phone } });
    await pair.signIn('alice', '/profile', mobile);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const pass = (minutes: number) => vi.setSystemTime(Date.now() + minutes * minute);
  const open = (browser: Browser) => browser.get(app.url('/sessions'));
  const saidOn = ({ body }: Page) => /<p class="said"[^>]*>([^<]*)</.exec(body)?.[1];

  test('shows where the user is signed in, in plain words, this one first and marked', async () => {
    const seen = textOf(await open(laptop));
    expect(seen).toMatch(/Firefox on Linux This browser .* Safari on iPhone Signed in .* Last seen just now/);
    expect(textOf(await open(mobile))).toMatch(/Safari on iPhone This browser .* Firefox on Linux Signed in/);
  });

  test('shows nothing of other users, no session id and no cookie', async () => {
    const bob = (await pair.signIn('bob')).browser;
    expect(handlesOn(await open(bob))).toEqual([]);
    const page = await open(laptop);
    expect(handlesOn(page)).toHaveLength(1);
    for (const browser of [laptop, mobile]) {
      const value = decodeURIComponent(browser.cookie('session') ?? '');
      const id = value.slice(2).split('.')[0] ?? '';
      expect(id.length).toBeGreaterThan(20);
      expect(page.body).not.toContain(id);
    }
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  test('tells when another was last seen, and looking does not keep that one alive', async () => {
    pass(7);
    expect(textOf(await open(laptop))).toContain('Last seen 7 minutes ago');
    pass(20);
    expect(textOf(await open(laptop))).toContain('Last seen 27 minutes ago');
    // Half an hour without a request of its own: looked at twice, and gone all the same.
    pass(4);
    expect(textOf(await open(laptop))).not.toContain('Safari');
    expect(await statusOf(mobile, app)).toBe(401);
    expect(await statusOf(laptop, app)).toBe(200);
  });

  test('ends one other session by a form, without script', async () => {
    const third = (await pair.signIn('alice', '/profile', createBrowser())).browser;
    const page = await open(laptop);
    const nth = textOf(page).indexOf('Safari') < textOf(page).lastIndexOf('Firefox') ? 0 : 1;
    const after = await pressIn(laptop, page, '/sessions/end', {}, nth);
    expect([after.status, after.url]).toEqual([200, app.url('/sessions')]);
    expect(textOf(after)).not.toContain('Safari');
    expect(saidOn(after)).toBe('Safari on iPhone has been signed out.');
    expect(await statusOf(mobile, app)).toBe(401);
    expect(await statusOf(third, app)).toBe(200);
    expect(await statusOf(laptop, app)).toBe(200);
    expect(app.events('session.ended').at(-1)).toMatchObject({ sub: 'alice', reason: 'other-device' });
    expect(textOf(await mobile.get(app.url('/profile')))).toContain(
      'You signed this browser out from another device.',
    );
  });

  test('ends all others, and this one stays', async () => {
    await pair.signIn('alice', '/profile', createBrowser());
    const page = await open(laptop);
    const after = await pressIn(laptop, page, '/sessions/end-others');
    expect(after.url).toBe(app.url('/sessions'));
    expect(handlesOn(after)).toEqual([]);
    expect(after.body).not.toContain('/sessions/end-others');
    expect(saidOn(after)).toBe('You signed out 2 other sessions.');
    // Said once. From a page that was left open there is no more to do.
    expect(saidOn(await open(laptop))).toBeUndefined();
    const again = await pressIn(laptop, page, '/sessions/end-others');
    expect([again.status, saidOn(again)]).toEqual([200, 'Your other sessions had already ended.']);
    expect(await statusOf(laptop, app)).toBe(200);
    expect(await statusOf(mobile, app)).toBe(401);
  });

  test('ends all, this one by an ordinary sign-out at the provider', async () => {
    const page = await open(laptop);
    const left = await pressIn(laptop, page, '/sessions/end-all', { follow: false });
    expect(left.status).toBe(200);
    expect(left.location).toMatch(`${pair.provider.issuer}/session/end?`);
    expect(left.headers.get('clear-site-data')).toBe('"storage"');
    const farewell = textOf(await laptop.get(left.location ?? ''));
    expect(farewell).toMatch(/^You've signed out .*This site Ended Your 1 other session Ended This app's/);
    expect(await statusOf(laptop, app)).toBe(401);
    expect(await statusOf(mobile, app)).toBe(401);
  });

  test('one that has ended meanwhile is said to have, and one other is not "sessions"', async () => {
    await pressIn(mobile, await open(mobile), '/sessions/end-others');
    const elsewhere = (await pair.signIn('alice')).browser;
    const left = await open(elsewhere);
    await pressIn(mobile, await open(mobile), '/auth/logout', { follow: false });
    const after = await pressIn(elsewhere, left, '/sessions/end');
    expect(saidOn(after)).toBe('That session had already ended.');
    await pair.signIn('alice', '/profile', mobile);
    const one = await pressIn(elsewhere, await open(elsewhere), '/sessions/end-others');
    expect(saidOn(one)).toBe('You signed out 1 other session.');
  });

  test('a handle that is made up, or of somebody else, or this one, ends nothing', async () => {
    const bob = (await pair.signIn('bob')).browser;
    const [ofLaptop = ''] = handlesOn(await open(mobile));
    for (const [browser, handle] of [
      [bob, ofLaptop],
      [laptop, ofLaptop],
      [laptop, 'made-up'],
      [laptop, ''],
    ] as const) {
      const form = { ...markOn(await open(browser)), handle };
      const after = await browser.post(app.url('/sessions/end'), form);
      expect([after.status, after.url]).toEqual([200, app.url('/sessions')]);
    }
    const twice = await laptop.post(app.url('/sessions/end'), [
      ...Object.entries(markOn(await open(laptop))),
      ['handle', 'a'],
      ['handle', 'b'],
    ]);
    expect(twice.status).toBe(200);
    for (const browser of [bob, laptop, mobile]) expect(await statusOf(browser, app)).toBe(200);
  });

  test('another site ends nothing, nor does a link', async () => {
    const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://other.example.com' };
    for (const action of ['end', 'end-others', 'end-all']) {
      const [handle = ''] = handlesOn(await open(laptop));
      const refused = await laptop.post(app.url(`/sessions/${action}`), { handle }, { headers });
      expect(refused.status).toBe(403);
      expect((await laptop.get(app.url(`/sessions/${action}?handle=${handle}`))).status).toBe(405);
    }
    expect(await statusOf(mobile, app)).toBe(200);
    expect(await statusOf(laptop, app)).toBe(200);
  });

  test('nobody who is not signed in ends or sees anything', async () => {
    const nobody = createBrowser();
    expect((await nobody.get(app.url('/sessions'), { follow: false })).status).toBe(302);
    for (const action of ['end', 'end-others', 'end-all']) {
      expect((await nobody.post(app.url(`/sessions/${action}`))).status).toBe(401);
    }
  });

  describe('asks for a fresh sign-in when the last is more than ten minutes old (ASVS 7.5.2)', () => {
    test.each(['/sessions/end', '/sessions/end-others', '/sessions/end-all'])('before %s', async (action) => {
      pass(11);
      const sentOff = await pressIn(laptop, await open(laptop), action, { follow: false });
      expect(sentOff.status).toBe(200);
      const asked = new URL(sentOff.location ?? '');
      expect(asked.origin).toBe(pair.provider.issuer);
      expect(asked.searchParams.get('max_age')).toBe('600');
      expect(await statusOf(mobile, app)).toBe(200);

      // The provider asks, although the browser is signed in there; then the user is back where the button is.
      const asking = () =>
        pair.provider.requests.filter((line) => line.startsWith('POST /interaction/')).length;
      const before = asking();
      const back = await pair.goOn(laptop, sentOff, 'alice');
      expect(asking()).toBe(before + 1);
      expect([back.status, back.url]).toEqual([200, app.url('/sessions')]);
      expect(await statusOf(mobile, app)).toBe(200);
      const done = await pressIn(laptop, back, action, { follow: false });
      expect(done.location).not.toMatch('/auth?');
      expect(await statusOf(mobile, app)).toBe(401);
      if (action !== '/sessions/end-all') expect(saidOn(await open(laptop))).toMatch(/signed out/);
    });

    test('and not before', async () => {
      pass(9);
      const after = await pressIn(laptop, await open(laptop), '/sessions/end-others', { follow: false });
      expect(after.location).toBe(app.url('/sessions'));
      expect(await statusOf(mobile, app)).toBe(401);
    });

    test('signing out here needs none', async () => {
      pass(11);
      const left = await pressIn(laptop, await open(laptop), '/auth/logout', { follow: false });
      expect(left.location).toMatch(`${pair.provider.issuer}/session/end?`);
    });

    test('a provider that answers with an old sign-in all the same is refused', async () => {
      const { browser: grace, page } = await pair.signIn('grace');
      const other = (await pair.signIn('grace')).browser;
      const sentOff = await grace.post(app.url('/sessions/end-others'), markOn(page), { follow: false });
      const refused = await pair.goOn(grace, sentOff, 'grace');
      expect(refused.status).toBe(403);
      expect(headingOf(refused)).toBe('Please sign in again');
      expect(app.events('sign_in.failed').at(-1)).toMatchObject({ reason: 'not_fresh' });
      // What was there before still is, and may still not.
      expect(await statusOf(grace, app)).toBe(200);
      expect(await statusOf(other, app)).toBe(200);
    });
  });
});

describeWithRedis('/sessions with two instances on one Redis', () => {
  let all: Instances;

  beforeAll(async () => {
    all = await startInstances();
  });
  afterAll(() => all?.stop());

  test('a session made at one is listed at the other and ends at both, with its last use from Redis', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 8 * minute });
    const here = (await all.signIn('alice', all.one)).browser;
    const there = (await all.signIn('alice', all.two)).browser;
    vi.useRealTimers();
    // Signed in eight minutes ago; Redis says that of the thirty idle minutes twenty-five are left.
    const keys = (await all.redis.run('KEYS', 'app:session:*')) as string[];
    expect(keys).toHaveLength(2);
    for (const key of keys) await all.redis.run('EXPIRE', key, String(25 * 60));
    const later = await here.get(all.two.url('/sessions'));
    expect(textOf(later).match(/Last seen 5 minutes ago/g)).toHaveLength(1);

    const after = await pressIn(here, later, '/sessions/end');
    expect(handlesOn(after)).toEqual([]);
    for (const app of [all.one, all.two]) {
      expect(await statusOf(there, app)).toBe(401);
      expect(await statusOf(here, app)).toBe(200);
    }
  });
});
