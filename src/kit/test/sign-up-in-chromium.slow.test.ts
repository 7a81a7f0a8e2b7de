import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// "Sign up", in a real browser: from the home page to the provider's form, and back as the new person.

describeWithChromium('in Chromium', () => {
  let pair: Pair;
  let browser: Browser;
  beforeAll(async () => {
    pair = await startPair();
    browser = await launchChromium();
    await pair.signIn('alice'); // By then the provider's metadata is there.
  });
  afterAll(async () => {
    await browser?.close();
    await pair?.stop();
  });

  test.each([true, false])(
    'a visitor makes an account and is signed in with it (script: %s)',
    async (script) => {
      const context = await browser.newContext({ javaScriptEnabled: script });
      try {
        const page = await context.newPage();
        const complaints: string[] = [];
        page.on('console', (message) => {
          if (/content security policy/i.test(message.text())) complaints.push(message.text());
        });
        await page.goto(pair.app.url('/'));
        await page.getByRole('link', { name: 'Sign up' }).click();
        await page.getByLabel('Name').fill('Zoë Zander');
        await page.getByRole('button', { name: 'Create the account' }).click();
        await page.waitForURL(pair.app.url('/'));
        expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('Zoë Zander');
        expect(await page.getByRole('link', { name: 'Sign up' }).count()).toBe(0);

        // Signed in, the same link asks for another new account; who gives up stays who they are.
        await page.goto(pair.app.url('/auth/login?prompt=create&returnTo=/profile'));
        await page.getByRole('button', { name: 'Cancel' }).click();
        await page.waitForURL((url) => url.pathname === '/auth/callback');
        await page.goto(pair.app.url('/profile'));
        expect(await page.getByRole('main').textContent()).toContain('Zoë Zander');
        expect(complaints).toEqual([]);
      } finally {
        await context.close();
      }
    },
  );
});
