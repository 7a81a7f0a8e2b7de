import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AuditEvent } from '../log/index.ts';
import { type Browser, createBrowser, type Page } from './helpers/browser.ts';
import { type HttpsPair, startHttpsPair } from './helpers/https-front.ts';
import { headingOf, type Pair, requestIdOn, startPair } from './helpers/pair.ts';

// The provider's answer comes through the browser, so anybody can write one. Each that is not the answer to a sign-in
// which this browser began ends in a plain page, without a session, and the next sign-in works (R3, R4, R19, R20).

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair?.stop());
afterEach(() => vi.useRealTimers());

/** A sign-in that came as far as its answer. */
async function answered(path = '/profile', browser = createBrowser()) {
  const { location = '' } = await browser.get(pair.app.url(path), { follow: false });
  const callback = new URL(await pair.provider.signIn(browser, location, 'alice'));
  return { browser, callback, tokenCalls: () => countOf('POST /token') };
}

const countOf = (line: string) => pair.provider.requests.filter((each) => each === line).length;
const failures = (event: AuditEvent = 'sign_in.failed') => pair.app.events(event);

/** All that must hold after an answer was refused. */
async function expectRefused(browser: Browser, page: Page, reason: string, failed: number): Promise<void> {
  expect(page.status, page.body).toBeGreaterThanOrEqual(400);
  expect(page.status).toBeLessThan(504);
  expect(page.headers.get('content-type')).toMatch(/^text\/html; charset=utf-8/);
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.body).not.toMatch(/<script>|alert\(1\)|node_modules|openid-client|\bat .*\.ts:\d/);
  const told = failures().slice(failed);
  expect(told.map((line) => line.reason)).toEqual([reason]);
  expect(requestIdOn(page)).toBe(told[0]?.request_id);
  expect(browser.cookie('session')).toBeUndefined();
  const { page: honest } = await pair.signIn('alice', '/profile?next=works', browser);
  expect([honest.status, honest.url]).toEqual([200, pair.app.url('/profile?next=works')]);
}

type Twist = (callback: URL) => void;
const swap =
  (name: string, value: string): Twist =>
  ({ searchParams }) =>
    searchParams.set(name, value);
const drop =
  (name: string): Twist =>
  ({ searchParams }) =>
    searchParams.delete(name);
const repeat =
  (name: string, value?: string): Twist =>
  ({ searchParams }) =>
    searchParams.append(name, value ?? searchParams.get(name) ?? '');

describe('an answer that was tampered with', () => {
  const cases: [name: string, twist: Twist, reason: string][] = [
    ['another state', swap('state', 'x'.repeat(31)), 'state_unknown'],
    [
      'a state that begins like ours',
      ({ searchParams }) => {
        const state = searchParams.get('state') ?? '';
        searchParams.set('state', `${state.slice(0, 13)}${'A'.repeat(state.length - 13)}`);
      },
      'state_unknown',
    ],
    ['no state', drop('state'), 'state_missing'],
    ['an empty state', swap('state', ''), 'state_missing'],
    ['the state twice', repeat('state'), 'callback_parameters'],
    ['a second state of its own', repeat('state', 'other'), 'callback_parameters'],
    ['no code', drop('code'), 'callback_parameters'],
    ['an empty code', swap('code', ''), 'callback_parameters'],
    ['the code twice', repeat('code'), 'callback_parameters'],
    ['two codes', repeat('code', 'injected'), 'callback_parameters'],
    ['another issuer', swap('iss', 'https://evil.example'), 'issuer_mismatch'],
    ['no issuer, although one is promised', drop('iss'), 'issuer_mismatch'],
    ['the issuer twice', repeat('iss'), 'callback_parameters'],
    ['a state that is a script', swap('state', '<script>alert(1)</script>'), 'state_unknown'],
    [
      'a state that is an object',
      ({ searchParams }) => {
        searchParams.delete('state');
        searchParams.append('state[x]', '1');
      },
      'state_missing',
    ],
    ['a state that would name another cookie', swap('state', '../session=1; Path=/'), 'state_unknown'],
  ];

  test.each(cases)('with %s signs nobody in, and its code is not sent', async (_, twist, reason) => {
    const { browser, callback, tokenCalls } = await answered();
    const [calls, failed] = [tokenCalls(), failures().length];
    twist(callback);
    const page = await browser.get(callback.href, { follow: false });
    expect(tokenCalls()).toBe(calls);
    await expectRefused(browser, page, reason, failed);
  });

  test('with a code that nobody gave signs nobody in', async () => {
    const { browser, callback } = await answered();
    const failed = failures().length;
    callback.searchParams.set('code', randomBytes(32).toString('base64url'));
    await expectRefused(browser, await browser.get(callback.href), 'token_refused', failed);
  });

  test('with the code of another sign-in of the same browser signs nobody in (PKCE, R1)', async () => {
    const first = await answered('/profile?tab=1');
    const second = await answered('/profile?tab=2', first.browser);
    const failed = failures().length;
    first.callback.searchParams.set('code', second.callback.searchParams.get('code') ?? '');
    await expectRefused(first.browser, await first.browser.get(first.callback.href), 'token_refused', failed);
  });
});

