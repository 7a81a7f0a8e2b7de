import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// The whole way in a real browser, which keeps cookies, follows redirects and heeds policies in its own ways.

describeWithChromium('in Chromium', () => {
  let browser: Browser;
  let pair: Pair;
  let open: BrowserContext[] = [];
  /** What the console said of policies, and what broke. */
  let complaints: string[] = [];

  beforeAll(async () => {
    pair = await startPair();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await pair?.stop();
  });
  afterEach(async () => {
    await Promise.all(open.map((context) => context.close()));
    open = [];
    complaints = [];
  });

  async function person(options: { javaScriptEnabled?: boolean } = {}): Promise<BrowserContext> {
    const context = await browser.newContext(options);
    context.on('console', (message) => {
      if (/content security policy|refused to|blocked|mixed content/i.test(message.text()))
        complaints.push(message.text());
    });
    context.on('weberror', (error) => complaints.push(error.error().message));
    open.push(context);
    return context;
  }

  const url = (path: string) => pair.app.url(path);
  const forms = () => pair.provider.requests.filter((line) => line.startsWith('POST /interaction')).length;
  const signInAs = (page: Page, name: string) => page.locator(`button[value="${name}"]`).click();
  const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent();

  async function signIn(page: Page, path = '/profile', account = 'alice'): Promise<void> {
    await page.goto(url(path));
    await signInAs(page, account);
    await page.waitForURL(url(path));
  }

  test('a long address of Japanese letters is come back to, and one that no cookie holds leads home', async () => {
    const page = await (await person()).newPage();
    const long = `/profile?q=${'あ'.repeat(226)}`;
    const start = (path: string) => url(`/auth/login?returnTo=${encodeURIComponent(path)}`);
    await page.goto(start(long));
    await signInAs(page, 'alice');
    await page.waitForURL(url(encodeURI(long)));
    const other = await (await person()).newPage();
    await other.goto(start(`/profile?q=${'あ'.repeat(400)}`));
    await signInAs(other, 'alice');
    await other.waitForURL(url('/'));
    expect(await other.getByRole('button', { name: 'Sign out' }).count()).toBe(1);
  });

  for (const javaScriptEnabled of [true, false]) {
    const script = javaScriptEnabled ? 'with' : 'without';

    test(`${script} script: sign in, see the page, sign out, and the back button shows nothing`, async () => {
      const context = await person({ javaScriptEnabled });
      const page = await context.newPage();
      await page.goto(url('/profile?tab=1'));
      expect(new URL(page.url()).origin).toBe(pair.provider.issuer);
      await signInAs(page, 'alice');
      await page.waitForURL(url('/profile?tab=1'));
      expect(await heading(page)).toBe('Alice Adams');
      expect(page.url()).not.toContain('code=');

      // A page of ours leads on to the provider, and from there back: no form leads to another origin (R16).
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(/\/signed-out\?state=/);
      expect(await heading(page)).toBe("You've signed out");
      expect(await page.locator('.outcome').textContent()).not.toContain('Unknown');
      expect(pair.provider.requests).toContain('GET /session/end');

      await page.goBack();
      await page.waitForURL((address) => address.origin === pair.provider.issuer);
      expect(await page.content()).not.toContain('Alice Adams');
      await page.goto(url('/profile'));
      expect(new URL(page.url()).origin, 'the provider asks again').toBe(pair.provider.issuer);
      expect(await page.getByText('Carol', { exact: false }).count()).toBeGreaterThan(0);
      expect(complaints).toEqual([]);
    });

    test(`${script} script: a session that has ended is explained, and signing in leads back to the page`, async () => {
      const context = await person({ javaScriptEnabled });
      const page = await context.newPage();
      await signIn(page);
      await pair.provider.endUser('alice');
      await page.goto(url('/profile?x=1'));
      expect(page.url()).toBe(url('/signed-out?returnTo=%2Fprofile%3Fx%3D1'));
      expect(await page.getByText(/^[\w.]+:\d+ ended your session\.$/).count()).toBe(1);
      await page.getByRole('link', { name: 'Sign in again' }).click();
      await signInAs(page, 'bob');
      await page.waitForURL(url('/profile?x=1'));
      expect(complaints).toEqual([]);
    });
  }

  test('holds nothing but cookies that scripts cannot read', async () => {
    const context = await person();
    const page = await context.newPage();
    await signIn(page);
    const seen = await page.evaluate(
      '({ cookies: document.cookie, local: localStorage.length, session: sessionStorage.length })',
    );
    expect(seen).toEqual({ cookies: '', local: 0, session: 0 });
    const cookies = await context.cookies(url('/'));
    expect(
      cookies.map(({ name, httpOnly, sameSite, expires }) => ({ name, httpOnly, sameSite, expires })),
    ).toEqual([{ name: 'session', httpOnly: true, sameSite: 'Lax', expires: -1 }]);
  });

  test('five tabs opened at once by nobody each land on their own page', async () => {
    const context = await person();
    const tabs = await Promise.all([1, 2, 3, 4, 5].map(() => context.newPage()));
    await Promise.all(tabs.map((tab, index) => tab.goto(url(`/profile?tab=${index}`))));
    const before = forms();
    await signInAs(tabs[3] as Page, 'alice');
    await tabs[3]?.waitForURL(url('/profile?tab=3'));
    // The provider knows her now: the others only have to ask anew.
    for (const [index, tab] of tabs.entries()) {
      if (index !== 3) await tab.goto(url(`/profile?tab=${index}`));
      expect(tab.url()).toBe(url(`/profile?tab=${index}`));
      expect(await heading(tab)).toBe('Alice Adams');
    }
    expect(forms() - before).toBe(1);
  });

  test('twenty tabs on a session that has ended go on by themselves, each to its own address', async () => {
    const context = await person();
    const first = await context.newPage();
    await signIn(first);
    await pair.provider.endUser('alice');
    const tabs = [first, ...(await Promise.all(Array.from({ length: 19 }, () => context.newPage())))];
    await Promise.all(tabs.map((tab, index) => tab.goto(url(`/profile?tab=${index}`))));
    for (const tab of tabs) expect(new URL(tab.url()).pathname).toBe('/signed-out');
    const before = forms();
    await first.getByRole('link', { name: 'Sign in again' }).click();
    await signInAs(first, 'alice');
    await first.waitForURL(url('/profile?tab=0'));
    await Promise.all(tabs.map((tab, index) => tab.waitForURL(url(`/profile?tab=${index}`))));
    for (const tab of tabs) expect(await heading(tab)).toBe('Alice Adams');
    expect(forms() - before, 'forms at the provider').toBe(1);
    expect(complaints).toEqual([]);
  }, 60_000);

  test('a page that the back button brings back whole asks whether its session is still there', async ({
    onTestFinished,
  }) => {
    const keeping = await launchChromium({ keepsPages: true });
    onTestFinished(() => keeping.close());
    const page = await keeping.newPage();
    await signIn(page);
    // To another site: a page of ours would speak up in the channel, which throws away what was kept.
    await page.goto(`${pair.provider.issuer}/sessions`);
    await pair.provider.endUser('alice');
    const asked: string[] = [];
    // The page that is left may still ask for its icon.
    page.on('request', (request) => request.url().startsWith(url('/')) && asked.push(request.url()));
    await page.goBack({ waitUntil: 'commit' });
    await page.waitForURL(url('/signed-out?returnTo=%2Fprofile'));
    expect(await page.content()).not.toContain('Alice Adams');
    expect(asked[0], 'kept whole: only then does its script ask').toBe(url('/auth/session'));
  });

  test('and whether it is still the same person who is signed in', async () => {
    const context = await person();
    const page = await context.newPage();
    await signIn(page);
    const { browser: bob } = await pair.signIn('bob');
    await context.addCookies(
      bob.cookies
        .filter(({ name }) => name === 'session')
        .map(({ host: domain, name, value, path }) => ({ domain, name, value, path, httpOnly: true })),
    );
    // Chromium itself throws a kept page away when a cookie changes; others need not.
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
    await page.getByRole('heading', { name: 'Bob Baker' }).waitFor();
    expect(await page.content()).not.toContain('Alice Adams');
  });

  test('who may not see a page switches user from there', async () => {
    const context = await person();
    const page = await context.newPage();
    await signIn(page, '/profile', 'bob');
    await page.goto(url('/admin'));
    expect(await heading(page)).toBe("You don't have access to this page");
    await page.getByRole('button', { name: 'Use another account' }).click();
    await signInAs(page, 'alice');
    await page.waitForURL(url('/admin'));
    expect(complaints).toEqual([]);
  });

  test('a form that asks for a recent sign-in leads to the provider and back to its page', async () => {
    const context = await person();
    const page = await context.newPage();
    await signIn(page, '/sessions', 'grace');
    const other = await person();
    await signIn(await other.newPage(), '/profile', 'grace');
    await page.reload();
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
    await signInAs(page, 'alice');
    await page.waitForURL(url('/sessions'));
    expect(await page.getByText('Alice Adams').count()).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  test('hostile claims do nothing but stand there', async () => {
    const context = await person();
    const page = await context.newPage();
    let dialogs = 0;
    page.on('dialog', (dialog) => {
      dialogs++;
      void dialog.dismiss();
    });
    await signIn(page, '/profile', 'eve');
    for (const path of ['/', '/profile', '/sessions', '/admin', '/signed-out']) {
      await page.goto(url(path));
      expect(await page.locator('main img, main svg:not([aria-hidden]), main script').count(), path).toBe(0);
    }
    expect(dialogs).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('a page of another site cannot sign anybody out, nor frame us', async () => {
    const context = await person();
    const page = await context.newPage();
    await signIn(page);
    await page.route('http://evil.test/**', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<img src="${url('/auth/logout')}"><iframe src="${url('/profile')}"></iframe>
               <form method="post" action="${url('/auth/logout')}"><button>Win a prize</button></form>`,
      }),
    );
    await page.goto('http://evil.test/');
    await page.getByRole('button').click();
    await page.waitForURL(url('/auth/logout'));
    expect(await heading(page)).toBe('We blocked this request');
    await page.goto(url('/profile'));
    expect(await heading(page)).toBe('Alice Adams');
  });
});
