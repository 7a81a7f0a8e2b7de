import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createKeys } from '../store/index.ts';
import type { TestApp } from './helpers/app.ts';
import { type Browser, createBrowser, type Page } from './helpers/browser.ts';
import type { IdentityProvider } from './helpers/identity-provider.ts';
import { copyOf, createGate, type Instances, startInstances, statusOf } from './helpers/instances.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';
import { describeWithRedis, until } from './helpers/redis-server.ts';

// A double click, a reload, a prefetch: the provider's answer may come more than once, at the same moment or later,
// at one instance or two. Its code is sent once, and nobody is left on an error page who is signed in (R3, R4).

interface Setup {
  provider: IdentityProvider;
  /** Where the first request goes, and where the second. */
  one: TestApp;
  two: TestApp;
}

const codesSent = (provider: IdentityProvider) =>
  provider.requests.filter((line) => line === 'POST /token').length;

/** A sign-in that came as far as its answer. */
async function answered({ provider, one }: Setup, path = '/profile?tab=1') {
  const browser = createBrowser();
  const { location = '' } = await browser.get(one.url(path), { follow: false });
  return { browser, callback: await provider.signIn(browser, location, 'alice') };
}

const at = ({ one }: Setup, app: TestApp, callback: string) => callback.replace(one.origin, app.origin);

