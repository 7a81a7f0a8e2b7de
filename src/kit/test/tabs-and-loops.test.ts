import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { type Browser, createBrowser, type Page } from './helpers/browser.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';

// Many sign-ins at once in one browser (R3), and sign-ins that go round in circles (R4).

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({
    env: { OIDC_CLOCK_TOLERANCE_SECONDS: '0' },
    routes: {
      mount: (app) => {
        // Nobody can ever be fresh enough for this.
        app.get('/always-stale', requireAuth({ maxAgeSeconds: 0 }), (_req, res) => void res.send('seen'));
      },
    },
  });
});
afterAll(() => pair?.stop());
afterEach(() => vi.useRealTimers());

const url = (path: string) => pair.app.url(path);

/** Holds the clock half a second after a full one: never fresh enough here, and never too old at the callback. */
function holdClock(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Math.floor(Date.now() / 1000) * 1000 + 500 });
}
const forms = () => pair.provider.requests.filter((line) => line.startsWith('POST /interaction')).length;
const logins = (browser: Browser) => browser.cookies.filter(({ name }) => name.startsWith('login-'));
const leave = (browser: Browser, path: string) => browser.get(url(path), { follow: false });

describe('five tabs opened at once by nobody', () => {
  test('each land on their own page, in whichever order they are finished', async () => {
    const browser = createBrowser();
    const paths = [1, 2, 3, 4, 5].map((tab) => `/profile?tab=${tab}`);
    const sent = await Promise.all(paths.map((path) => leave(browser, path)));
    expect(logins(browser)).toHaveLength(5);
    const first = forms();
    for (const index of [2, 0, 4, 1, 3]) {
      const callback = await pair.provider.signIn(browser, sent[index]?.location ?? '', 'alice');
      const page = await browser.get(callback);
      expect([page.status, page.url]).toEqual([200, url(paths[index] ?? '')]);
    }
    expect(forms() - first, 'the provider asked once').toBe(1);
    expect(logins(browser)).toEqual([]);
  });

  test('of which one is cancelled leave the others alone', async () => {
    const browser = createBrowser();
    const sent = [await leave(browser, '/profile?tab=1'), await leave(browser, '/profile?tab=2')];
    const cancelled = await pair.goOn(browser, sent[0] as (typeof sent)[0], 'carol');
    expect(cancelled.status).toBe(403);
    const page = await pair.goOn(browser, sent[1] as (typeof sent)[0], 'alice');
    expect(page.url).toBe(url('/profile?tab=2'));
  });
});

