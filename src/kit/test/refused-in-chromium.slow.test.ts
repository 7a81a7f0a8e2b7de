import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import { recheck } from '../session/by-owner.ts';
import { createHook } from './helpers/asked.ts';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// Somebody whom `signIn` in site.ts refuses, in a real browser: their page, and both ways on from it.

describeWithChromium('in Chromium, whoever is refused', () => {
  const hook = createHook();
  let pair: Pair;
  let chromium: Browser;
  let context: BrowserContext;
  const complaints: string[] = [];

  beforeAll(async () => {
    [pair, chromium] = await Promise.all([startPair({ parts: { signIn: hook.signIn } }), launchChromium()]);
  });
  afterAll(async () => {
    await chromium?.close();
    await pair?.stop();
  });
  afterEach(async () => {
    await context?.close();
    complaints.length = 0;
  });

  const url = (path: string) => pair.app.url(path);
  const refuseBob = () =>
    hook.now(({ sub }) => {
      if (sub === 'bob') throw refuse('Ask Nora for access.');
    });

  async function signIn(account: string, options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
    context = await chromium.newContext(options);
    context.on('console', (message) => {
      if (/content security policy/i.test(message.text())) complaints.push(message.text());
    });
    const page = await context.newPage();
    await page.goto(url('/profile'));
    await choose(page, account);
    return page;
  }
  /** On the provider's page. */
  const choose = (page: Page, account: string) =>
    page.locator(`button[name=account][value=${account}]`).click();
  const textOf = (page: Page) => page.getByRole('main').innerText();
  const refusal = (page: Page) => page.getByRole('heading', { name: "You can't use this app" }).waitFor();

  for (const javaScriptEnabled of [true, false]) {
    const script = javaScriptEnabled ? 'with' : 'without';

    test(`${script} script, may choose another account and lands where they wanted to go`, async () => {
      refuseBob();
      const page = await signIn('bob', { javaScriptEnabled });
      await refusal(page);
      expect(await textOf(page)).toMatch(/Ask Nora for access\.[\s\S]*Bob Baker/);
      await page.getByRole('button', { name: 'Use another account' }).click();
      // The development provider needs script to change its own user.
      await choose(page, javaScriptEnabled ? 'alice' : 'bob');
      if (javaScriptEnabled) {
        await page.waitForURL(url('/profile'));
        expect(await textOf(page)).toContain('Alice Adams');
      } else await refusal(page);
      expect(complaints).toEqual([]);
    });

    test(`${script} script, may sign out at the provider and reads that it has ended there`, async () => {
      refuseBob();
      const page = await signIn('bob', { javaScriptEnabled });
      await refusal(page);
      const { host } = new URL(pair.provider.issuer);
      await page.getByRole('button', { name: `Sign out of ${host}` }).click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(/\/signed-out\?state=/);
      expect(await textOf(page)).toMatch(/Your sign-in at \S+\s*:?\s*Ended/);
      expect(complaints).toEqual([]);
    });
  }

  test('at a recheck is out on the next page, which says why', async () => {
    hook.now(() => undefined);
    const page = await signIn('bob');
    await page.waitForURL(url('/profile'));
    refuseBob();
    await recheck({ iss: pair.provider.issuer, sub: 'bob' });
    await page.reload();
    await refusal(page);
    expect(await textOf(page)).toContain('Ask Nora for access.');
    await page.getByRole('link', { name: 'Sign in', exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });
});
