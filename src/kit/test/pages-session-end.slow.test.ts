import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { mountGallery } from '../dev/gallery.ts';
import { testFolders } from './helpers/app.ts';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';

const minute = 60_000;

describeWithChromium('public/session.js, before a session ends (WCAG 2.2.1)', () => {
  let server: Server;
  let browser: Browser;
  let context: BrowserContext;
  let origin: string;
  /** Minutes from now until the ends that the server tells; undefined: nobody is signed in. */
  let left: { idle: number; absolute: number } | undefined;
  /** The server's clock, moved along with the browser's. */
  let now: number;
  let asked: number;

  const ends = () =>
    left && {
      idleExpiresAt: new Date(now + left.idle * minute).toISOString(),
      expiresAt: new Date(now + left.absolute * minute).toISOString(),
      returnTo: '/page',
      loginPath: '/auth/login',
      idleMinutes,
    };
  /** Given where a page is printed with the setting; else the script takes it from the ends. */
  let idleMinutes: number | undefined;

  beforeAll(async () => {
    const app = express();
    app.get('/page', (req, res, next) => {
      const { name, mark } = req.query;
      // In the place of the layout's own.
      res.locals.ends = ends();
      if (name) res.locals.signedInAs = { name, initials: 'B' };
      if (mark) res.locals.kitForm = mark;
      req.url = '/dev/gallery/sessions';
      next();
    });
    mountGallery(app, { site: { name: 'App' }, folders: testFolders, development: false });
    app.get('/auth/session', (_req, res) => {
      asked++;
      if (left) res.json({ user: { name: 'Alice' }, ...ends() });
      else res.status(401).json({ title: 'Please sign in' });
    });
    app.get('/auth/login', (_req, res) => void res.send('<h1>Signing in</h1>'));
    app.get('/times', (_req, res) => {
      const many = '<time datetime="2026-07-01T22:30Z">UTC</time>'.repeat(500);
      const others = ['2026-07', '22:30Z', 'neverZ', '2026-13-01T22:30Z', '2026-07-01Z', '<b>Z'];
      res.send(`<html lang="de"><script src="/times.js" defer></script><main>${many}
        ${others.map((value) => `<time datetime="${value}">as it was</time>`).join('')}
        <time datetime="2026-07-31">of the form</time><time datetime="2026-07-31T22:30">of the form</time>
        <time datetime="2026-07-01T22:30Z" data-ago title="1 July">as it was</time></main>`);
    });
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  beforeEach(async () => {
    now = Date.now();
    asked = 0;
    left = { idle: 30, absolute: 480 };
    idleMinutes = undefined;
    context = await browser.newContext();
    await context.clock.install({ time: now });
  });
  afterEach(() => context.close());

  async function open(path = '/page'): Promise<Page> {
    const page = await context.newPage();
    await page.goto(origin + path);
    return page;
  }

  async function pass(minutes: number): Promise<void> {
    now += minutes * minute;
    await context.clock.fastForward(minutes * minute);
  }

  const words = (page: Page) => page.locator('.ending [role=status]').textContent();
  const stay = (page: Page) => page.getByRole('button', { name: 'Stay signed in' });
  const again = (page: Page) => page.locator('.ending a');
  /** Whether the notice is in sight: until it has something to say it is cut away, not gone, so that it is read out. */
  const seen = (page: Page) =>
    page.evaluate("getComputedStyle(document.querySelector('.ending')).clipPath === 'none'");

  test('two minutes before the idle end it offers to stay, without taking the focus', async () => {
    const page = await open();
    const typing = page.getByRole('button', { name: 'Sign out everywhere else' });
    await typing.focus();
    await pass(27.5);
    expect(await words(page)).toBe('');
    expect([await stay(page).isVisible(), await seen(page)]).toEqual([false, false]);

    await pass(1);
    expect(await words(page)).toMatch(/we'll sign you out at \d/);
    expect([await stay(page).isVisible(), await seen(page)]).toEqual([true, true]);
    expect(await typing.evaluate('document.activeElement.textContent')).toBe('Sign out everywhere else');
    expect(asked, 'looking does not count as using').toBe(0);
  });

  test('"Stay signed in" asks the server, which moves the end, and gives the focus back', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Sign out everywhere else' }).focus();
    await pass(28.5);
    await stay(page).focus();
    await page.keyboard.press('Enter');
    await page.getByText("You're still signed in.").waitFor();
    expect(asked).toBe(1);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Sign out everywhere else');

    await pass(27);
    expect([await words(page), await seen(page)]).toEqual(['', false]);
    await pass(1.5);
    expect(await stay(page).isVisible()).toBe(true);
  });

  test('an idle tab does not warn while another is in use', async () => {
    const idle = await open();
    await pass(20);
    await open();
    await pass(9);
    expect(await words(idle)).toBe('');
    await pass(19.5);
    expect(await words(idle)).toMatch(/sign you out/);
  });

  test('before the absolute end it offers a sign-in in a new tab, and falls silent after it', async () => {
    left = { idle: 30, absolute: 10 };
    const page = await open();
    await pass(8.5);
    expect(await words(page)).toMatch(/You'll be signed out at \d.*You won't lose what you've typed/);
    expect(await stay(page).isVisible()).toBe(false);
    expect(await again(page).getAttribute('target')).toBe('_blank');
    expect(await again(page).getAttribute('href')).toMatch(/\?returnTo=%2Fpage&renew=1$/);

    left = { idle: 30, absolute: 480 };
    await open();
    await expect.poll(() => words(page)).toBe('');
  });

  test('its sign-in comes back to the page it stands on, with its query', async () => {
    const page = await open('/page?tab=2&x=%22');
    await pass(31);
    const link = new URL((await again(page).getAttribute('href')) ?? '', origin);
    expect([link.pathname, link.searchParams.get('returnTo'), link.searchParams.get('renew')]).toEqual([
      '/auth/login',
      '/page?tab=2&x=%22',
      '1',
    ]);
  });

  test('after the end it says so, and what was typed is still there', async () => {
    const page = await open();
    await pass(31);
    expect(await words(page)).toMatch(/^Your session has ended\./);
    expect([await again(page).isVisible(), await seen(page)]).toEqual([true, true]);
    expect(page.url()).toBe(`${origin}/page`);
  });

  test('a session that was ended from elsewhere cannot be stayed in', async () => {
    const page = await open();
    await pass(28.5);
    left = undefined;
    await stay(page).click();
    await page.getByText('Your session has ended.').waitFor();
    expect(await again(page).isVisible()).toBe(true);
  });

  test('a computer whose clock is three hours ahead is not warned early', async () => {
    await context.close();
    context = await browser.newContext();
    await context.clock.install({ time: now + 180 * minute });
    const page = await open();
    await pass(27.5);
    expect(await words(page)).toBe('');
    await pass(1);
    expect(await words(page)).toMatch(/sign you out/);
  });

  test('a server that does not answer leaves the offer standing', async () => {
    const page = await open();
    await pass(28.5);
    await page.route('**/auth/session', (route) => route.abort());
    await stay(page).click();
    await page.getByText("That didn't work.").waitFor();
    expect(await stay(page).isVisible()).toBe(true);
  });

  test('on /signed-out, a tab goes on to where it wanted to be once another has signed in', async () => {
    left = undefined;
    const page = await open('/dev/gallery/signed-out-idle');
    left = { idle: 30, absolute: 480 };
    await open();
    await page.waitForURL(`${origin}/auth/login?returnTo=%2Fprofile`);
  });

  test('on /signed-out, whoever chose to leave stays there', async () => {
    const page = await open('/dev/gallery/signed-out');
    await open();
    expect(page.url()).toMatch(/signed-out$/);
  });

  test.each([undefined, 1])(
    'with a short idle time it warns in the second half only (%s)',
    async (minutes) => {
      left = { idle: 1, absolute: 480 };
      idleMinutes = minutes;
      const page = await open();
      await pass(0.4);
      expect(await words(page)).toBe('');
      await pass(0.2);
      expect(await words(page)).toMatch(/sign you out/);
    },
  );

  test('an end on another day is told with its date, in the manner of the browser', async () => {
    await context.close();
    context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Asia/Kolkata' });
    // Shortly before midnight in this browser, whatever the server's clock says.
    await context.clock.install({ time: '2026-11-26T18:27:30Z' });
    left = { idle: 4, absolute: 480 };
    idleMinutes = 30;
    const page = await open();
    await pass(2.2);
    expect(await words(page)).toMatch(/at 27 November 2026 at 00:01\./);
  });

  test('each thing it says can be closed, does not come back, and gives the focus back', async () => {
    const page = await open();
    const typing = page.getByRole('button', { name: 'Sign out everywhere else' });
    await typing.focus();
    for (const [minutes, text] of [
      [28.5, /sign you out/],
      [2.5, /^Your session has ended/],
    ] as const) {
      await pass(minutes);
      expect(await words(page)).toMatch(text);
      await page.getByRole('button', { name: 'Close' }).click();
      expect([await words(page), await seen(page)]).toEqual(['', false]);
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Sign out everywhere else');
      await pass(0.2);
      expect([await words(page), await seen(page)]).toEqual(['', false]);
    }
  });

  test('it is said once, however often it is looked at', async () => {
    const page = await open();
    await pass(28.5);
    await page.evaluate(`new MutationObserver(() => (globalThis.changed = true))
      .observe(document.querySelector('.ending'), { subtree: true, childList: true, characterData: true })`);
    await pass(0.2);
    await pass(0.2);
    expect(await page.evaluate('globalThis.changed')).toBeUndefined();
  });

  test('it never covers what has the focus, and its edges are those of the page, at each size', async () => {
    const page = await open();
    await page.setViewportSize({ width: 390, height: 500 });
    // Half of it is in sight, where the notice will be.
    await page.evaluate(`{
      const last = [...document.querySelectorAll('main button')].at(-1);
      last.focus({ preventScroll: true });
      scrollBy(0, last.getBoundingClientRect().bottom - innerHeight - 10);
    }`);
    await pass(28.5);
    expect(await page.evaluate(covered)).toEqual([]);
    for (const [width, height] of [
      [1280, 800],
      [390, 844],
      [320, 640],
      [320, 256],
    ] as const) {
      await page.setViewportSize({ width, height });
      await page.evaluate('document.querySelector(".skip").focus()');
      await expect.poll(() => page.evaluate(edges)).toEqual({ left: 0, right: 0, sideways: 0 });
      for (let tab = 0; tab < 16; tab++) {
        await page.evaluate(
          'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))',
        );
        expect(await page.evaluate(covered), `${width}×${height}`).toEqual([]);
        await page.keyboard.press('Tab');
      }
    }
  });

  test('when somebody else has signed in in another tab, it says who, as text, and offers to reload', async () => {
    const page = await open();
    await open(`/page?mark=bobs&name=${encodeURIComponent('<b>Bob</b> $& {before}')}`);
    await expect
      .poll(() => words(page))
      .toBe(
        "You've signed in as <b>Bob</b> $& {before} in another tab. This page was opened for Alice Adams. Reload it to continue as <b>Bob</b> $& {before}.",
      );
    await pass(28.5);
    expect(await stay(page).isVisible(), "it is not Alice's session that ends").toBe(false);
    // The same person again.
    const hers = await open();
    await expect.poll(() => words(page)).toBe('');
    await open('/page?mark=bobs&name=Bob');
    const reloaded = page.waitForEvent('load');
    await page.getByRole('button', { name: 'Reload this page' }).click();
    await reloaded;
    expect(await words(page)).toBe('');
    expect(await words(hers)).toBe('');
  });

  test('one name with a new mark is the same person, if the server says so', async () => {
    const page = await open();
    await open('/page?mark=after-a-new-secret');
    await expect.poll(() => asked).toBe(1);
    await page.route('**/auth/session', (route) => route.fulfill({ status: 403 }));
    expect(await words(page)).toBe('');
    await open('/page?mark=of-another-alice');
    await expect.poll(() => words(page)).toMatch(/^You've signed in with another account/);
  });

  test('a sign-out in another tab is said at once, if the server knows nobody any more', async () => {
    const page = await open();
    await open('/dev/gallery/signed-out');
    await expect.poll(() => asked).toBe(1);
    expect(await words(page)).toBe('');
    left = undefined;
    await open('/dev/gallery/signed-out');
    await expect.poll(() => words(page)).toMatch(/^You've been signed out in another tab\./);
    expect(await again(page).isVisible()).toBe(true);
  });

  test('messages of another shape are ignored', async () => {
    const page = await open();
    await page.evaluate(`{
      const date = new Date().toISOString();
      const one = { expiresAt: date, idleExpiresAt: date };
      const shapes = [null, 7, 'x', [], {}, one, { ...one, mark: 1, name: 'Bob' }, { ...one, mark: 'bobs' },
        { mark: 'bobs', name: 'Bob', expiresAt: 'x', idleExpiresAt: date }, { signedOut: 1 }];
      for (const shape of shapes) new BroadcastChannel('session').postMessage(shape);
    }`);
    await pass(0.1);
    expect([await words(page), asked]).toEqual(['', 0]);
  });

  test('times are written in the zone of the browser and the language of the page, the others left', async () => {
    await context.close();
    context = await browser.newContext({ timezoneId: 'Europe/Berlin' });
    const page = await open('/times');
    const texts = await page.locator('time').allTextContents();
    expect(new Set(texts.slice(0, 500))).toEqual(new Set(['2. Juli 2026 um 00:30']));
    expect(texts.slice(500, 506)).toEqual(Array(6).fill('as it was'));
    // In no zone: the same day everywhere.
    expect(texts.slice(506)).toEqual(['31. Juli 2026', '31. Juli 2026 um 22:30', 'as it was']);
  });
});

// What follows runs in the browser.

const covered = `{
  const focused = document.activeElement;
  const notice = document.querySelector('.ending');
  const { left, right, top, bottom } = focused.getBoundingClientRect();
  const over = bottom > notice.getBoundingClientRect().top || top < 0;
  const seen = document.elementFromPoint((left + right) / 2, bottom - 2);
  notice.contains(focused) || focused === document.body || (!over && !notice.contains(seen)) ? [] : [focused.textContent];
}`;

const edges = `{
  const main = document.querySelector('main');
  const { paddingLeft, paddingRight } = getComputedStyle(main);
  const [notice, page] = [document.querySelector('.ending'), main].map((one) => one.getBoundingClientRect());
  ({
    left: Math.round(notice.left - page.left - parseFloat(paddingLeft)),
    right: Math.round(notice.right - page.right + parseFloat(paddingRight)),
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  });
}`;