describe('a bookmarks folder that is opened at once', () => {
  /** Whoever is signed in at the provider passes it without a form, so that all tabs run at the same speed. */
  async function knownAtProvider(): Promise<Browser> {
    const { browser } = await pair.signIn('alice');
    for (const cookie of browser.cookies.filter(({ name }) => name === 'session')) {
      browser.cookies.splice(browser.cookies.indexOf(cookie), 1);
    }
    return browser;
  }

  async function openTab(browser: Browser, path: string): Promise<Page> {
    const sent = await leave(browser, path);
    const page = sent.location?.startsWith(pair.provider.issuer)
      ? await pair.goOn(browser, sent, 'alice')
      : await browser.get(sent.location ?? url(path));
    // Where another tab replaced the session of one that was on its way, that one was led by /signed-out.
    const { pathname, searchParams } = new URL(page.url);
    return pathname === '/signed-out' ? browser.get(url(searchParams.get('returnTo') ?? '')) : page;
  }

  const where = ({ status, url: address }: Page) => `${status} ${address.slice(url('').length)}`;

  test.each([1, 2, 3, 4, 5])('of five tabs: each lands on its own page (round %i)', async () => {
    const browser = await knownAtProvider();
    const paths = [1, 2, 3, 4, 5].map((tab) => `/profile?tab=${tab}`);
    const pages = await Promise.all(paths.map((path) => openTab(browser, path)));
    expect(pages.map(where)).toEqual(paths.map((path) => `200 ${path}`));
    expect(logins(browser)).toEqual([]);
  });

  test.each([1, 2, 3, 4, 5])(
    'and signs in again in each: none stands against another (round %i)',
    async () => {
      const { browser } = await pair.signIn('alice');
      const paths = [1, 2, 3, 4, 5].map((tab) => `/profile?tab=${tab}`);
      const sent = await Promise.all(
        paths.map((path) => leave(browser, `/auth/login?renew=1&returnTo=${encodeURIComponent(path)}`)),
      );
      const callbacks = await Promise.all(
        sent.map(({ location = '' }) => pair.provider.signIn(browser, location, 'alice')),
      );
      const failed = pair.app.events('sign_in.failed').length;
      // All of them bring the same session along.
      const pages = await Promise.all(callbacks.map((callback) => browser.get(callback)));
      expect(pages.map(where)).toEqual(paths.map((path) => `200 ${path}`));
      expect(pair.app.events('sign_in.failed').slice(failed)).toEqual([]);
    },
  );

  test('of twelve tabs, one after the other: the last five land on their own page, the others at home', async () => {
    const browser = await knownAtProvider();
    const paths = Array.from({ length: 12 }, (_, tab) => `/profile?tab=${tab + 1}`);
    const callbacks = [];
    for (const path of paths) {
      const { location = '' } = await leave(browser, path);
      callbacks.push(await pair.provider.signIn(browser, location, 'alice'));
      expect(logins(browser).length).toBeLessThanOrEqual(5);
    }
    const early = await browser.get(callbacks[0] as string);
    expect([early.status, headingOf(early)]).toEqual([400, 'This sign-in has expired']);
    expect(early.body.match(/<main[\s\S]*<\/main>/)?.[0].match(/class="button/g)).toHaveLength(1);
    expect(early.body).not.toContain('blocks cookies');

    // The others come back at the same moment, the newest first.
    const pages = [];
    pages.push(await browser.get(callbacks[11] as string));
    pages.push(...(await Promise.all(callbacks.slice(0, 11).map((callback) => browser.get(callback)))));
    const own = paths.slice(7, 11).map((path) => `200 ${path}`);
    expect(pages.map(where)).toEqual([`200 ${paths[11]}`, ...Array(7).fill('200 /'), ...own]);
  });

  test('of twelve tabs in a race: each lands on its own page, at home, or on a page with one button', async () => {
    const browser = await knownAtProvider();
    const paths = Array.from({ length: 12 }, (_, tab) => `/profile?tab=${tab + 1}`);
    const pages = await Promise.all(paths.map((path) => openTab(browser, path)));
    for (const [tab, page] of pages.entries()) {
      expect([`200 ${paths[tab]}`, '200 /', '400 /auth/callback'], page.body).toContain(
        where(page).replace(/(callback)\?.*/, '$1'),
      );
    }
    expect((await browser.get(url('/profile'))).status).toBe(200);
  });
});

describe('a sixth sign-in on its way', () => {
  test('takes the place of the oldest, and no other', async () => {
    const browser = createBrowser();
    const sent = [];
    for (let tab = 1; tab <= 6; tab++) sent.push(await leave(browser, `/profile?tab=${tab}`));
    expect(logins(browser)).toHaveLength(5);
    const oldest = await pair.provider.signIn(browser, sent[0]?.location ?? '', 'alice');
    expect((await browser.get(oldest)).status).toBe(400);
    for (let tab = 2; tab <= 6; tab++) {
      const callback = await pair.provider.signIn(browser, sent[tab - 1]?.location ?? '', 'alice');
      expect((await browser.get(callback)).url).toBe(url(`/profile?tab=${tab}`));
    }
  });

  test('leaves no room for cookies that only look like ours', async () => {
    const browser = createBrowser();
    for (let i = 0; i < 9; i++)
      browser.setCookie(pair.app.origin, `login-zzzzzzzz${i}AAAA=${'x'.repeat(900)}; Path=/`);
    browser.setCookie(pair.app.origin, 'login-=x; Path=/');
    const { page } = await pair.signIn('alice', '/profile', browser);
    expect(page.status).toBe(200);
    expect(browser.cookieHeader(url('/')).length).toBeLessThan(6_000);
  });

  test('is no matter for cookies whose names hold what ours never do', async () => {
    for (const name of ['login-"x"', 'login-(x)', 'login-a,b', 'login-@', 'login-\xe9', 'login-a b']) {
      const headers = { Cookie: `${name}=x` };
      for (const path of ['/profile', '/auth/login']) {
        const page = await createBrowser({ headers }).get(url(path), { follow: false });
        expect([page.status, page.headers.getSetCookie().length], `${name} ${path}`).toEqual([302, 1]);
      }
    }
  });

  test('with long paths keeps the cookies of a browser under 8 KB', async () => {
    const browser = createBrowser();
    for (let tab = 1; tab <= 8; tab++) {
      await leave(browser, `/profile?tab=${tab}&filter=${'x'.repeat(1_900)}`);
      expect(browser.cookieHeader(url('/')).length).toBeLessThan(8_000);
    }
    const last = await leave(browser, '/profile?tab=9');
    expect((await pair.goOn(browser, last, 'alice')).url).toBe(url('/profile?tab=9'));
  });
});

describe('twenty tabs on a session that has ended', () => {
  test('each land on their own address, with one form at the provider and small request headers', async () => {
    const { browser, page } = await pair.signIn('alice');
    const dead = browser.cookie('session') ?? '';
    await browser.submit(page);
    browser.setCookie(pair.app.origin, `session=${dead}; Path=/`);

    const paths = Array.from({ length: 20 }, (_, tab) => `/profile?tab=${tab}`);
    const told = await Promise.all(paths.map((path) => browser.get(url(path))));
    const again = told.map(({ body }) => body.match(/href="(\/auth\/login[^"]*)"/)?.[1] ?? '');
    expect(told.map(headingOf)).toEqual(Array(20).fill('Your session has ended'));
    expect(logins(browser), 'nothing is on its way yet').toEqual([]);

    const before = forms();
    // Somebody signs in by one of them; the others go on from where they are.
    const { page: first } = await pair.signIn('alice', again[7], browser);
    expect(first.url).toBe(url('/profile?tab=7'));
    const landed = await Promise.all(again.map((path) => browser.get(url(path))));
    expect(landed.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(landed.map((each) => each.url)).toEqual(paths.map(url));
    expect(forms() - before).toBe(1);
    expect(browser.cookieHeader(url('/')).length).toBeLessThan(200);
  });

  test('that all leave at once, after the browser was closed, still send headers under 8 KB', async () => {
    const browser = createBrowser();
    // Nothing of these knows of the others when it leaves.
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, tab) => leave(browser, `/profile?tab=${tab}`)),
    );
    expect(browser.cookieHeader(url('/')).length).toBeLessThan(8_000);
    const before = forms();
    for (const [tab, page] of sent.entries()) {
      const callback = await pair.provider.signIn(browser, page.location ?? '', 'alice');
      expect((await browser.get(callback)).url).toBe(url(`/profile?tab=${tab}`));
    }
    expect(forms() - before).toBe(1);
    expect(logins(browser)).toEqual([]);
  });
});

