import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Browser, createBrowser, type Page } from './helpers/browser.ts';
import { textOf } from './helpers/instances.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';
import { describeWithRedis, type RedisServer, startRedis, until } from './helpers/redis-server.ts';

// Redis goes away while somebody signs in. They were not signed in, so no page tells them that they have not been signed
// out; and what they can do is to try again.

describeWithRedis('while the store is away', () => {
  let redis: RedisServer;
  let pair: Pair;
  beforeAll(async () => {
    redis = await startRedis();
    pair = await startPair({ env: { REDIS_URL: redis.url } });
  });
  afterAll(async () => {
    await pair?.stop();
    await redis?.stop();
  });

  async function whileAway<T>(work: () => Promise<T>): Promise<T> {
    redis.freeze();
    try {
      return await work();
    } finally {
      redis.thaw();
      await until(async () => (await fetch(pair.app.url('/readyz'))).status === 200);
    }
  }

  /** Where "Try again" leads. */
  function newStartOn({ body }: Page): string {
    return /class="button" href="([^"]*)">Try again</.exec(body)?.[1]?.replaceAll('&amp;', '&') ?? '';
  }

  /** The page offers a new start for the page that they wanted; returns where that leads once the store is back. */
  async function expectNewStart(browser: Browser, page: Page): Promise<Page> {
    expect([page.status, headingOf(page)]).toEqual([503, "We can't sign you in right now"]);
    expect(page.headers.get('retry-after')).toBe('5');
    expect(textOf(page)).toContain("isn't responding. Please try again in a moment.");
    expect(textOf(page)).not.toMatch(/signed out|check your sign-in/);
    expect(newStartOn(page)).toBe('/auth/login?returnTo=%2Fprofile%3Ftab%3D1');
    return browser.get(pair.app.url(newStartOn(page)), { follow: false });
  }

  test('whoever comes back from the provider can start again, for the same page', async () => {
    const browser = createBrowser();
    const { location = '' } = await browser.get(pair.app.url('/profile?tab=1'), { follow: false });
    const callback = await pair.provider.signIn(browser, location, 'alice');
    const page = await whileAway(() => browser.get(callback));
    // Its answer is not used up, so a reload of this address signs in too.
    expect(page.body).not.toContain('kit-address');
    expect(pair.app.events('sign_in.failed')).toEqual([]);
    const landed = await pair.goOn(browser, await expectNewStart(browser, page), 'alice');
    expect([landed.status, landed.url]).toEqual([200, pair.app.url('/profile?tab=1')]);
  }, 30_000);

  test('whoever begins a sign-in, with a session or not, can begin it again', async () => {
    const { browser } = await pair.signIn('alice');
    const login = pair.app.url('/auth/login?returnTo=/profile%3Ftab%3D1');
    const next = await expectNewStart(browser, await whileAway(() => browser.get(login)));
    expect(next.location).toBe(pair.app.url('/profile?tab=1'));
  }, 30_000);

  test('whoever opens a page reads that they have not been signed out', async () => {
    const { browser } = await pair.signIn('alice');
    const page = await whileAway(() => browser.get(pair.app.url('/profile')));
    expect([page.status, headingOf(page)]).toEqual([503, "We can't check your sign-in right now"]);
    expect(textOf(page)).toContain("You haven't been signed out.");
  }, 30_000);
});