describe('an answer that reports an error', () => {
  const errors: [answer: Record<string, string>, status: number, reason: string][] = [
    [{ error: 'access_denied', error_description: '<script>alert(1)</script>' }, 403, 'access_denied'],
    [{ error: 'login_required' }, 400, 'login_required'],
    [{ error: 'temporarily_unavailable' }, 503, 'provider_unreachable'],
    [{ error: 'server_error' }, 502, 'provider_error'],
    [{ error: '<script>alert(1)</script>', error_uri: 'https://evil.example' }, 502, 'provider_error'],
  ];
  test.each(errors)('%o gives a page of our own words, with status %i', async (answer, status, reason) => {
    const { browser, callback, tokenCalls } = await answered();
    const [calls, failed] = [tokenCalls(), failures().length];
    callback.searchParams.delete('code');
    for (const [name, value] of Object.entries(answer)) callback.searchParams.set(name, value);
    const page = await browser.get(callback.href);
    expect(page.status).toBe(status);
    expect(page.body).not.toContain('evil.example');
    expect(tokenCalls()).toBe(calls);
    await expectRefused(browser, page, reason, failed);
  });

  test('but not which sign-in it belongs to uses none up', async () => {
    const { browser, callback } = await answered();
    const failed = failures().length;
    const page = await browser.get(pair.app.url('/auth/callback?error=access_denied'));
    expect([page.status, failures()[failed]?.reason]).toEqual([400, 'state_missing']);
    expect((await browser.get(callback.href)).url).toBe(pair.app.url('/profile'));
  });
});

describe('an answer that nobody here asked for', () => {
  const nothing = [
    '',
    '?',
    '?code=x',
    '?state=',
    '?code=x&state=unknown',
    `?state=${'a'.repeat(6_000)}`,
    '?%ff=%zz',
  ];
  test.each(nothing)('%.40s gives a page that offers a new start', async (query) => {
    const browser = createBrowser();
    const calls = countOf('POST /token');
    const page = await browser.get(pair.app.url(`/auth/callback${query}`));
    expect(page.status).toBe(400);
    expect(page.body).toContain('href="/auth/login?returnTo=%2F"');
    expect(countOf('POST /token')).toBe(calls);
    expect(browser.cookie('session')).toBeUndefined();
  });

  test('an answer of another browser signs nobody in (sign-in forced upon a victim)', async () => {
    const attacker = await answered();
    const victim = createBrowser();
    const failed = failures().length;
    const page = await victim.get(attacker.callback.href);
    expect(page.status).toBe(400);
    await expectRefused(victim, page, 'state_unknown', failed);
  });

  test('a form from another site is refused before anything is looked at', async () => {
    const { browser, callback } = await answered();
    const form = Object.fromEntries(callback.searchParams);
    const page = await browser.post(pair.app.url('/auth/callback'), form, {}, pair.provider.issuer);
    expect(page.status).toBe(403);
    expect(browser.cookie('session')).toBeUndefined();
  });

  test('a form from our own pages is no answer either, as none was asked for in that way', async () => {
    const { browser, callback } = await answered();
    const page = await browser.post(
      pair.app.url('/auth/callback'),
      Object.fromEntries(callback.searchParams),
    );
    expect(page.status).toBe(400);
    expect(browser.cookie('session')).toBeUndefined();
  });
});

