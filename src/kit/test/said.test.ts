import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { notFound } from '../errors/page-errors.ts';
import { createSealer } from '../store/index.ts';
import { type Browser, createBrowser, markOn, type Page } from './helpers/browser.ts';
import { startHttpsPair } from './helpers/https-front.ts';
import { copyOf } from './helpers/instances.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { anyPage } from './helpers/small-site.ts';
import { homePage, profilePage } from './site/pages.ts';

// What an action says is printed once, to its person, on the page that it was said for.

const secret = 'a-secret-of-more-than-32-characters-for-this-test';
let pair: Pair;
let browser: Browser;
let mark: { 'kit-form': string };
/** What the action returns, and how often it ran. */
let next: unknown;
let runs = 0;
let away = false;

beforeAll(async () => {
  const page = (path: string, more: object = {}) =>
    anyPage({ path, view: 'table', model: () => ({ bookings: [] }), ...more });
  const add = {
    run: () => {
      runs++;
      return next;
    },
  };
  pair = await startPair({
    env: { SESSION_SECRET: secret },
    parts: {
      pages: () => [
        ...[homePage, profilePage, page('/bookings', { actions: { add } }), page('/bookings/:id')],
        page('/recent', { access: { maxAgeSeconds: 600 } }),
        page('/away', {
          model: () => {
            if (away) throw notFound();
            return { bookings: [] };
          },
        }),
        page('/redirecting', {
          model: ({ res }: { res: { redirect: (to: string) => void } }) => res.redirect('/bookings'),
        }),
        page('/hostile', { model: () => ({ bookings: [], said: 'of the model' }) }),
      ],
      publicRoutes: (router) => {
        router.get('/plain', (_req, res) => void res.render('table', { title: 'Plain', bookings: [] }));
      },
    },
  });
});
afterAll(() => pair?.stop());
beforeEach(async () => {
  const signedIn = await pair.signIn('alice', '/bookings', createBrowser());
  browser = signedIn.browser;
  mark = markOn(signedIn.page);
  runs = 0;
});

const url = (path: string) => pair.app.url(path);
const open = (path: string, headers: Record<string, string> = {}, by = browser) =>
  by.get(url(path), { headers });
/** Sends the form, whose action returns this. */
const send = (returned: unknown, by = browser) => {
  next = returned;
  return by.post(url('/bookings/add'), mark, { follow: false }, url('/bookings'));
};
/** A browser that has nothing of this one's but what is to be said, for longer than it should. */
function withSaidOnly(): Browser {
  const other = createBrowser();
  const said = browser.cookies.filter(({ name }) => name === 'said');
  other.cookies.push(...said.map((cookie) => ({ ...cookie, expires: Infinity })));
  return other;
}
const saidOn = ({ body }: Page) => /<p class="said" role="status">([\s\S]*?)<\/p>/.exec(body)?.[1];
const booked = { to: '/bookings', say: 'Your table is booked.' };
const hints = () => pair.app.lines.map(({ hint }) => String(hint)).filter((hint) => hint.includes('`say`'));

describe('what an action says', () => {
  test('is printed on the page it leads to, once', async () => {
    const answer = await send(booked);
    expect([answer.status, answer.location]).toEqual([303, url('/bookings')]);
    const page = await open('/bookings');
    expect(saidOn(page)).toBe('Your table is booked.');
    expect(browser.cookie('said')).toBeUndefined();
    expect(saidOn(await open('/bookings'))).toBeUndefined();
    expect(page.body.match(/Your table is booked/g)).toHaveLength(1);
  });

  test('is text on that page, whatever it holds', async () => {
    await send({ to: '/bookings', say: ' <img src=x onerror="alert(1)">\r\n & \u0000 two\tlines ' });
    expect(saidOn(await open('/bookings'))).toBe(
      '&lt;img src=x onerror=&quot;alert(1)&quot;&gt; &amp; two lines',
    );
  });

  test.each([
    ['a public page', '/', '/'],
    ['a page with a parameter', '/bookings/7', '/bookings/7'],
    ['a page asked for with a query and a fragment', '/bookings?page=2#last', '/bookings?page=2'],
    ['a page with letters that are escaped', '/bookings/é ü', '/bookings/%C3%A9%20%C3%BC'],
    ['a page with letters that some browsers escape', '/bookings/a^b|c', '/bookings/a%5Eb%7Cc'],
    ["one of the kit's pages", '/sessions', '/sessions'],
  ])('is printed on %s', async (_name, to, path) => {
    const { location } = await send({ to, say: 'Done.' });
    expect(decodeURI(location?.split('#')[0] ?? '')).toBe(decodeURI(url(path)));
    expect(saidOn(await open(path))).toBe('Done.');
  });

  test('leaves no trace in a log, and no word of it is readable in the cookie', async () => {
    const before = pair.app.lines.length;
    await send({ to: '/bookings', say: 'Your diagnosis is ready.' });
    const value = browser.cookie('said') ?? '';
    expect(Buffer.from(value, 'base64url').toString('latin1')).not.toMatch(/diagnosis|bookings|alice/);
    expect(JSON.stringify(pair.app.lines.slice(before))).not.toContain('diagnosis');
  });

  test('waits in a cookie that no script reads, for an hour at most', async () => {
    await send(booked);
    const line = browser.setCookies.findLast(({ line }) => line.startsWith('said='))?.line ?? '';
    expect(line.split(/;\s*/).slice(1).sort()).toEqual([
      expect.stringMatching(/^Expires=/),
      'HttpOnly',
      'Max-Age=3600',
      'Path=/',
      'SameSite=Lax',
    ]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61 * 60_000 });
    onTestFinished(() => void vi.useRealTimers());
    // A browser whose clock is wrong still sends it.
    const { browser: late } = await pair.signIn('alice', '/profile', withSaidOnly());
    expect(late.cookie('said')).toBeDefined();
    expect(saidOn(await open('/bookings', {}, late))).toBeUndefined();
  });
});

