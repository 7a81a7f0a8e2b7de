import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import { type HttpsPair, startHttpsPair } from './helpers/https-front.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// Several tabs of a real browser that sign in at once (R3, R4): somebody opens a folder of bookmarks in the morning,
// still known to the provider. What the tests in tabs-and-loops.test.ts show one by one.
describeWithChromium('a bookmarks folder in Chromium', () => {
  let pair: Pair;
  let chromium: Browser;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    [pair, chromium] = await Promise.all([startPair(), launchChromium()]);
  });
  afterAll(async () => {
    await chromium?.close();
    await pair?.stop();
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });

  /** A browser that the provider knows and this app does not. */
  async function knownAtProvider(): Promise<BrowserContext> {
    const context = await chromium.newContext();
    contexts.push(context);
    const { browser } = await pair.signIn('alice');
    const cookies = browser.cookies.filter(({ name }) => !/^(session|sign-ins|login-.*)$/.test(name));
    await context.addCookies(
      cookies.map(({ host: domain, name, value, path }) => ({ domain, name, value, path })),
    );
    return context;
  }

  async function openAll(context: BrowserContext, paths: string[]): Promise<Page[]> {
    const tabs = await Promise.all(paths.map(() => context.newPage()));
    await Promise.all(tabs.map((tab, index) => tab.goto(pair.app.url(paths[index] ?? ''))));
    // Where another tab replaced the session of one that was on its way, that one was led by /signed-out.
    for (const tab of tabs) {
      const { pathname, searchParams } = new URL(tab.url());
      if (pathname === '/signed-out') await tab.goto(pair.app.url(searchParams.get('returnTo') ?? ''));
    }
    return tabs;
  }

  const pathsOf = (count: number) => Array.from({ length: count }, (_, tab) => `/profile?tab=${tab + 1}`);
  const inApp = (tab: Page) => tab.url().slice(pair.app.origin.length);

  test('of five tabs: each shows its own page', async () => {
    const paths = pathsOf(5);
    const tabs = await openAll(await knownAtProvider(), paths);
    expect(tabs.map(inApp)).toEqual(paths);
    for (const tab of tabs) expect(await tab.locator('h1').textContent()).toContain('Alice Adams');
  }, 60_000);

  test('of twelve tabs: each shows its own page, the home page, or one button that leads to its page', async () => {
    const paths = pathsOf(12);
    const tabs = await openAll(await knownAtProvider(), paths);
    for (const [index, tab] of tabs.entries()) {
      if ([paths[index], '/'].includes(inApp(tab))) continue;
      expect(await tab.locator('h1').textContent()).toBe('This sign-in has expired');
      expect(await tab.locator('main .actions .button').count()).toBe(1);
      await tab.locator('main .actions .button').click();
      await tab.waitForURL(pair.app.url('/'));
    }
    expect(pair.app.events('sign_in.failed').map(({ reason }) => reason)).not.toContain('ended_meanwhile');
  }, 60_000);

  test('an answer that is opened in two tabs at the same moment: its code is sent once, both show a page', async () => {
    const context = await knownAtProvider();
    let answer = pair.app.url('/profile');
    while (!answer.startsWith(pair.app.url('/auth/callback'))) {
      const options = { maxRedirects: 0, headers: { Accept: 'text/html' } };
      const { location = '' } = (await context.request.get(answer, options)).headers();
      answer = new URL(location, answer).href;
    }
    const codes = () => pair.provider.requests.filter((line) => line === 'POST /token').length;
    const before = codes();
    const tabs = await Promise.all([context.newPage(), context.newPage()]);
    await Promise.all(tabs.map((tab) => tab.goto(answer)));
    expect(codes() - before).toBe(1);
    expect(tabs.map(inApp)).toEqual(['/profile', '/profile']);
  }, 60_000);
});

describeWithChromium('an answer by form_post in Chromium', () => {
  let pair: HttpsPair;
  let chromium: Browser;
  beforeAll(async () => {
    [pair, chromium] = await Promise.all([
      startHttpsPair({ OIDC_RESPONSE_MODE: 'form_post' }),
      launchChromium(),
    ]);
  });
  afterAll(async () => {
    await chromium?.close();
    await pair?.stop();
  });

  test('that is sent once more leads to a page of whoever is signed in', async () => {
    const context = await chromium.newContext({ ignoreHTTPSErrors: true });
    const tab = await context.newPage();
    const answers: string[] = [];
    let form = '';
    tab.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (pathname !== '/auth/callback') return;
      answers.push(`${response.request().method()} ${response.status()}`);
      form ||= response.request().postData() ?? '';
    });
    await tab.goto(pair.url('/profile'));
    await tab.locator('button[value="alice"]').click();
    await tab.waitForURL(pair.url('/profile'));
    expect(answers).toEqual(['POST 303']);
    // The form once more, from another site: the session's cookie stays behind.
    const fields = [...new URLSearchParams(form)].map(
      ([name, value]) => `<input name="${name}" value="${value}">`,
    );
    await tab.goto('about:blank');
    const action = pair.url('/auth/callback');
    await tab.setContent(
      `<form method="post" action="${action}">${fields.join('')}<button>Again</button></form>`,
    );
    await tab.getByRole('button').click();
    await tab.waitForURL(pair.url('/'));
    expect(answers).toEqual(['POST 303', 'POST 303', 'GET 303']);
    expect(await tab.locator('main').textContent()).toContain('Alice');
  }, 60_000);
});