describe('the cookie of a sign-in on its way', () => {
  const nameOf = (browser: Browser) => browser.cookies.find(({ name }) => name.startsWith('login-'));

  async function withCookie(change: (value: string) => string) {
    const { browser, callback } = await answered();
    const cookie = nameOf(browser);
    if (!cookie) throw new Error('there is no login cookie');
    cookie.value = change(cookie.value);
    const failed = failures().length;
    return { browser, page: await browser.get(callback.href, { follow: false }), failed };
  }

  const forged: [name: string, change: (value: string) => string][] = [
    ['with one bit turned', (value) => (value.startsWith('A') ? `B${value.slice(1)}` : `A${value.slice(1)}`)],
    ['cut short', (value) => value.slice(0, -6)],
    ['that is empty', () => ''],
    [
      'that is plain JSON',
      () => Buffer.from('{"nonce":"x","code_verifier":"y","returnTo":"/"}').toString('base64url'),
    ],
    ['of 7 KB', () => 'A'.repeat(7_000)],
    ['that is no base64', () => '%%%'],
  ];
  test.each(forged)('%s signs nobody in', async (_, change) => {
    const { browser, page, failed } = await withCookie(change);
    expect(page.status).toBe(400);
    await expectRefused(browser, page, 'state_unknown', failed);
  });

  test('of another sign-in, under the name of this one, signs nobody in', async () => {
    const other = await answered('/sessions');
    const stolen = nameOf(other.browser)?.value ?? '';
    const { browser, page, failed } = await withCookie(() => stolen);
    await expectRefused(browser, page, 'state_unknown', failed);
  });

  test('that is an hour old is distinguished from one that is unknown', async () => {
    const { browser, callback } = await answered();
    // The browser's clock stands still, so that it still sends the cookie.
    const cookie = nameOf(browser);
    if (cookie) cookie.expires = Number.POSITIVE_INFINITY;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_601_000 });
    const failed = failures().length;
    const page = await browser.get(callback.href);
    expect([page.status, headingOf(page)]).toEqual([400, 'That took too long']);
    await expectRefused(browser, page, 'login_expired', failed);
  });

  test('that is an hour old leads to a page whoever has signed in meanwhile in another tab (R4)', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { browser, callback } = await answered('/sessions');
    const cookie = nameOf(browser);
    if (cookie) cookie.expires = Number.POSITIVE_INFINITY;
    vi.setSystemTime(Date.now() + 3_601_000);
    await pair.signIn('alice', '/profile', browser);
    const page = await browser.get(callback.href, { follow: false });
    expect([page.status, page.location]).toEqual([303, pair.app.url('/')]);
  });

  test('is gone after the answer, whatever came of it', async () => {
    const { browser, callback } = await answered();
    callback.searchParams.set('iss', 'https://evil.example');
    await browser.get(callback.href);
    expect(nameOf(browser)).toBeUndefined();
    callback.searchParams.set('iss', pair.provider.issuer);
    const failed = failures().length;
    const again = await browser.get(callback.href);
    await expectRefused(browser, again, 'state_unknown', failed);
  });
});

describe('an answer that comes again (R4)', () => {
  test('leads somebody who is signed in to a page', async () => {
    const { browser, callback } = await answered('/profile');
    expect((await browser.get(callback.href)).url).toBe(pair.app.url('/profile'));
    const calls = countOf('POST /token');
    const back = await browser.get(callback.href, { follow: false });
    expect([back.status, back.headers.get('location')]).toEqual([303, '/']);
    expect(countOf('POST /token')).toBe(calls);
    expect((await browser.get(pair.app.url('/profile'))).status).toBe(200);
  });

  test('offers anybody else a new start', async () => {
    const { browser, callback } = await answered('/profile');
    await browser.submit(await browser.get(callback.href));
    const page = await browser.get(callback.href);
    expect([page.status, headingOf(page)]).toEqual([400, 'This sign-in has expired']);
    expect(page.body).toContain('>Sign in again</a>');
  });

  test('from another site, without the cookies, leads on to where they can be seen', async () => {
    const { browser, callback } = await answered('/profile');
    await browser.get(callback.href);
    const hidden = { headers: { 'Sec-Fetch-Site': 'cross-site', Cookie: '' }, follow: false };
    const again = await browser.get(callback.href, hidden);
    expect([again.status, again.location]).toEqual([303, pair.app.url('/auth/callback?returnTo=%2F')]);
    expect((await browser.get(again.location ?? '')).url).toBe(pair.app.url('/'));
  });

  test('says that cookies are blocked to a browser that brings none of ours', async () => {
    const { callback } = await answered('/profile');
    const paragraphs = async (cookies: string, address = callback.href) => {
      const page = await createBrowser({ headers: { Cookie: cookies } }).get(address);
      expect(page.status).toBe(400);
      return [...page.body.matchAll(/<p>([^<]*)<\/p>/g)].map(([, text]) => text ?? '');
    };
    for (const none of ['', 'theme=dark; sessions=1', '__Host-session=of-another-app']) {
      expect((await paragraphs(none))[0], none).toMatch(/^Your browser blocks cookies for this site/);
    }
    const bare = pair.app.url('/auth/callback?code=x');
    expect((await paragraphs('', bare))[0]).toMatch(/^Your browser blocks cookies/);
    for (const ours of ['session=x', 'a=b; login-zzzzzzzzzAAAA=x', 'sign-ins=1', 'signed-out=x']) {
      expect((await paragraphs(ours)).join(), ours).not.toContain('Your browser blocks cookies');
    }
  });

  test('leads nowhere but to this site', async () => {
    const lure = pair.app.url('/auth/callback?returnTo=%2F%2Fevil.example');
    const { browser } = await pair.signIn('alice');
    expect((await browser.get(lure, { follow: false })).headers.get('location')).toBe('/');
  });
});

