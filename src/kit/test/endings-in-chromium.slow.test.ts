import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { TestApp } from './helpers/app.ts';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// What a person sees when a session ends, in a real browser; the app and the provider are two sites to it.
describeWithChromium('in Chromium', () => {
  let pair: Pair;
  let app: TestApp;
  let chromium: Browser;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    [pair, chromium] = await Promise.all([startPair(), launchChromium()]);
    app = pair.app;
  });
  afterAll(async () => {
    await chromium?.close();
    await pair?.stop();
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });

  /** A browser of its own, in which somebody has signed in and looks at their profile. */
  async function signIn(account = 'alice', options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
    const context = await chromium.newContext(options);
    contexts.push(context);
    const { browser } = await pair.signIn(account);
    await context.addCookies(
      browser.cookies.map(({ host: domain, name, value, path }) => ({ domain, name, value, path })),
    );
    const page = await context.newPage();
    await page.goto(app.url('/profile'));
    return page;
  }

  const words = async (where: Locator) => (await where.textContent())?.replace(/\s+/g, ' ').trim();
  const heading = (page: Page) => words(page.locator('h1'));
  const main = (page: Page) => words(page.locator('main'));

  /** The provider's list of who is signed in, in a tab beside the app's. */
  async function atProvider(page: Page): Promise<Page> {
    const tab = await page.context().newPage();
    await tab.goto(`${pair.provider.issuer}/sessions`);
    return tab;
  }

  test('signing out goes by the provider and comes back to a page that says what has ended', async () => {
    const page = await signIn();
    const answers: string[] = [];
    page.on('response', (response) => {
      if (response.request().isNavigationRequest())
        answers.push(`${response.status()} ${response.url().split('?')[0]}`);
    });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/\/signed-out/);
    expect(answers).toEqual([
      `200 ${app.url('/auth/logout')}`,
      `303 ${pair.provider.issuer}/session/end`,
      `200 ${app.url('/signed-out')}`,
    ]);
    expect(await heading(page)).toBe("You've signed out");
    expect(await page.locator('.outcome strong').allTextContents()).toEqual(['Ended', 'Revoked', 'Ended']);
    const cookies = await page.context().cookies(app.origin);
    expect(cookies.map(({ name }) => name)).not.toContain('session');

    // The back button shows nothing of the person who has left, and the provider asks anew.
    await page.goBack();
    await page.waitForLoadState();
    expect(await page.content()).not.toContain('Alice Adams');
    await page.goto(app.url('/profile'));
    expect(page.url()).toMatch(`${pair.provider.issuer}/interaction/`);
  });

  test('another window of the same browser is signed out with it', async () => {
    const page = await signIn();
    const second = await page.context().newPage();
    await second.goto(app.url('/profile'));
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/\/signed-out/);
    // It says so at once.
    await second.getByText("You've been signed out in another tab.").waitFor();
    expect(await second.getByRole('link', { name: 'Sign in again' }).isVisible()).toBe(true);
    // Its own button, pressed after that, does no harm.
    await second.getByRole('button', { name: 'Sign out' }).click();
    await second.waitForURL(app.url('/signed-out'));
    expect(await main(second)).toContain("You're not signed in");
  });

  test('a page of alice says so when bob has signed in in another tab, and its reload is a page of bob', async () => {
    const page = await signIn();
    const { browser: bob } = await pair.signIn('bob');
    await page
      .context()
      .addCookies(bob.cookies.map(({ host: domain, name, value, path }) => ({ domain, name, value, path })));
    await (await page.context().newPage()).goto(app.url('/'));
    await page
      .getByText("You've signed in as Bob Baker in another tab. This page was opened for Alice Adams.")
      .waitFor();
    await page.getByRole('button', { name: 'Reload this page' }).click();
    await page.getByRole('heading', { name: 'Bob Baker' }).waitFor();
    expect(await page.content()).not.toContain('Alice Adams');
  });

  test('the address of the sign-out asks first', async () => {
    const page = await signIn();
    await page.goto(app.url('/auth/logout'));
    expect(await heading(page)).toBe('Sign out?');
    await page.getByRole('link', { name: 'Stay signed in' }).click();
    expect(await heading(page)).toBe('Hello, Alice Adams');
    await page.goto(app.url('/auth/logout'));
    await page.getByRole('main').getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/\/signed-out/);
    expect(await heading(page)).toBe("You've signed out");
  });

  test("the development provider's button ends one session by back-channel, and the user reads why", async () => {
    const page = await signIn();
    const elsewhere = await signIn();
    const tab = await atProvider(page);
    const mine = tab.locator('li', { hasText: pair.provider.listSessions().at(-2)?.clients[0]?.sid ?? '?' });
    await mine.getByRole('button', { name: 'End this session by back-channel' }).click();
    expect(await words(tab.getByRole('status'))).toBe('Notified web-app, which answered 200.');

    await page.getByRole('link', { name: 'Sessions' }).click();
    expect(page.url()).toBe(app.url('/signed-out?returnTo=%2Fsessions'));
    expect(await heading(page)).toBe('Your session has ended');
    expect(await main(page)).toMatch(/[\w.]+:\d+ ended your session\./);
    await elsewhere.reload();
    expect(await heading(elsewhere)).toBe('Alice Adams');

    await page.getByRole('link', { name: 'Sign in again' }).click();
    await page.locator('button[name=account][value=alice]').click();
    await page.waitForURL(app.url('/sessions'));
  });

  test('and its other button ends all of one user', async () => {
    const [page, elsewhere, bob] = [await signIn(), await signIn(), await signIn('bob')];
    const tab = await atProvider(page);
    await tab.getByRole('button', { name: 'End all sessions of alice by back-channel' }).first().click();
    expect(await words(tab.getByRole('status'))).toBe('Notified web-app, which answered 200.');
    for (const each of [page, elsewhere]) {
      await each.reload();
      expect(await main(each)).toMatch(/[\w.]+:\d+ ended your session\./);
    }
    await bob.reload();
    expect(await heading(bob)).toBe('Bob Baker');
  });

  test('a frame on a page of the provider ends the session too, where the browser loads it', async () => {
    const page = await signIn();
    const tab = await atProvider(page);
    const complaints: string[] = [];
    tab.on('console', (message) => complaints.push(message.text()));
    const framed = tab.waitForResponse(/frontchannel-logout/);
    await tab.getByRole('button', { name: 'End this session by front-channel' }).last().click();
    const answer = await framed;
    expect(answer.status()).toBe(200);
    // In a frame of another site our Lax cookies are not sent: it works without.
    expect(await answer.request().headerValue('cookie')).toBeNull();
    await answer.finished();
    await page.reload();
    expect(await main(page)).toMatch(/[\w.]+:\d+ ended your session\./);
    expect(complaints.filter((text) => /frame|refused/i.test(text))).toEqual([]);
  });

  test('a frame without iss and sid ends the session where our cookie comes along: on our own site', async () => {
    const page = await signIn();
    const elsewhere = await signIn();
    const frame = `<!doctype html><iframe src="${app.url('/auth/frontchannel-logout')}"></iframe>`;
    const framing = createServer((_req, res) => res.setHeader('content-type', 'text/html').end(frame));
    await once(framing.listen(0, '127.0.0.1'), 'listening');
    const { port } = framing.address() as AddressInfo;
    // Ports do not count: the second is the app's own site.
    for (const [name, status] of [
      ['localhost', 400],
      ['127.0.0.1', 200],
    ] as const) {
      await page.reload();
      expect(await heading(page)).toBe('Alice Adams');
      const tab = await page.context().newPage();
      const framed = tab.waitForResponse(/frontchannel-logout/);
      await tab.goto(`http://${name}:${port}/`);
      expect((await framed).status()).toBe(status);
    }
    framing.close();
    framing.closeAllConnections();
    await page.reload();
    expect(await main(page)).toMatch(/[\w.]+:\d+ ended your session\./);
    await elsewhere.reload();
    expect(await heading(elsewhere)).toBe('Alice Adams');
  });

  test('a link of another site signs nobody out, although it names iss and sid', async () => {
    const page = await signIn();
    const sid = pair.provider.listSessions().at(-1)?.clients[0]?.sid ?? '';
    const query = new URLSearchParams({ iss: pair.provider.issuer, sid });
    const tab = await page.context().newPage();
    const link = `<a href="${app.url(`/auth/frontchannel-logout?${query}`)}">Win a prize</a>`;
    await tab.route('http://evil.test/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: link }),
    );
    await tab.goto('http://evil.test/');
    const [answer] = await Promise.all([
      tab.waitForResponse(/frontchannel-logout/),
      tab.getByRole('link').click(),
    ]);
    expect(answer.status()).toBe(400);
    await page.reload();
    expect(await heading(page)).toBe('Alice Adams');
  });

  test('without script somebody ends a session that they do not know, and that one says so', async () => {
    const page = await signIn('frank', { javaScriptEnabled: false });
    const intruder = await signIn('frank');
    await page.goto(app.url('/sessions'));
    expect(await page.locator('.badge').allTextContents()).toEqual(['This browser']);
    const end = page.getByRole('button', { name: /^Sign out Firefox on Linux/ });
    expect(await end.count()).toBe(1);
    await end.click();
    await page.waitForURL(app.url('/sessions'));
    expect(await end.count()).toBe(0);
    await intruder.reload();
    expect(await heading(intruder)).toBe('Your session has ended');
    expect(await main(intruder)).toContain('You signed this browser out from another device');
  });

  test('"Sign out everywhere" leads by the provider to the same farewell', async () => {
    const page = await signIn();
    await signIn();
    await page.goto(app.url('/sessions'));
    await page.getByRole('button', { name: 'Sign out everywhere', exact: true }).click();
    await page.waitForURL(/\/signed-out\?state=/);
    expect(await heading(page)).toBe("You've signed out");
  });
});
