import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { sessionsPage } from '../pages/sessions.ts';
import { startBrokeredProvider } from './helpers/brokered-provider.ts';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { profilePage } from './site/pages.ts';

// On the way to the provider, in a real browser. The provider hands on to another origin and back, as one does that
// leaves sign-ins to a broker: Chromium holds every redirect after a form to the form-action of the form's page (R16).

describeWithChromium('in Chromium, with a provider that hands on to another origin', () => {
  let pair: Pair;
  /** What the other origin was asked for. */
  let brokered: string[];
  let browser: Browser;
  const contexts: BrowserContext[] = [];
  let complaints: string[] = [];

  beforeAll(async () => {
    pair = await startPair({
      routes: {
        mount(app) {
          app.get(
            '/strong',
            requireAuth({ acr: 'urn:example:retina' }),
            (_req, res) => void res.send('strong'),
          );
        },
      },
      start: async (options) => {
        const provider = await startBrokeredProvider(options);
        brokered = provider.visits;
        return provider;
      },
    });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await pair?.stop();
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    complaints = [];
    brokered.length = 0;
  });

  const url = (path: string) => pair.app.url(path);
  const at = (origin: string) => (address: URL) => address.origin === origin;

  async function signIn(account: string, path: string, options: { javaScriptEnabled?: boolean } = {}) {
    const context = await browser.newContext(options);
    contexts.push(context);
    context.on('console', (message) => {
      if (/content security policy|refused|blocked/i.test(message.text())) complaints.push(message.text());
    });
    const page = await context.newPage();
    await page.goto(url('/'));
    await page.goto(url(path));
    await answer(page, account, path);
    complaints = [];
    brokered.length = 0;
    return page;
  }

  async function answer(page: Page, account: string, path: string): Promise<void> {
    await page.waitForURL(at(pair.provider.issuer));
    await page.locator(`button[value="${account}"]`).click();
    await page.waitForURL(url(path));
  }

  const entries = (page: Page) => page.evaluate('history.length');

  for (const javaScriptEnabled of [true, false]) {
    const script = javaScriptEnabled ? 'with' : 'without';

    test(`${script} script, signing out arrives there and comes back`, async () => {
      const page = await signIn('alice', '/profile', { javaScriptEnabled });
      const before = await entries(page);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(/\/signed-out\?state=/);
      expect(brokered).toEqual(['/session/end']);
      expect(complaints).toEqual([]);
      expect(await entries(page), 'one entry more, the farewell').toBe(Number(before) + 1);
      // The page before is nobody's now. The way on to the provider takes its place, and is no trap.
      await page.goBack();
      await page.waitForURL(at(pair.provider.issuer));
      expect(await entries(page)).toBe(Number(before) + 1);
      for (let back = 0; page.url() !== url('/') && back < 3; back++) await page.goBack();
      expect(page.url()).toBe(url('/'));
    });

    test(`${script} script, so does "Use another account"`, async () => {
      const page = await signIn('bob', '/admin', { javaScriptEnabled });
      await page.getByRole('button', { name: 'Use another account' }).click();
      // The provider needs script to change its own user.
      await answer(page, javaScriptEnabled ? 'alice' : 'bob', '/admin');
      expect(brokered).toEqual(['/auth']);
      expect(complaints).toEqual([]);
    });
  }

  test('so do "Sign out everywhere" and a form that asks for a fresh sign-in', async () => {
    // The button is there for somebody who is signed in elsewhere too.
    for (const account of ['grace', 'alice']) await signIn(account, '/profile');
    const page = await signIn('grace', '/sessions');
    const form = page.locator('form[action="/sessions/end-all"] button');
    await form.click();
    await answer(page, 'alice', '/sessions');
    expect(brokered).toEqual(['/auth']);
    await form.click();
    await page.waitForURL(/\/signed-out\?state=/);
    expect(brokered).toEqual(['/auth', '/session/end']);
    expect(complaints).toEqual([]);
  });

  test('so does the sign-in that another site begins, once its question is answered', async () => {
    const context = await browser.newContext();
    contexts.push(context);
    const page = await context.newPage();
    const query = new URLSearchParams({ iss: pair.provider.issuer, target_link_uri: '/profile' });
    await page.goto(url(`/auth/initiate-login?${query}`));
    await page.getByRole('main').getByRole('button').click();
    await answer(page, 'alice', '/profile');
    expect(brokered).toEqual(['/auth']);
  });

  test('so does a form whose answer leads to a page that asks for a stronger sign-in', async () => {
    const { access } = profilePage;
    const { actions } = sessionsPage;
    onTestFinished(() => {
      Object.assign(profilePage, { access });
      Object.assign(sessionsPage, { actions });
    });
    profilePage.access = { acr: 'urn:example:retina' };
    sessionsPage.actions = { ...actions, lead: { run: async () => '/profile?tab=1' } };
    const other = await startPair();
    onTestFinished(other.stop);
    // Somewhere else, too: else nothing on the page is a form of its own.
    await other.signIn('alice');
    const context = await browser.newContext();
    contexts.push(context);
    const page = await context.newPage();
    await page.goto(other.app.url('/sessions'));
    await page.locator('button[value="alice"]').click();
    await page.waitForURL(other.app.url('/sessions'));
    const button = page.locator('main form button').last();
    await button.evaluate(
      "document.querySelectorAll('form').forEach((form) => (form.action = '/sessions/lead'))",
    );
    await button.click();
    await page.waitForURL(at(other.provider.issuer));
  });

  test('who is held up there sees where the way leads, and goes on by keyboard', async () => {
    const page = await signIn('alice', '/profile');
    let held = 0;
    await page.route(
      ({ href }) => href.startsWith(`${pair.provider.issuer}/session/end?`),
      (route) => (held++ === 0 ? route.abort('aborted') : route.continue()),
    );
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: `Continue to ${new URL(pair.provider.issuer).host}` }).waitFor();
    await expect.poll(() => held).toBe(1);
    const stops = ['Skip to main content', 'Test site', 'Home', 'Sign in', 'Continue'];
    for (const stop of stops) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe(stop);
    }
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/signed-out\?state=/);
    expect(brokered).toEqual(['/session/end']);
  });

  // A form of its own to us, which its form-action allows: a redirect to elsewhere would be told to it as a violation.
  test.each([
    ['/profile', 'signed in'],
    ['/profile', 'signed out'],
    ['/auth/login', 'signed in'],
    ['/auth/login', 'signed out'],
    ['/strong', 'signed in'],
  ])('another site learns nothing from %s about somebody who is %s', async (path, state) => {
    const page = await signIn('alice', '/profile');
    if (state === 'signed out') await page.context().clearCookies();
    await page.route('http://other.test/**', (route) =>
      route.fulfill({
        contentType: 'text/html',
        headers: { 'Content-Security-Policy': `form-action ${pair.app.origin}` },
        body: `<form action="${url(path)}" target="_blank"><button>Win a prize</button></form>`,
      }),
    );
    await page.goto('http://other.test/');
    await page.evaluate(
      `globalThis.violations = 0; addEventListener('securitypolicyviolation', () => violations++)`,
    );
    const [opened] = await Promise.all([page.waitForEvent('popup'), page.getByRole('button').click()]);
    await opened.waitForURL(
      state === 'signed out' || path === '/strong' ? at(pair.provider.issuer) : at(pair.app.origin),
    );
    expect(await page.evaluate('violations')).toBe(0);
    expect(complaints).toEqual([]);
  });
});
