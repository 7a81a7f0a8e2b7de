import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AppWithRoutes } from './helpers/app-with-routes.ts';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { copyOf, type Instances, pressIn, startInstances, statusOf, textOf } from './helpers/instances.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';
import { describeWithRedis } from './helpers/redis-server.ts';

const minute = 60_000;

describe('somebody whose session has ended', () => {
  let pair: Pair;
  let app: AppWithRoutes;
  let browser: Browser;
  const iss = () => pair.provider.issuer;

  beforeAll(async () => {
    const env = { SESSION_IDLE_MINUTES: '20', SESSION_MAX_HOURS: '1', API_URL: 'http://127.0.0.1:9' };
    pair = await startPair({ env, routes: {} });
    app = pair.app as AppWithRoutes;
  });
  afterAll(() => pair?.stop());

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    ({ browser } = await pair.signIn('alice'));
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const pass = (minutes: number) => vi.setSystemTime(Date.now() + minutes * minute);
  /** What this browser shows when its user opens a page. */
  const told = async (who = browser) => textOf(await who.get(app.url('/profile')));
  const mayStay = () => `You may still be signed in at ${new URL(iss()).host}.`;

  test('is explained on the way to sign in, not silently redirected, and then leads to the page asked for', async () => {
    await app.sessions.endOwner({ iss: iss(), sub: 'alice' }, 'operator');
    const sent = await browser.get(app.url('/profile?tab=2&x=%20'), { follow: false });
    expect([sent.status, sent.location]).toEqual([
      302,
      app.url('/signed-out?returnTo=%2Fprofile%3Ftab%3D2%26x%3D%20'.replace('%20', '%2520')),
    ]);
    const page = await browser.get(sent.location ?? '');
    expect(headingOf(page)).toBe('Your session has ended');
    expect(page.headers.get('cache-control')).toBe('no-store');
    const again = page.body.match(/href="(\/auth\/login[^"]*)"/)?.[1] ?? '';
    const back = await browser.get(app.url(again), { follow: false });
    const callback = await pair.provider.signIn(browser, back.location ?? '', 'alice');
    expect((await browser.get(callback)).url).toBe(app.url('/profile?tab=2&x=%20'));
    expect(await statusOf(browser, app)).toBe(200);
  });

  test('by not being used says the limit', async () => {
    pass(21);
    const text = await told();
    expect(text).toMatch(/^Your session has ended You were signed out because you were inactive for/);
    expect(text).toContain('inactive for 20 minutes');
    expect(text).toContain(mayStay());
  });

  test('is not idle while it is used', async () => {
    for (let visit = 0; visit < 2; visit++) {
      pass(19);
      expect(await statusOf(browser, app)).toBe(200);
    }
  });

  test('at its absolute end says the limit, however much it was used', async () => {
    for (let visit = 0; visit < 3; visit++) {
      pass(19);
      expect(await statusOf(browser, app)).toBe(200);
    }
    pass(4);
    const text = await told();
    expect(text).toContain('You were signed out because sessions last at most 1 hour.');
    expect(text).toContain(mayStay());
    expect(app.events('session.ended').at(-1)).toMatchObject({ sub: 'alice', reason: 'expired' });
  });

  test('from another device says so', async () => {
    const other = (await pair.signIn('alice')).browser;
    await pressIn(other, await other.get(app.url('/sessions')), '/sessions/end-others');
    const text = await told();
    expect(text).toContain('You signed this browser out from another device.');
    expect(text).toContain(mayStay());
    await pressIn(other, await other.get(app.url('/sessions')), '/auth/logout', { follow: false });
  });

  test('by the provider says so, and not that the provider still knows them', async () => {
    await pair.provider.sendLogoutToken(pair.provider.clientId, { sub: 'alice' });
    const text = await told();
    expect(text).toMatch(/[\w.]+:\d+ ended your session\./);
    expect(text).not.toContain('may still be');
  });

  test('by an operator says so', async () => {
    expect(await app.sessions.endOwner({ iss: iss(), sub: 'alice' }, 'operator')).toBeGreaterThan(0);
    expect(await told()).toContain('The people who run this site ended your session.');
  });

  test('because the account is no longer valid says so at once, in another window too', async () => {
    const heidi = (await pair.signIn('heidi')).browser;
    const otherWindow = copyOf(heidi);
    pass(1);
    const page = await heidi.get(app.url('/api-data'));
    expect(page.status).toBe(401);
    expect(headingOf(page)).toBe('Your session has ended');
    expect(textOf(page)).toMatch(/[\w.]+:\d+ didn't renew your sign-in/);
    expect(heidi.cookie('session')).toBeUndefined();
    expect(await told(otherWindow)).toMatch(/[\w.]+:\d+ didn't renew your sign-in/);
    expect(app.events('token.refresh_failed').at(-1)).toMatchObject({
      sub: 'heidi',
      reason: 'invalid_grant',
    });
    expect(app.events('session.ended').at(-1)).toMatchObject({ sub: 'heidi', reason: 'account' });
  });

  test('by signing out says so, once', async () => {
    const out = await browser.submit(await browser.get(app.url('/profile')));
    expect(textOf(out)).toMatch(/^You've signed out This site Ended/);
    expect(textOf(await browser.get(out.url))).toMatch(/^You're not signed in Sign in again/);
  });

  test('names the ending that came last, not a sign-out before it', async () => {
    // Signed out, but never came back from the provider; signed in anew; ended from elsewhere.
    await browser.submit(await browser.get(app.url('/profile')), {}, { follow: false });
    await pair.signIn('alice', '/profile', browser);
    await app.sessions.endOwner({ iss: iss(), sub: 'alice' }, 'operator');
    const text = await told();
    expect(text).toContain('The people who run this site ended your session.');
    expect(text).not.toContain("You've signed out");
  });

  test('and who asks by script or sends a form is not sent anywhere', async () => {
    await app.sessions.endOwner({ iss: iss(), sub: 'alice' }, 'operator');
    const script = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: 'application/json' };
    const answer = await browser.get(app.url('/profile'), { headers: script, follow: false });
    expect([answer.status, answer.location]).toEqual([401, undefined]);
    const form = await browser.post(app.url('/sessions/end-others'), {}, { follow: false });
    expect([form.status, form.location]).toEqual([401, undefined]);
    expect(textOf(form)).toContain('Nothing was saved yet.');
  });

  test('public pages ask nothing and tell nothing', async () => {
    await app.sessions.endOwner({ iss: iss(), sub: 'alice' }, 'operator');
    const home = await browser.get(app.url('/'), { follow: false });
    expect(home.status).toBe(200);
    expect(home.body).toContain('Sign in');
    expect(home.body).not.toContain('ended your session');
  });

  describe('/signed-out believes no query and no made-up cookie', () => {
    const nobody = /^You're not signed in Sign in again Go to the home page$/;

    test.each([
      'reason=operator',
      'why=provider&ended=all',
      'state=abc',
      'title=Hacked&text=Hacked',
      'returnTo=//other.example.com',
    ])('%s', async (query) => {
      const page = await createBrowser().get(app.url(`/signed-out?${query}`));
      expect(page.status).toBe(200);
      expect(textOf(page)).toMatch(nobody);
      expect(page.body).not.toMatch(/Hacked|other\.example/);
      expect(page.body).toContain('href="/auth/login?returnTo=%2F"');
    });

    test('a session cookie that is not ours, or of another session, tells nothing of how that one ended', async () => {
      const stolenId = decodeURIComponent(browser.cookie('session') ?? '').split('.')[0];
      await app.sessions.endOwner({ iss: iss(), sub: 'alice' }, 'operator');
      const stranger = createBrowser();
      stranger.setCookie(app.origin, `session=${encodeURIComponent(`${stolenId}.forged`)}; Path=/`);
      expect(textOf(await stranger.get(app.url('/signed-out')))).toMatch(nobody);
    });

    test('a farewell that was changed, or is no farewell', async () => {
      await browser.submit(await browser.get(app.url('/profile')), {}, { follow: false });
      const farewell = browser.cookie('signed-out') ?? '';
      expect(Buffer.from(farewell, 'base64url').toString('latin1')).not.toContain('sentToProvider');
      const changed = (farewell[30] === 'A' ? 'B' : 'A') + farewell.slice(31);
      for (const value of [farewell.slice(0, 30) + changed, '', 'abc', '{}', farewell.slice(0, 40)]) {
        const stranger = createBrowser();
        stranger.setCookie(app.origin, `signed-out=${value}; Path=/`);
        expect(textOf(await stranger.get(app.url('/signed-out')))).toMatch(nobody);
      }
    });

    test('a user who is signed in reads that, whatever the address says', async () => {
      const page = await browser.get(app.url('/signed-out?reason=provider'));
      expect(headingOf(page)).toBe("You're signed in");
      expect(await statusOf(browser, app)).toBe(200);
    });

    test.each([
      ['/profile?tab=2', '/profile?tab=2'],
      ['/sessions', '/sessions'],
      ['', '/'],
      ['//other.example.com', '/'],
      ['https://other.example.com/', '/'],
      ['/\\other.example.com', '/'],
      ['/auth/logout', '/'],
    ])('and where %s is where they wanted to be, goes on to %s', async (returnTo, path) => {
      const address = app.url(`/signed-out?${new URLSearchParams({ returnTo })}`);
      const sent = await browser.get(address, { follow: false });
      expect([sent.status, sent.location, sent.body]).toEqual([303, app.url(path), '']);
      expect(sent.headers.get('cache-control')).toBe('no-store');
      expect((await browser.get(address)).status).toBe(200);
    });

    test('a path that leads back here ends here', async () => {
      const address = app.url('/signed-out?returnTo=%2Fsigned-out%3FreturnTo%3D%2Fsigned-out');
      expect(headingOf(await browser.get(address))).toBe("You're signed in");
    });
  });
});

describeWithRedis('with two instances on one Redis', () => {
  let all: Instances;

  beforeAll(async () => {
    all = await startInstances();
  });
  afterAll(() => all?.stop());

  test('why a session ended at one is shown by the other', async () => {
    const { browser } = await all.signIn('alice', all.two);
    await all.provider.sendLogoutToken(all.provider.clientId, { sub: 'alice' });
    const text = textOf(await browser.get(all.two.url('/profile')));
    expect(text).toMatch(/[\w.]+:\d+ ended your session\./);
  });

  test('the idle end is where Redis lets the record go', async () => {
    const { browser } = await all.signIn('alice');
    const keys = (await all.redis.run('KEYS', 'app:session:*')) as string[];
    for (const key of keys) await all.redis.run('PEXPIRE', key, '1');
    await vi.waitUntil(async () => (await all.redis.run('EXISTS', ...keys)) === 0, { interval: 5 });
    expect(textOf(await browser.get(all.one.url('/profile')))).toContain('inactive for 30 minutes');
  });

  test('a store that is away is not taken for a session that has ended (R14)', async () => {
    const { browser } = await all.signIn('alice');
    await all.redis.kill();
    const page = await browser.get(all.one.url('/signed-out'));
    expect(page.status).toBe(200);
    expect(page.body).toContain('check whether you&#39;re signed in right now.');
    expect(textOf(page)).not.toMatch(/not signed in|has ended|signed out\b(?!\.)/);
    expect((await browser.get(all.one.url('/profile'), { follow: false })).status).toBe(503);
  });
});
