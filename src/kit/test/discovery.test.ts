import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Browser } from './helpers/browser.ts';
import { expectHonestSignIn, type Pair, withPair } from './helpers/misbehaving-sign-in.ts';

// What a provider says of itself is asked for once, kept, and asked for again in the background (R21). What is wrong
// with metadata from the start stands in misbehaving-provider.test.ts.

const minutes = (count: number) => count * 60_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] }));
afterEach(() => void vi.useRealTimers());

const moved = '/authorize?moved=1';
const sentTo = async ({ app, browser }: { app: Pair['app']; browser: Browser }) =>
  (await browser.get(app.url('/profile'), { follow: false })).location ?? '';

test.each<[what: string, value: unknown]>([
  ['an object that cannot be made a text', { toString: 1, valueOf: 1 }],
  ['a list of one', [{ toString: 1, valueOf: 1 }]],
  ['a number', 5],
  ['true', true],
  ['an object', {}],
])('lists that a sign-in can do without do no harm as %s', (_what, value) => {
  const lists = [
    ...['code_challenge_methods_supported', 'response_modes_supported', 'prompt_values_supported'],
    ...['request_object_signing_alg_values_supported', 'mtls_endpoint_aliases', 'scopes_supported'],
  ];
  const json = Object.fromEntries(lists.map((name) => [name, value]));
  return withPair(
    { env: { OIDC_RESPONSE_MODE: 'jwt' }, lies: { discovery: { json } } },
    async ({ app, open }) => {
      expect((await open('/profile')).status, JSON.stringify(app.lines.at(-1))).toBe(200);
      expect(app.lines.filter(({ msg }) => /does not offer PKCE/.test(String(msg)))).toHaveLength(1);
    },
  );
});

test('many who come at once cost one request for the metadata, and none for the keys', () =>
  withPair({}, async (pair) => {
    const pages = await Promise.all(
      Array.from({ length: 10 }, () => pair.browser.get(pair.app.url('/profile'), { follow: false })),
    );
    expect(pages.map(({ status }) => status)).toEqual(Array(10).fill(302));
    expect([pair.op.calls.discovery, pair.op.calls.jwks]).toEqual([1, 0]);
  }));

test('a sign-in asks the token endpoint and userinfo, and nothing else once metadata and keys are there', () =>
  withPair({}, async (pair) => {
    const { op, browser } = pair;
    await expectHonestSignIn(pair);
    const before = { ...op.calls };
    browser.clearCookies();
    await expectHonestSignIn(pair);
    const { authorization, token, userinfo } = before;
    expect(op.calls).toEqual({
      ...before,
      authorization: authorization + 1,
      token: token + 1,
      userinfo: userinfo + 1,
    });
  }));

test('after ten minutes the metadata is asked for again, without anybody waiting for it', () =>
  withPair({}, async (pair) => {
    const { op } = pair;
    expect(await sentTo(pair)).not.toContain(moved);
    op.next({ discovery: { json: { authorization_endpoint: op.origin + moved } } });
    vi.advanceTimersByTime(minutes(9));
    expect(await sentTo(pair)).not.toContain(moved);
    expect(op.calls.discovery).toBe(1);
    vi.advanceTimersByTime(minutes(1));
    await expect.poll(() => sentTo(pair)).toContain(moved);
    expect(op.calls.discovery).toBe(2);
  }));

test('while the provider is away the old copy is used, for hours', () =>
  withPair({}, async (pair) => {
    const { op, app } = pair;
    expect(await sentTo(pair)).toContain(`${op.origin}/authorize`);
    op.down();
    for (let hour = 1; hour <= 3; hour++) {
      vi.advanceTimersByTime(minutes(60));
      expect(await sentTo(pair)).toContain(`${op.origin}/authorize`);
    }
    await expect.poll(() => app.events('provider.lost').length).toBe(1);
    expect((await pair.open('/readyz')).status).toBe(200);
    op.up();
    vi.advanceTimersByTime(minutes(10));
    await expect.poll(() => app.events('provider.found').length).toBe(1);
    await expectHonestSignIn(pair);
    expect(app.events('sign_in.failed')).toEqual([]);
  }));

test.each([
  ['of another issuer', { issuer: 'https://other.example.com' }, 'discovery_issuer'],
  ['without a token endpoint', { token_endpoint: undefined }, 'discovery_invalid'],
])('new metadata %s is not accepted: the old copy is used, and the log says so', (_, json, reason) =>
  withPair({}, async (pair) => {
    const { op, app } = pair;
    await sentTo(pair);
    op.next({ discovery: { json } });
    vi.advanceTimersByTime(minutes(10));
    const complaints = () => app.lines.filter((line) => line.level === 'error' && line.reason === reason);
    await expect.poll(() => complaints().length).toBe(1);
    op.honest();
    await expectHonestSignIn(pair);
    expect(app.events('sign_in.failed')).toEqual([]);
  }),
);

test('keys are asked for again when they are five minutes old', () =>
  withPair({}, async (pair) => {
    const { op, browser } = pair;
    await expectHonestSignIn(pair);
    vi.advanceTimersByTime(minutes(4));
    browser.clearCookies();
    await expectHonestSignIn(pair);
    expect(op.calls.jwks).toBe(1);
    vi.advanceTimersByTime(minutes(2));
    browser.clearCookies();
    await expectHonestSignIn(pair);
    await expect.poll(() => op.calls.jwks).toBe(2);
  }));