describe('sign-ins that lead nowhere (R4)', () => {
  /** The browser keeps all cookies but the one that matters. */
  const loseSession = (browser: Browser) => {
    const index = browser.cookies.findIndex(({ name }) => name === 'session');
    if (index >= 0) browser.cookies.splice(index, 1);
  };

  async function signInAndForget(browser: Browser): Promise<void> {
    const sent = await leave(browser, '/profile?tab=1');
    const callback = await pair.provider.signIn(browser, sent.location ?? '', 'alice');
    expect((await browser.get(callback, { follow: false })).status).toBe(303);
    loseSession(browser);
  }

  test('stop after three within a minute, with a page that names what is likely wrong', async () => {
    const browser = createBrowser();
    for (let round = 1; round <= 3; round++) await signInAndForget(browser);
    const [started, failed] = [
      pair.app.events('sign_in.started').length,
      pair.app.events('sign_in.failed').length,
    ];
    const page = await leave(browser, '/profile?tab=1');
    expect([page.status, headingOf(page)]).toEqual([400, "We can't keep you signed in"]);
    for (const cause of ['cookies', 'http', 'clock']) expect(page.body).toContain(cause);
    expect(page.body).toContain('href="/auth/login?returnTo=%2Fprofile%3Ftab%3D1"');
    expect(pair.app.events('sign_in.started').length).toBe(started);
    const told = pair.app.events('sign_in.failed').slice(failed);
    expect(told).toMatchObject([{ reason: 'loop', hint: expect.stringMatching(/cookies.*http.*clock/) }]);
    // The button works: the count starts anew.
    expect((await leave(browser, '/auth/login?returnTo=%2Fprofile')).status).toBe(302);
  });

  test('do not count when they were more than a minute ago', async () => {
    const browser = createBrowser();
    for (let round = 1; round <= 3; round++) await signInAndForget(browser);
    const count = browser.cookies.find(({ name }) => name === 'sign-ins');
    // The browser's clock stands still, so that it still sends the cookie.
    if (count) count.expires = Number.POSITIVE_INFINITY;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect((await leave(browser, '/profile')).status).toBe(302);
    expect(browser.cookieHeader(url('/'))).toContain('sign-ins=3');
  });

  test('are not those after which a page knew the user, however many', async () => {
    const { browser } = await pair.signIn('alice');
    for (let round = 1; round <= 5; round++) {
      const sent = await leave(browser, '/auth/login?renew=1&returnTo=/profile');
      expect(sent.status, `round ${round}`).toBe(302);
      expect((await pair.goOn(browser, sent, 'alice')).url).toBe(url('/profile'));
    }
    expect(browser.cookieHeader(url('/'))).not.toContain('sign-ins');
  });

  test.each(['/', '/signed-out', '/nowhere', '/auth/login', '/site.css', '/profile'])(
    'are not those that renew a session, however many and wherever they lead: %s',
    async (path) => {
      const { browser } = await pair.signIn('alice');
      for (let round = 1; round <= 5; round++) {
        const sent = await leave(browser, `/auth/login?renew=1&returnTo=${path}`);
        expect(sent.status, `round ${round}`).toBe(302);
        await pair.goOn(browser, sent, 'alice');
      }
      expect((await browser.get(url('/profile'))).status).toBe(200);
    },
  );

  test('are not those of somebody who changes accounts', async () => {
    const { browser } = await pair.signIn('alice');
    for (let round = 1; round <= 5; round++) {
      const fields = { iss: pair.provider.issuer, target_link_uri: '/', switch: 'yes' };
      const sent = await browser.post(url('/auth/initiate-login'), fields, { follow: false });
      expect(sent.location?.startsWith(pair.provider.issuer), `round ${round}`).toBe(true);
      const page = await pair.goOn(browser, sent, round % 2 ? 'bob' : 'alice');
      expect([page.status, page.url]).toEqual([200, url('/')]);
    }
  });

  test('are not those after which the home page knew the user, whose session then ended', async () => {
    const browser = createBrowser();
    for (let round = 1; round <= 5; round++) {
      const { page } = await pair.signIn('alice', '/auth/login', browser);
      expect([page.status, page.url], `round ${round}`).toEqual([200, url('/')]);
      loseSession(browser);
    }
  });

  test('are not those of four tabs at once', async () => {
    const { browser } = await pair.signIn('alice');
    for (let round = 1; round <= 3; round++) {
      const sent = await Promise.all(
        [1, 2, 3, 4].map(() => leave(browser, '/auth/login?renew=1&returnTo=/')),
      );
      const addresses = await Promise.all(
        sent.map(({ location = '' }) => pair.provider.signIn(browser, location, 'alice')),
      );
      for (const address of addresses) await browser.get(address, { follow: false });
    }
    // Of these twelve, each but the last is known to have held.
    loseSession(browser);
    expect((await leave(browser, '/profile')).status).toBe(302);
  });

  test('are not those after which somebody signed out', async () => {
    const browser = createBrowser();
    for (let round = 1; round <= 5; round++) {
      const { page } = await pair.signIn('alice', '/auth/login', browser);
      expect([page.status, page.url], `round ${round}`).toEqual([200, url('/')]);
      await browser.submit(page);
    }
  });

  test('and step-ups that are never enough stop in the same way', async () => {
    holdClock();
    const { browser } = await pair.signIn('alice');
    for (let round = 1; round <= 3; round++) {
      const sent = await leave(browser, '/always-stale');
      expect(sent.status, `step-up ${round}`).toBe(302);
      const callback = await pair.provider.signIn(browser, sent.location ?? '', 'alice');
      expect((await browser.get(callback, { follow: false })).location).toBe(url('/always-stale'));
    }
    const page = await leave(browser, '/always-stale');
    expect([page.status, headingOf(page)]).toEqual([400, "We can't keep you signed in"]);
  });

  test('a step-up that expired at the provider is asked for again once, with what it asked for', async () => {
    holdClock();
    const { browser } = await pair.signIn('alice');
    let sent = await leave(browser, '/always-stale');
    for (let round = 1; round <= 2; round++) {
      const asked = forms();
      const callback = new URL(await pair.provider.signIn(browser, sent.location ?? '', 'alice'));
      expect(forms() - asked, `round ${round}: the provider asked again`).toBe(1);
      callback.searchParams.delete('code');
      callback.searchParams.set('error', 'temporarily_unavailable');
      callback.searchParams.set('error_description', 'authentication_expired');
      sent = await browser.get(callback.href, { follow: false });
    }
    expect([sent.status, sent.location]).toEqual([400, undefined]);
  });

  test('a count that somebody made up fools nobody else, and breaks nothing', async () => {
    const now = Math.floor(Date.now() / 1000).toString(36);
    const made = [
      `3.${now}`,
      `9.${now}`,
      `3.${now}.`,
      `9.${now}.${'A'.repeat(38)}`,
      '9.zzzzzzzz',
      '{"count":9}',
    ];
    for (const value of ['9999.zzzzzz', '-1.x', 'a.b', '', '3', `3.${'9'.repeat(300)}`, '%%', ...made]) {
      const browser = createBrowser();
      browser.setCookie(pair.app.origin, `sign-ins=${value}; Path=/`);
      expect((await leave(browser, '/profile')).status, value).toBe(302);
    }
  });
});
