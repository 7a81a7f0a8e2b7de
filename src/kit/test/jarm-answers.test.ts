import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { createBrowser, type Page } from './helpers/browser.ts';
import { copyOf } from './helpers/instances.ts';
import type { Lies } from './helpers/misbehaving-replies.ts';
import {
  expectHonestSignIn,
  expectPlainFailure,
  type Pair,
  reasons,
  withPair as withAnyPair,
} from './helpers/misbehaving-sign-in.ts';
import { headingOf } from './helpers/pair.ts';
import { until } from './helpers/redis-server.ts';

// OIDC_RESPONSE_MODE=jwt: answers that come twice, late, in another browser, by another way, or in numbers. What is
// wrong inside of one stands in jarm.test.ts.
vi.setConfig({ maxConcurrency: 8, testTimeout: 60_000 });

type Options = Parameters<typeof withAnyPair>[0];
const withPair = (options: Options, use: (pair: Pair) => Promise<void>) =>
  withAnyPair({ ...options, env: { OIDC_RESPONSE_MODE: 'jwt', ...options.env } }, use);

/** A sign-in that came as far as its answer, which was not opened. */
async function answered({ op, app, browser }: Pair, path = '/profile?tab=1', lies: Lies = {}) {
  const { location = '' } = await browser.get(app.url(path), { follow: false });
  return answerAt({ op, browser }, location, lies);
}

async function answerAt({ op, browser }: Pick<Pair, 'op' | 'browser'>, address: string, lies: Lies = {}) {
  op.next(lies);
  return (await browser.get(address, { follow: false })).location ?? '';
}

/** Opens an address with so few headers that there is room for it. */
async function openBare(url: string): Promise<Page> {
  const [answer] = (await once(request(url, { headers: { Accept: 'text/html' } }).end(), 'response')) as [
    IncomingMessage,
  ];
  const { statusCode: status = 0 } = answer;
  return { url, status, headers: new Headers(), body: await text(answer), location: undefined };
}

const expectLanded = (page: Page, { app }: Pair, path = '/profile?tab=1') =>
  expect([page.status, page.url]).toEqual([200, app.url(path)]);

describe.concurrent('a signed answer that comes twice (R3, R4)', () => {
  test('at once: its code is sent once, and both requests end on the page asked for', () =>
    withPair({}, async (pair) => {
      const { op, browser } = pair;
      const callback = await answered(pair);
      const gate = Promise.withResolvers<void>();
      const arrived = Promise.withResolvers<void>();
      op.takeOver('token', async (honest) => {
        arrived.resolve();
        await gate.promise;
        return honest;
      });
      const first = browser.get(callback);
      await arrived.promise;
      const second = browser.get(callback, { follow: false });
      gate.resolve();
      expectLanded(await first, pair);
      expectLanded(await browser.get((await second).location ?? ''), pair);
      expect(op.calls.token).toBe(1);
    }));

  test('later, from a copy of the cookies: a new start is offered for the same path', () =>
    withPair({}, async (pair) => {
      const { op, browser, app } = pair;
      const callback = await answered(pair);
      const copy = copyOf(browser);
      expectLanded(await browser.get(callback), pair);
      const page = await copy.get(callback);
      expect([page.status, headingOf(page)]).toEqual([400, 'This sign-in has expired']);
      expect(page.body).toContain('href="/auth/login?returnTo=%2Fprofile%3Ftab%3D1"');
      expect([op.calls.token, copy.cookie('session')]).toEqual([1, undefined]);
      expect(reasons(app)).toEqual(['state_unknown']);
    }));

  test('from somebody signed in (back button, reload): leads to a page', () =>
    withPair({}, async (pair) => {
      const { op, browser, app } = pair;
      const callback = await answered(pair);
      expectLanded(await browser.get(callback), pair);
      expectLanded(await browser.get(callback), pair, '/');
      expect([op.calls.token, reasons(app)]).toEqual([1, []]);
    }));

  test.each([
    ['a prefetch', { 'Sec-Purpose': 'prefetch' }],
    ['a HEAD', {}, 'HEAD'],
    ['a frame', { 'Sec-Fetch-Dest': 'iframe' }],
  ] as [string, Record<string, string>, string?][])('first as %s: nothing is used up', (...given) =>
    withPair({}, async (pair) => {
      const [, headers, method = 'GET'] = given;
      const { op, browser } = pair;
      const callback = await answered(pair);
      const early = await browser.request(method, callback, { headers, follow: false });
      expect([early.status, op.calls.token]).toEqual([401, 0]);
      expect(early.headers.getSetCookie()).toEqual([]);
      expectLanded(await browser.get(callback), pair);
    }),
  );
});