describe('an answer by form_post', () => {
  let https: HttpsPair;
  beforeAll(async () => {
    https = await startHttpsPair({ OIDC_RESPONSE_MODE: 'form_post' });
  });
  afterAll(() => https?.stop());

  async function answeredByForm() {
    const browser = createBrowser({ ca: https.ca });
    const { location = '' } = await browser.get(https.url('/profile?tab=1'), { follow: false });
    const { url, form = {} } = await https.provider.answer(browser, location, 'alice');
    const post = (fields: Record<string, string>, query = '') =>
      browser.post(url + query, fields, {}, https.provider.issuer);
    return { browser, form, post };
  }

  test('comes from the other site with its cookie, and signs in', async () => {
    const { browser, form, post } = await answeredByForm();
    expect(browser.setCookies.find(({ line }) => line.startsWith('__Host-login-'))?.line).toMatch(
      /; HttpOnly; Secure; SameSite=None$/,
    );
    const page = await post(form);
    expect([page.status, page.url]).toEqual([200, https.url('/profile?tab=1')]);
    expect(browser.cookies.map(({ name }) => name).filter((name) => name.startsWith('__Host-'))).toEqual([
      '__Host-session',
    ]);
  });

  test('that comes again (back button, reload) leads somebody who is signed in to a page (R4)', async () => {
    const { browser, form, post } = await answeredByForm();
    await post(form);
    const calls = https.provider.requests.length;
    const page = await post(form);
    expect([page.status, page.url]).toEqual([200, https.url('/')]);
    expect(https.provider.requests.length).toBe(calls);
    expect((await browser.get(https.url('/profile'))).status).toBe(200);
  });

  test('that comes again leads anybody else to a page that offers a new start (R4)', async () => {
    const { browser, form, post } = await answeredByForm();
    await post(form);
    browser.clearCookies();
    const page = await post(form);
    expect([page.status, headingOf(page)]).toEqual([400, 'This sign-in has expired']);
    expect(page.body).toContain('Your browser blocks cookies for this site');
    expect(page.body).toContain('href="/auth/login?returnTo=%2F"');
  });

  test('is the body alone: what stands in the address counts for nothing', async () => {
    const { browser, form, post } = await answeredByForm();
    expect((await post({}, `?${new URLSearchParams(form)}`)).status).toBe(400);
    expect(browser.cookie('__Host-session')).toBeUndefined();
  });

  test('larger than 64 KB is refused', async () => {
    const { browser, form, post } = await answeredByForm();
    expect((await post({ ...form, more: 'x'.repeat(70_000) })).status).toBe(413);
    expect(browser.cookie('__Host-session')).toBeUndefined();
  });
});

describe('whatever the answer held', () => {
  test('no code, state, token, cookie or session id stands in the log (R20)', async () => {
    const log = JSON.stringify(pair.app.lines);
    const { browser, callback } = await answered();
    await browser.get(callback.href);
    const secrets = [
      callback.searchParams.get('code') ?? 'missing',
      callback.searchParams.get('state') ?? 'missing',
      browser.cookie('session') ?? 'missing',
      decodeURIComponent(browser.cookie('session') ?? '').replace(/^s:|\..*$/g, ''),
      pair.provider.clientSecret,
    ];
    const after = log + JSON.stringify(pair.app.lines);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(15);
      expect(after).not.toContain(secret);
    }
    expect(after).not.toMatch(/code=|eyJ[\w-]{10}/);
  });
});
