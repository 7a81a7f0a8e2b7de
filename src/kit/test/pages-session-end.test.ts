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
    };

  beforeAll(async () => {
    const app = express();
    app.get('/page', (req, res, next) => {
      // In the place of the layout's own.
      res.locals.ends = ends();
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
    await page.getByText('You are still signed in.').waitFor();
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
    expect(await page.locator('script').count()).toBe(0);
    expect(page.url()).toMatch(/signed-out$/);
  });
});