describe.concurrent('a signed answer', () => {
  test('in each of five tabs lands on its own page; the oldest of six has gone', () =>
    withPair({}, async (pair) => {
      const { browser, app } = pair;
      const callbacks: string[] = [];
      for (let tab = 1; tab <= 6; tab++) callbacks.push(await answered(pair, `/profile?tab=${tab}`));
      for (let tab = 6; tab >= 2; tab--) {
        expectLanded(await browser.get(callbacks[tab - 1] ?? ''), pair, `/profile?tab=${tab}`);
      }
      browser.clearCookies();
      expect((await browser.get(callbacks[0] ?? '')).status).toBe(400);
      expect(reasons(app)).toEqual(['state_unknown']);
    }));

  test('to the sign-in of another browser signs nobody in, and its code is not sent', () =>
    withPair({}, async (pair) => {
      const { op, app } = pair;
      const callback = await answered({ ...pair, browser: createBrowser() });
      expectPlainFailure(await pair.browser.get(callback), app);
      expect([reasons(app), op.calls.token]).toEqual([['state_unknown'], 0]);
      await expectHonestSignIn(pair);
    }));

  test('posted by another site is refused and uses nothing up', () =>
    withPair({}, async (pair) => {
      const { op, browser } = pair;
      const callback = new URL(await answered(pair));
      const form = Object.fromEntries(callback.searchParams);
      for (const from of [op.origin, 'https://evil.example']) {
        const page = await browser.post(callback.origin + callback.pathname, form, {}, from);
        expect([page.status, op.calls.token]).toEqual([403, 0]);
      }
      expectLanded(await browser.get(callback.href), pair);
    }));

  test('whose form our own page posted is no answer', () =>
    withPair({}, async (pair) => {
      const callback = new URL(await answered(pair));
      const form = Object.fromEntries(callback.searchParams);
      const page = await pair.browser.post(callback.origin + callback.pathname, form);
      expect([page.status, reasons(pair.app), pair.op.calls.token]).toEqual([400, ['state_missing'], 0]);
    }));

  test('of 100 KB is refused before it is read, and one that just fits is refused with a page', () =>
    withPair({}, async (pair) => {
      const { app, browser } = pair;
      const address = (length: number) => app.url(`/auth/callback?response=${'x'.repeat(length)}`);
      expect((await fetch(address(100_000))).status).toBe(431);
      const page = await openBare(address(16_001));
      expect([page.status, headingOf(page)]).toEqual([400, "We couldn't complete your sign-in"]);
      expect(app.events('sign_in.failed')).toMatchObject([
        { reason: 'callback_parameters', hint: expect.stringContaining('longer than 16000') },
      ]);
      expectLanded(await browser.get(await answered(pair)), pair);
    }));

  test('where none was asked for signs nobody in', () =>
    withAnyPair({}, async (pair) => {
      const { app, browser, op } = pair;
      const plain = new URL(await answered(pair));
      const state = plain.searchParams.get('state') ?? '';
      for (const query of ['response=a.b.c', `response=a.b.c&state=${state}`]) {
        const page = await browser.get(app.url(`/auth/callback?${query}`));
        expect([page.status, op.calls.token]).toEqual([400, 0]);
      }
      expect(reasons(app)).toEqual(['state_missing', 'callback_parameters']);
    }));
});

describe.concurrent("Keycloak's authentication_expired in a signed answer", () => {
  const expired: Lies = {
    answer: {
      code: undefined,
      error: 'temporarily_unavailable',
      error_description: 'authentication_expired',
    },
  };

  test('starts again once for the same path, then comes a page', () =>
    withPair({}, async (pair) => {
      const { app, browser } = pair;
      const again = await browser.get(await answered(pair, '/profile?tab=1', expired), { follow: false });
      const callback = await answerAt(pair, again.location ?? '', expired);
      const page = await browser.get(callback, { follow: false });
      expect([page.status, page.location, headingOf(page)]).toEqual([
        400,
        undefined,
        'The sign-in page had expired',
      ]);
      expect(reasons(app)).toEqual(['authentication_expired', 'authentication_expired']);
      await expectHonestSignIn(pair);
    }));

  test('starts again and lands there', () =>
    withPair({}, async (pair) => {
      const again = await pair.browser.get(await answered(pair, '/profile?tab=1', expired), {
        follow: false,
      });
      expectLanded(await pair.browser.get(await answerAt(pair, again.location ?? '')), pair);
    }));

  test.each([
    { claims: { iss: 'https://other.example.com' } },
    { sign: 'none' } as const,
    { as: () => undefined, beside: { error: 'temporarily_unavailable', state: (state: string) => state } },
  ])('starts nothing where it is not the provider that says so: %o', (jwt) =>
    withPair({}, async (pair) => {
      const callback = await answered(pair, '/profile', { ...expired, jwt });
      const asked = pair.op.calls.authorization;
      const page = await pair.browser.get(callback, { follow: false });
      expect([page.location, pair.op.calls.authorization]).toEqual([undefined, asked]);
      expect(page.status).toBeGreaterThanOrEqual(400);
    }),
  );
});

