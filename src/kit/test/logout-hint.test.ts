import { expect, test } from 'vitest';
import { expectHonestSignIn, type Pair, withPair } from './helpers/misbehaving-sign-in.ts';

// The id_token_hint of a sign-out (RP-Initiated Logout 1.0 §2): with it most providers ask nothing, but an address that
// is too long is refused on the way there, and a hint whose key is gone is refused by the provider.

/** Signs in with this much in the ID token, and presses "Sign out". */
async function signOut({ browser, open, op }: Pair, padding = '', before: () => unknown = () => {}) {
  op.next({ idToken: { name: 'Ada Example', groups: padding } });
  const page = await open('/profile');
  expect(page.status).toBe(200);
  await before();
  const left = await browser.submit(page, {}, { follow: false });
  const url = new URL(left.location ?? '');
  return { left, url, hint: url.searchParams.get('id_token_hint') };
}

/** All that a provider needs without a hint. */
function expectNoHint({ url, hint }: Awaited<ReturnType<typeof signOut>>, { op, app }: Pair): void {
  expect(hint).toBeNull();
  expect(url.origin + url.pathname).toBe(`${op.origin}/logout`);
  expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'post_logout_redirect_uri', 'state']);
  expect(url.searchParams.get('client_id')).toBe(op.clientId);
  expect(url.searchParams.get('post_logout_redirect_uri')).toBe(app.url('/signed-out'));
}

test('goes along up to 4 KB, and not above', () =>
  withPair({}, async (pair) => {
    const { hint } = await signOut(pair, 'x'.repeat(1_500));
    // Three characters of a claim are four of the token.
    const fill = 1_500 + Math.floor(((4_096 - (hint?.length ?? 0)) * 3) / 4);
    const longest = await signOut(pair, 'x'.repeat(fill));
    expect(longest.hint?.length).toBeGreaterThan(4_092);
    expect(longest.hint?.length).toBeLessThanOrEqual(4_096);
    expectNoHint(await signOut(pair, 'x'.repeat(fill + 4)), pair);
  }));

test('of a very large ID token is left out, and the sign-out leads there and back all the same', () =>
  withPair({}, async (pair) => {
    const away = await signOut(pair, 'group '.repeat(20_000));
    expectNoHint(away, pair);
    expect(away.url.href.length).toBeLessThan(500);
    const back = await pair.browser.get(away.url.href);
    expect(back.url).toMatch(pair.app.url('/signed-out?state='));
    expect(back.body).not.toContain('You may still be signed in');
  }));

test('is left out when its key is no longer published', () =>
  withPair({}, async (pair) => {
    expectNoHint(await signOut(pair, '', () => pair.op.rotateKeys()), pair);
    // The next sign-in is by the new key.
    expect((await signOut(pair)).hint).toMatch(/^eyJ/);
  }));

test('goes along when it names no key', () =>
  withPair({ op: { oneKey: true, noKid: true } }, async (pair) => {
    expect((await signOut(pair)).hint).toMatch(/^eyJ/);
  }));

test('goes along when the keys cannot be fetched just then', () =>
  withPair({}, async (pair) => {
    await expectHonestSignIn(pair);
    pair.browser.clearCookies();
    pair.op.next({ jwks: { status: 500 } });
    const page = await pair.open('/profile');
    const left = await pair.browser.submit(page, {}, { follow: false });
    expect(new URL(left.location ?? '').searchParams.get('id_token_hint')).toMatch(/^eyJ/);
  }));