/** The one way on that the page offers. */
function waysOn({ body }: Page): string[] {
  const main = /<main[^>]*>([\s\S]*?)<\/main>/.exec(body)?.[1] ?? '';
  return [...main.matchAll(/class="button[^"]*" href="([^"]*)"/g)].map(([, href]) => href ?? '');
}

/** How an answer that came twice is dealt with, wherever the two requests arrive. */
function expectOneUse(setup: () => Setup, gate: ReturnType<typeof createGate>) {
  afterEach(() => gate.open());

  test('at once: its code is sent once, and both requests end on the page asked for', async () => {
    const { provider, one, two } = setup();
    const { browser, callback } = await answered(setup());
    const sent = codesSent(provider);
    const { arrived } = gate.close();
    const first = browser.get(callback);
    await arrived;
    let early: Page | undefined;
    const second = browser.get(at(setup(), two, callback), { follow: false }).then((page) => (early = page));
    // A request that was sent after it is answered; it is not. Until the first is, the browser has no session to show.
    await browser.get(two.url('/healthz'));
    expect(early).toBeUndefined();
    gate.open();
    await first;
    const goesOn = browser.get((await second).location ?? '');
    for (const page of await Promise.all([first, goesOn])) {
      expect([page.status, new URL(page.url).pathname + new URL(page.url).search]).toEqual([
        200,
        '/profile?tab=1',
      ]);
    }
    expect(codesSent(provider) - sent).toBe(1);
    expect(await statusOf(browser, one)).toBe(200);
  });

  test('at once ten times: its code is sent once', async () => {
    const { provider, one, two } = setup();
    const { browser, callback } = await answered(setup());
    const sent = codesSent(provider);
    const pages = await Promise.all(
      Array.from({ length: 10 }, (_, turn) => browser.get(at(setup(), turn % 2 ? two : one, callback))),
    );
    expect(pages.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(codesSent(provider) - sent).toBe(1);
  });

  test('later, from a copy of the cookies: its code is not sent again, and a new start is offered', async () => {
    const { provider, two } = setup();
    const { browser, callback } = await answered(setup());
    const copy = copyOf(browser);
    expect((await browser.get(callback)).status).toBe(200);
    const sent = codesSent(provider);
    const page = await copy.get(at(setup(), two, callback));
    expect([page.status, headingOf(page)]).toEqual([400, 'This sign-in has expired']);
    expect(waysOn(page)).toEqual(['/auth/login?returnTo=%2Fprofile%3Ftab%3D1']);
    expect(codesSent(provider)).toBe(sent);
    expect(copy.cookie('session')).toBeUndefined();
  });

  test('when the browser gives up on the first, the second waits all the same, and the code is sent once', async () => {
    const { provider, two } = setup();
    const { browser, callback } = await answered(setup());
    const sent = codesSent(provider);
    const { arrived } = gate.close();
    const first = request(callback, { headers: { Cookie: browser.cookieHeader(callback) } });
    first.on('error', () => {}).end();
    await arrived;
    const gone = new Promise((resolve) => first.once('close', resolve));
    first.destroy();
    await gone;
    let early: Page | undefined;
    const second = browser.get(at(setup(), two, callback)).then((page) => (early = page));
    // Twice: the first of these may overtake the news that the connection is gone.
    for (let turn = 0; turn < 2; turn++) await browser.get(two.url('/healthz'));
    expect(early).toBeUndefined();
    gate.open();
    expect(waysOn(await second)).toEqual(['/auth/login?returnTo=%2Fprofile%3Ftab%3D1']);
    expect(codesSent(provider) - sent).toBe(1);
  });

  test('when the first fails, the second gets the same page, which offers a new start for the same path', async () => {
    const { provider, two } = setup();
    const { browser, callback } = await answered(setup());
    const bad = new URL(callback);
    bad.searchParams.set('code', 'nobody-gave-this-code');
    const sent = codesSent(provider);
    const [first, second] = await Promise.all([
      browser.get(bad.href),
      browser.get(at(setup(), two, bad.href)),
    ]);
    for (const page of [first, second]) {
      expect([page.status, headingOf(page)]).toEqual([502, headingOf(first)]);
      expect(waysOn(page)).toContain('/auth/login?returnTo=%2Fprofile%3Ftab%3D1');
    }
    expect(codesSent(provider) - sent).toBe(1);
  });
}

describe('an answer that comes twice, with sessions in memory,', () => {
  let pair: Pair;
  const gate = createGate();
  beforeAll(async () => {
    pair = await startPair({ overrides: { extraTokenClaims: () => gate.pass() } });
  });
  afterAll(() => pair?.stop());
  const setup = (): Setup => ({ provider: pair.provider, one: pair.app, two: pair.app });

  expectOneUse(setup, gate);

  const others: [what: string, headers: Record<string, string>, method?: string][] = [
    ['a prefetch', { 'Sec-Purpose': 'prefetch' }],
    ['a prerendering', { 'Sec-Purpose': 'prefetch;prerender' }],
    ['a prefetch of an older browser', { Purpose: 'prefetch' }],
    ['a prefetch of an old Firefox', { 'X-Moz': 'prefetch' }],
    ['a preview of Safari', { 'X-Purpose': 'preview' }],
    ['a HEAD', {}, 'HEAD'],
    ['an iframe', { 'Sec-Fetch-Dest': 'iframe' }],
    ['a frame', { 'Sec-Fetch-Dest': 'frame' }],
    ['an embed', { 'Sec-Fetch-Dest': 'embed' }],
    ['an object', { 'Sec-Fetch-Dest': 'object' }],
    ['an image', { 'Sec-Fetch-Dest': 'image', 'Sec-Fetch-Mode': 'no-cors' }],
    ['a fetch', { 'Sec-Fetch-Dest': 'empty', 'Sec-Fetch-Mode': 'cors' }],
  ];
  test.each(others)('%s uses nothing up: the person who comes after it is signed in', async (...given) => {
    const [, headers, method = 'GET'] = given;
    const { browser, callback } = await answered(setup());
    const sent = codesSent(pair.provider);
    const early = await browser.request(method, callback, { headers, follow: false });
    expect(early.status).toBe(401);
    expect(early.headers.getSetCookie()).toEqual([]);
    expect(codesSent(pair.provider)).toBe(sent);
    const page = await browser.get(callback);
    expect([page.status, page.url]).toEqual([200, pair.app.url('/profile?tab=1')]);
  });

  test.each([
    { Accept: '*/*' },
    { 'X-Requested-With': 'XMLHttpRequest' },
    { Accept: 'application/json' },
    { 'Sec-Fetch-Site': 'cross-site' },
  ])('a browser that says nothing of itself but %o is a person', async (headers) => {
    const { browser, callback } = await answered(setup());
    expect(await statusWithout(browser, callback, headers)).toBe(303);
  });
});

/** The status for a request that has these headers and its cookies alone. */
function statusWithout(browser: Browser, url: string, headers: Record<string, string>) {
  return new Promise<number | undefined>((resolve, reject) => {
    request(url, { headers: { ...headers, Cookie: browser.cookieHeader(url) } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describeWithRedis('an answer that comes twice, to two instances,', () => {
  let all: Instances;
  const gate = createGate();
  beforeAll(async () => {
    all = await startInstances({ overrides: { extraTokenClaims: () => gate.pass() } });
  });
  afterAll(() => all?.stop());
  const setup = (): Setup => ({ provider: all.provider, one: all.one, two: all.two });

  expectOneUse(setup, gate);

  test('is marked by one command, and what only starts leaves nothing in the store', async () => {
    await all.redis.run('FLUSHALL');
    const { browser, callback } = await answered(setup());
    expect(((await all.redis.run('KEYS', '*')) as string[]).filter((key) => !/^limit:/.test(key))).toEqual(
      [],
    );
    const commands = await all.redis.monitor(() => browser.get(callback, { follow: false }));
    // The other is that it was answered.
    const marks = commands.filter((line) => line.includes('"app:answer:'));
    expect(marks[0]).toMatch(/^"EVAL(SHA)?" ".*" "2" "app:answer:\{app:order\}:[0-9a-f]{64}" "app:order" /s);
    expect(marks, commands.join('\n')).toHaveLength(2);
    const [key] = (await all.redis.run('KEYS', 'app:answer:*')) as string[];
    expect(Number(await all.redis.run('TTL', key as string))).toBeGreaterThan(3_590);
  });

  test('whose first request died with its instance is answered all the same', async () => {
    const { browser, callback } = await answered(setup());
    const sent = codesSent(all.provider);
    const state = new URL(callback).searchParams.get('state') ?? '';
    await all.redis.run('SET', createKeys('app:').answer(state), '1', 'EX', '60');
    const page = await browser.get(callback);
    expect([page.status, waysOn(page)]).toEqual([400, ['/auth/login?returnTo=%2Fprofile%3Ftab%3D1']]);
    expect(codesSent(all.provider)).toBe(sent);
  }, 20_000);

  test('is not used up by a store that fails: a reload signs in', async () => {
    const { browser, callback } = await answered(setup());
    const sent = codesSent(all.provider);
    all.redis.freeze();
    const away = await browser.get(callback, { follow: false }).finally(() => all.redis.thaw());
    expect(away.status).toBe(503);
    expect(codesSent(all.provider)).toBe(sent);
    await until(async () => (await browser.get(all.one.url('/readyz'))).status === 200);
    const page = await browser.get(callback);
    expect([page.status, page.url]).toEqual([200, all.one.url('/profile?tab=1')]);
  }, 20_000);
});