describe.concurrent("the provider's keys and clock", () => {
  test('keys that rotate between redirect and answer are taken up', () =>
    withPair({}, async (pair) => {
      const { op, app, browser } = pair;
      await expectHonestSignIn({ ...pair, open: (path) => createBrowser().get(app.url(path)) });
      const { location = '' } = await browser.get(app.url('/profile?tab=1'), { follow: false });
      op.rotateKeys();
      expectLanded(await browser.get(await answerAt(pair, location)), pair);
    }));

  test('of many answers with made-up keys twenty wait for one fetch, and the others read that at once', () =>
    withPair({}, async (pair) => {
      const { op, app } = pair;
      await expectHonestSignIn(pair);
      const made = async (kid: string) => {
        const browser = createBrowser();
        const callback = await answered({ ...pair, browser }, '/profile', {
          jwt: { sign: 'unknown-kid', header: { kid } },
        });
        return () => browser.get(callback);
      };
      const opened = [];
      for (let n = 0; n <= 30; n++) opened.push(await made(`made-up-${n}`));
      const honest = createBrowser();
      const callback = await answered({ ...pair, browser: honest });
      await opened.pop()?.();
      const [before, codes] = [op.calls.jwks, op.calls.token];
      const all = opened.map((open) => open());
      const unreachable = () => reasons(app).filter((reason) => reason === 'provider_unreachable');
      await until(() => unreachable().length === 10, 2_500);
      expect(op.calls.jwks).toBe(before);
      // Whoever comes with a key that is at hand is not held up by them.
      expectLanded(await honest.get(callback), pair);
      expect([op.calls.jwks, op.calls.token]).toEqual([before, codes + 1]);
      const pages = await Promise.all(all);
      expect(op.calls.jwks).toBe(before + 1);
      const busy = pages.filter(({ status }) => status === 503);
      expect([busy.length, pages.filter(({ status }) => status === 502).length]).toEqual([10, 20]);
      for (const page of busy) {
        expect(headingOf(page)).toMatch(/^We can't reach /);
        expect(page.headers.has('retry-after')).toBe(true);
      }
      expect(op.calls.token).toBe(codes + 1);
    }));

  test('an answer that ran out, by a clock that is behind, is distinguished in the log and on the page', () =>
    withPair({}, async (pair) => {
      const { op, app, open } = pair;
      op.setClockAhead(-600);
      const page = await open('/profile');
      expect([headingOf(page), op.calls.token]).toEqual([
        expect.stringMatching(/^Our clock and .*'s don't agree$/),
        0,
      ]);
      expect(app.events('sign_in.failed')).toMatchObject([
        {
          reason: 'clock',
          hint: expect.stringMatching(/^exp in .* past: the provider's clock is 10 min behind$/),
        },
      ]);
    }));

  test('an answer that is not valid yet, by a clock that is ahead, is distinguished in the log', () =>
    withPair({}, async (pair) => {
      pair.op.setClockAhead(240);
      pair.op.next({ jwt: { claims: { nbf: Math.floor(Date.now() / 1000) + 240 } } });
      expectPlainFailure(await pair.open('/profile'), pair.app);
      expect(pair.app.events('sign_in.failed')).toMatchObject([
        {
          reason: 'clock',
          hint: expect.stringMatching(/^nbf in .* future: the provider's clock is 4 min ahead$/),
        },
      ]);
    }));
});

test('no ten characters of an answer are in any line of the log or on any page, whatever becomes of it (R20)', () =>
  withPair({ env: { LOG_LEVEL: 'trace' } }, async (pair) => {
    const { op, app, browser } = pair;
    const pages: Page[] = [];
    const sent: string[] = [];
    const jwts: Lies['jwt'][] = [
      { claims: { iss: 'https://other.example.com' } },
      { claims: { aud: undefined } },
      { claims: { exp: 5 } },
      { claims: { error: ['a'] } },
      { claims: { state: undefined } },
      { sign: 'none' },
      { sign: 'broken' },
      { sign: 'unknown-kid' },
      { sign: 'HS256-secret' },
      { as: (honest) => honest.split('.')[1] },
      { as: (honest) => `${honest}.${honest}` },
      { as: (honest) => [honest, honest] },
      { as: (honest) => honest.slice(3) },
      {
        as: () => undefined,
        beside: { code: (code) => code, state: (state) => state, error: (code) => code },
      },
      {},
    ];
    for (const jwt of jwts) {
      const { location = '' } = await browser.get(app.url('/profile'), { follow: false });
      const callback = await answerAt(pair, location, jwt && { jwt });
      sent.push(...new URL(callback).searchParams.getAll('response'));
      pages.push(await browser.get(callback));
    }
    expect(pages.at(-1)?.status).toBe(200);
    expect(reasons(app)).toHaveLength(jwts.length - 1);
    const shown = JSON.stringify(app.lines) + pages.map(({ body }) => body).join();
    const codes = op.secrets.filter((secret) => secret.startsWith('code-')).map((code) => code.slice(5));
    expect(codes.length).toBe(jwts.length);
    const parts = sent.flatMap((response) => response.split('.')).filter((part) => part.length >= 10);
    for (const secret of [...codes, ...parts])
      for (let at = 0; at + 10 <= secret.length; at++) {
        const ten = secret.slice(at, at + 10);
        if (shown.includes(ten)) throw new Error(`"${ten}" of an answer was shown`);
      }
  }));