test('on https, its cookie is of this host and of TLS alone', async () => {
  const add = { run: () => ({ to: '/bookings', say: 'Your table is booked.' }) };
  const bookings = anyPage({
    ...{ path: '/bookings', view: 'table', model: () => ({ bookings: [] }) },
    actions: { add },
  });
  const https = await startHttpsPair({}, { pages: () => [homePage, profilePage, bookings] });
  onTestFinished(() => https.stop());
  const own = createBrowser({ ca: https.ca });
  const { location = '' } = await own.get(https.url('/bookings'), { follow: false });
  const page = await own.get(await https.provider.signIn(own, location, 'alice'));
  expect(saidOn(await own.post(https.url('/bookings/add'), markOn(page)))).toBe('Your table is booked.');
  const lines = own.setCookies.map(({ line }) => line).filter((line) => /said/.test(line));
  expect(lines).toHaveLength(2); // Set, and taken away.
  for (const line of lines) {
    expect(line).toMatch(
      /^__Host-said=[\w-]*; Max-Age=\d+; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
    );
  }
});

describe('it is not used up by', () => {
  const others: [string, Record<string, string>][] = [
    ['a prefetch', { 'Sec-Purpose': 'prefetch' }],
    ['a prerendering browser', { 'Sec-Purpose': 'prefetch;prerender' }],
    ['a script', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: '*/*' }],
    ['a frame', { 'Sec-Fetch-Dest': 'iframe' }],
    ['an image', { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image', Accept: 'image/*' }],
  ];
  test.each(others)('%s', async (_name, headers) => {
    await send(booked);
    expect(saidOn(await open('/bookings', headers))).toBeUndefined();
    expect(saidOn(await open('/bookings'))).toBe('Your table is booked.');
  });

  test('a HEAD', async () => {
    await send(booked);
    expect((await browser.request('HEAD', url('/bookings'))).status).toBe(200);
    expect(saidOn(await open('/bookings'))).toBe('Your table is booked.');
  });

  test.each(['/', '/bookings/7', '/bookings/', '/sessions', '/plain', '/nowhere'])(
    'another page in another tab (%s)',
    async (path) => {
      await send(booked);
      expect(saidOn(await open(path))).toBeUndefined();
      expect(saidOn(await open('/bookings'))).toBe('Your table is booked.');
    },
  );

  test('another person, nor by nobody', async () => {
    await send({ to: '/', say: 'Alice, your table is booked.' });
    const nobody = withSaidOnly();
    expect((await open('/', {}, nobody)).body).not.toContain('Alice');
    const { browser: bobs } = await pair.signIn('bob', '/profile', nobody);
    expect((await open('/', {}, bobs)).body).not.toContain('Alice');
    expect(bobs.cookie('said')).toBe(browser.cookie('said'));
    const { browser: hers } = await pair.signIn('alice', '/profile', withSaidOnly());
    expect(saidOn(await open('/', {}, hers))).toBe('Alice, your table is booked.');
  });

  test('a page that fails, or sends the person elsewhere', async () => {
    away = true;
    await send({ to: '/away', say: 'Saved.' });
    const failed = await open('/away');
    expect([failed.status, saidOn(failed)]).toEqual([404, undefined]);
    away = false;
    expect(saidOn(await open('/away'))).toBe('Saved.');
    await send({ to: '/redirecting', say: 'Saved.' });
    expect((await browser.get(url('/redirecting'), { follow: false })).status).toBe(302);
    expect(browser.cookie('said')).toBeDefined();
  });

  test('a sign-in that the page asks for first', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * 60_000 });
    onTestFinished(() => void vi.useRealTimers());
    const sentOff = await send({ to: '/recent', say: 'Now look at this.' });
    expect(new URL(sentOff.location ?? '').origin).toBe(pair.provider.issuer);
    const landed = await pair.goOn(browser, sentOff, 'alice');
    expect([landed.url, saidOn(landed)]).toEqual([url('/recent'), 'Now look at this.']);
  });

  test('what the model of a page returns under its name', async () => {
    expect((await open('/hostile')).body).not.toContain('of the model');
    await send({ to: '/hostile', say: 'Saved.' });
    expect(saidOn(await open('/hostile'))).toBe('Saved.');
  });
});

describe('several sentences', () => {
  test('wait for their pages, three at most: the oldest goes', async () => {
    for (const n of [1, 2, 3, 4]) await send({ to: `/bookings/${n}`, say: `Booking ${n} is saved.` });
    const said: (string | undefined)[] = [];
    for (const n of [4, 1, 3, 2]) said.push(saidOn(await open(`/bookings/${n}`)));
    expect(said).toEqual(['Booking 4 is saved.', undefined, 'Booking 3 is saved.', 'Booking 2 is saved.']);
    expect(browser.cookie('said')).toBeUndefined();
  });

  test('for one page are printed together, the same one once', async () => {
    await send({ to: '/bookings', say: 'A is saved.' });
    await send({ to: '/bookings', say: 'B is saved.' });
    await send({ to: '/bookings', say: 'A is saved.' });
    expect(saidOn(await open('/bookings'))).toBe('A is saved. B is saved.');
  });

  test.each(['x', 'é', '漢', '🪑', '"', '\ud800'])(
    'of 500 times %j fit into what a browser keeps',
    async (letter) => {
      const say = letter.repeat(500);
      for (const n of [1, 2, 3]) await send({ to: `/bookings/${n}`, say });
      expect(`said=${browser.cookie('said')}`.length).toBeLessThan(2_900);
      expect(saidOn(await open('/bookings/3'))).toBe(
        letter === '"' ? '&quot;'.repeat(500) : say.toWellFormed(),
      );
    },
  );
});

test('keeps all cookies of a browser under 8 KB, also beside sign-ins that are on their way', async () => {
  for (let tab = 1; tab <= 6; tab++) {
    const path = encodeURIComponent(`/bookings?tab=${tab}&filter=${'x'.repeat(1_600)}`);
    await browser.get(url(`/auth/login?renew=1&returnTo=${path}`), { follow: false });
  }
  for (const n of [1, 2, 3]) await send({ to: `/bookings/${n}`, say: '\u{1FA91}'.repeat(500) });
  const header = browser.cookieHeader(url('/'));
  expect(header).toMatch(/login-.*said=/);
  expect(header.length).toBeGreaterThan(5_000);
  expect(header.length).toBeLessThan(8_192);
});

describe('a sentence that cannot be said', () => {
  test.each([
    ['a number', 42],
    ['null', null],
    ['a list', ['Saved.']],
    ['empty', ''],
    ['blank', ' \n\t '],
    ['too long', 'x'.repeat(501)],
    ['much too long', 'x'.repeat(1_000_000)],
  ])('(%s) costs nobody their work, and the log says what to do', async (_name, say) => {
    const before = hints().length;
    const answer = await send({ to: '/bookings', say });
    expect([answer.status, answer.location, runs]).toEqual([303, url('/bookings'), 1]);
    expect(browser.cookie('said')).toBeUndefined();
    expect(hints().slice(before)).toEqual([
      'have `run` return one sentence of at most 500 characters as `say`',
    ]);
  });

  test('because it leads to no page of the app is logged too', async () => {
    const answer = await send({ to: '/plain', say: 'Saved.' });
    expect([answer.status, answer.location]).toEqual([303, url('/plain')]);
    expect(browser.cookie('said')).toBeUndefined();
    expect(pair.app.lines.at(-2)?.hint ?? pair.app.lines.at(-1)?.hint).toContain('a page of this app');
  });

  test.each([
    [{ say: 'Saved.' }, '/bookings'],
    [{ to: 'https://evil.example/', say: 'Saved.' }, '/'],
    [{ to: '//evil.example', say: 'Saved.' }, '/'],
  ])('%j leads to a page of the app, which says it', async (returned, path) => {
    expect((await send(returned)).location).toBe(url(path));
    expect(saidOn(await open(path))).toBe('Saved.');
  });
});

test('a cookie that we did not seal for this says nothing', async () => {
  const sentence = JSON.stringify([{ for: 'x', say: 'Made up.', until: Date.now() + 60_000 }]);
  await send(booked);
  const real = browser.cookie('said') ?? '';
  const foreign = createSealer([secret], 'signed-out').seal(sentence, 'said').toString('base64url');
  const values = [sentence, foreign, real.slice(0, -4), `${real}AAAA`, '', '%', 'x'.repeat(7_000)];
  for (const value of values) {
    const other = copyOf(browser);
    other.setCookie(pair.app.origin, `said=${value}; Path=/; Max-Age=600`);
    const page = await open('/bookings', {}, other);
    expect([page.status, saidOn(page)], value.slice(0, 20)).toEqual([200, undefined]);
  }
  // One cookie twice with two values is none, and is not used up.
  const twice = { Cookie: `${browser.cookieHeader(url('/'))}; said=other` };
  expect(saidOn(await open('/bookings', twice))).toBeUndefined();
  expect(saidOn(await open('/bookings'))).toBe('Your table is booked.');
});
