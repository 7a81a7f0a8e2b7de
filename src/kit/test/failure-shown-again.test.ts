import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import { createHook } from './helpers/asked.ts';
import { createBrowser, type Page } from './helpers/browser.ts';
import { startHttpsPair } from './helpers/https-front.ts';
import { headingOf, type Pair, requestIdOn, startPair } from './helpers/pair.ts';
import { anyPage } from './helpers/small-site.ts';
import { homePage, profilePage } from './site/pages.ts';

// A sign-in that failed is over: its code and state are used up. Whoever reloads its page still reads why it failed, not
// only that it is over.

const hook = createHook();
let pair: Pair;
beforeAll(async () => {
  pair = await startPair({
    parts: {
      signIn: hook.signIn,
      pages: () => [
        ...[homePage, profilePage],
        anyPage({
          path: '/recent',
          view: 'table',
          model: () => ({ bookings: [] }),
          access: { maxAgeSeconds: 600 },
        }),
      ],
    },
  });
});
afterAll(() => pair?.stop());
afterEach(() => vi.useRealTimers());

/** A sign-in whose code the provider did not give. */
async function failed(path = '/profile', browser = createBrowser()) {
  const { location = '' } = await browser.get(pair.app.url(path), { follow: false });
  const callback = new URL(await pair.provider.signIn(browser, location, 'alice'));
  callback.searchParams.set('code', 'nobody-gave-this-code');
  return { browser, callback: callback.href, page: await browser.get(callback.href) };
}

const clean = () => pair.app.url('/auth/callback');
const wordsOf = ({ body }: Page) => /<main[^>]*>([\s\S]*?)<\/main>/.exec(body)?.[1];
const seen = (page: Page) => [page.status, requestIdOn(page), wordsOf(page)];
const audited = () => pair.app.events('sign_in.failed').length;

describe('the page of a sign-in that failed', () => {
  test('is the same after a reload, with status, words and request id, at its address and at the clean one', async () => {
    const { browser, callback, page } = await failed('/profile?tab=1');
    expect([page.status, headingOf(page)]).toEqual([
      ...[502, expect.stringMatching(/ didn't complete your sign-in$/)],
    ]);
    const [events, lines] = [audited(), pair.app.lines.length];
    for (const address of [callback, clean(), callback, `${clean()}?`]) {
      const again = await browser.get(address);
      expect(seen(again), address).toEqual(seen(page));
      expect(again.headers.get('cache-control')).toBe('no-store');
    }
    expect(page.body).toContain('href="/auth/login?returnTo=%2Fprofile%3Ftab%3D1"');
    // Nothing has failed anew.
    expect(audited()).toBe(events);
    const logged = pair.app.lines.slice(lines).filter(({ msg }) => /failed/.test(msg));
    expect(logged.map(({ level, first }) => [level, first])).toEqual(
      Array(4).fill(['info', requestIdOn(page)]),
    );
  });

  test('tells the browser which address to show: one without code and state', async () => {
    const { page } = await failed();
    expect(page.body).toContain('<meta name="kit-address" content="/auth/callback">');
    expect(page.body).not.toMatch(/nobody-gave-this-code|state=/);
  });

  test('is gone once a sign-in has succeeded, and then leads to a page (R4)', async () => {
    const { browser, callback } = await failed();
    expect(browser.cookie('said')).toBeDefined();
    await pair.signIn('alice', '/profile', browser);
    expect(browser.cookie('said')).toBeUndefined();
    for (const address of [callback, clean()]) {
      const back = await browser.get(address, { follow: false });
      expect([back.status, back.location]).toEqual([303, pair.app.url('/')]);
    }
  });

  test('is gone once its person signs out: the next one at this browser does not read it', async () => {
    const { browser } = await pair.signIn('alice');
    hook.now(() => {
      throw refuse('Ask Nora for access.');
    });
    const refused = await pair.signIn('bob', '/auth/login?renew=1&returnTo=%2Fprofile', browser);
    hook.now(() => ({}));
    expect(wordsOf(await browser.get(clean()))).toBe(wordsOf(refused.page));
    await browser.submit(await browser.get(pair.app.url('/profile')));
    expect(browser.cookie('said')).toBeUndefined();
    const next = await browser.get(clean());
    expect(headingOf(next)).toBe("This sign-in wasn't started in this browser");
    expect(next.body).not.toMatch(/Nora|bob/i);
  });

  test('is not that of another answer, whatever is changed in the address', async () => {
    const { browser, callback } = await failed();
    const other = new URL(callback);
    other.searchParams.set('code', 'another-code');
    expect(headingOf(await browser.get(other.href))).toBe('This sign-in has expired');
    expect(headingOf(await browser.get(`${clean()}?code=x`))).toBe(
      "This sign-in wasn't started in this browser",
    );
  });

  test('is kept for ten minutes, small, sealed and without what came from the provider', async () => {
    const { browser, callback, page } = await failed();
    const [line = ''] = browser.setCookies.flatMap(({ line }) => (line.startsWith('said=') ? line : []));
    expect(line).toMatch(/^said=[\w-]{100,400}; Max-Age=600; /);
    const kept = createBrowser();
    kept.setCookie(pair.app.origin, line.replace('Max-Age=600', 'Max-Age=9999'));
    expect(requestIdOn(await kept.get(clean()))).toBe(requestIdOn(page));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 601_000 });
    expect(headingOf(await kept.get(callback))).toBe('This sign-in has expired');
  });

  test('is seen by people only: a script, a frame and a prefetch neither see it nor leave anything', async () => {
    const { browser, callback } = await failed();
    for (const headers of [
      { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' },
      { 'Sec-Fetch-Dest': 'iframe' },
      { 'Sec-Purpose': 'prefetch' },
    ]) {
      const answer = await browser.get(callback, { headers });
      expect(answer.status).toBe(401);
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
  });

  test('keeps a path and the words of a refusal as long as they are short', async () => {
    for (const [why, path] of [
      ['Ask Nora for access.', '/profile?tab=1'],
      ['Ask Nora. '.repeat(80), '/profile?tab=1'],
      ['Ask Nora for access.', `/profile?tab=${'1'.repeat(1_000)}`],
    ] as const) {
      hook.now(() => {
        throw refuse(why);
      });
      const { page, browser } = await pair.signIn('bob', path);
      const again = await browser.get(clean());
      expect([again.status, headingOf(again), requestIdOn(again)]).toEqual([
        ...[403, headingOf(page), requestIdOn(page)],
      ]);
      const isShort = why.length < 100 && path.length < 100;
      if (isShort) expect(seen(again)).toEqual(seen(page));
      else expect(again.body).not.toContain(why.length > 100 ? 'Ask Nora' : '1111');
      expect(browser.cookie('said')?.length).toBeLessThan(900);
    }
    hook.now(() => ({}));
  });

  test('about blocked cookies does not say that it was used, and stays the same', async () => {
    const browser = createBrowser();
    const address = `${clean()}?code=x&state=unknown`;
    const page = await browser.get(address);
    expect(page.status).toBe(400);
    expect(wordsOf(page)).toContain(
      '<p>Your browser blocks cookies for this site, or you opened an old link.',
    );
    expect(page.body).not.toContain('may already have been used');
    expect(seen(await browser.get(address))).toEqual(seen(page));
    // Where they are blocked indeed, too.
    const without = await browser.get(address, { headers: { Cookie: '' } });
    expect([without.status, headingOf(without)]).toEqual([page.status, headingOf(page)]);
  });

  test('of an answer by form_post is at the clean address after the reload', async () => {
    const https = await startHttpsPair({ OIDC_RESPONSE_MODE: 'form_post' });
    try {
      const browser = createBrowser({ ca: https.ca });
      const { location = '' } = await browser.get(https.url('/profile'), { follow: false });
      const { url, form = {} } = await https.provider.answer(browser, location, 'alice');
      const send = () =>
        browser.post(url, { ...form, code: 'nobody-gave-this-code' }, {}, https.provider.issuer);
      const page = await send();
      expect(page.status).toBe(502);
      // The cookie of our own pages does not come along with the form of another site: it is led to where it does.
      for (const again of [await browser.get(https.url('/auth/callback')), await send()])
        expect(seen(again)).toEqual(seen(page));
      // Nor does it come along with the answer that succeeds.
      const once = await browser.get(https.url('/auth/login?returnTo=%2Fprofile'), { follow: false });
      const good = await https.provider.answer(browser, once.location ?? '', 'alice');
      const profile = await browser.post(good.url, good.form ?? {}, {}, https.provider.issuer);
      expect(profile.status).toBe(200);
      expect((await browser.get(https.url('/auth/callback'), { follow: false })).status).toBe(303);
      await browser.submit(profile);
      expect(headingOf(await browser.get(https.url('/auth/callback')))).not.toBe(headingOf(page));
    } finally {
      await https.stop();
    }
  });
});

describe('after a step-up', () => {
  const said = ({ body }: Page) => /<p class="said"[^>]*>([^<]*)</.exec(body)?.[1];

  test('the page says once that its person may go on', async () => {
    const { browser } = await pair.signIn('alice', '/recent');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * 60_000 });
    const sentOff = await browser.get(pair.app.url('/recent?x=1'), { follow: false });
    const page = await pair.goOn(browser, sentOff, 'alice');
    expect([page.url, said(page)]).toEqual([
      pair.app.url('/recent?x=1'),
      'Thanks for signing in again. You can carry on now.',
    ]);
    expect(said(await browser.get(pair.app.url('/recent')))).toBeUndefined();
    expect(browser.cookie('said')).toBeUndefined();
  });

  test('somebody else who has signed in is not thanked, nor is a first sign-in', async () => {
    const { browser, page: first } = await pair.signIn('alice', '/recent');
    expect(said(first)).toBeUndefined();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * 60_000 });
    const sentOff = await browser.get(pair.app.url('/recent'), { follow: false });
    const page = await pair.goOn(browser, sentOff, 'bob');
    expect([page.url, said(page)]).toEqual([pair.app.url('/recent'), undefined]);
  });

  test('that failed, its page stays at the clean address though somebody is signed in', async () => {
    const { browser } = await pair.signIn('alice', '/recent');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * 60_000 });
    const { callback, page } = await failed('/recent', browser);
    expect(page.status).toBe(502);
    expect(requestIdOn(await browser.get(clean()))).toBe(requestIdOn(page));
    expect((await browser.get(callback, { follow: false })).status).toBe(303);
  });
});
