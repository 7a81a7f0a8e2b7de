import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from './helpers/browser.ts';
import { startTwoLiars, type TwoLiars } from './helpers/confusable-providers.ts';
import { reasons } from './helpers/misbehaving-sign-in.ts';
import { handOut, logoutTokenOf, tokenOf } from './helpers/two-provider-tokens.ts';

// What one provider made, shown by the other (issuer confusion). Both call a user `user-1`, a session `sid-1` and a key
// `rsa-1`, and the app has the same client id at both.

let two: TwoLiars;
beforeAll(async () => {
  two = await startTwoLiars();
});
afterAll(() => two?.stop());
afterEach(() => two.reset());

const whoIn = async (browser: ReturnType<typeof createBrowser>) =>
  JSON.parse((await two.open(browser, '/anyone')).body).roles;

/** A sign-in at the liar that comes to nothing; the other one hears nothing of it. */
async function expectRefused(reason: string): Promise<void> {
  two.work.received.length = 0;
  const browser = createBrowser();
  const page = await two.open(browser, '/auth/login/social?returnTo=/who');
  expect([page.status >= 400, reasons(two.app).at(-1)]).toEqual([true, reason]);
  expect(await whoIn(browser)).toBeNull();
  expect(two.work.received).toEqual([]);
}

describe("an ID token from the liar's token endpoint", () => {
  const cases = [
    ['of a sign-in at the other provider', { keys: 'work', iss: 'work' }, false, 'nonce_mismatch'],
    [
      'made by the other provider for this very sign-in',
      { keys: 'work', iss: 'work' },
      true,
      'id_token_claims',
    ],
    [
      "signed with the other's key, in its own name",
      { keys: 'work', iss: 'social' },
      true,
      'id_token_signature',
    ],
    [
      "signed with its own key, in the other's name",
      { keys: 'social', iss: 'work' },
      true,
      'id_token_claims',
    ],
  ] as const;
  test.each(cases)('%s is refused', async (_, made, fresh, reason) => {
    handOut(two.social, (nonce) => tokenOf(two, { ...made, claims: fresh ? { nonce } : {} }));
    await expectRefused(reason);
  });

  test.each([
    ['both issuers in a list', (iss: string[]) => ({ iss })],
    ['the issuer with a slash at its end', ([, social]: string[]) => ({ iss: `${social}/` })],
    ["the other's issuer in other letters", ([work]: string[]) => ({ iss: work?.toUpperCase() })],
    ['no issuer', () => ({ iss: undefined })],
  ])('with %s is refused', async (_, change) => {
    const claims = change([two.work.issuer, two.social.issuer]);
    handOut(two.social, (nonce) =>
      tokenOf(two, { keys: 'social', iss: 'social', claims: { nonce, ...claims } }),
    );
    await expectRefused('id_token_claims');
  });

  test('that names where its key is found is verified with the keys of its provider only', async () => {
    const header = { jku: `${two.work.origin}/jwks`, iss: two.work.issuer };
    handOut(two.social, (nonce) => tokenOf(two, { keys: 'work', iss: 'social', claims: { nonce }, header }));
    await expectRefused('id_token_signature');
  });
});

describe("the liar's userinfo", () => {
  test("with the claims of the other's user is refused: they are not about this one", async () => {
    two.social.takeOver('userinfo', () => ({
      json: { sub: 'user-2', name: 'Ada at work', roles: ['admin'] },
    }));
    await expectRefused('userinfo_sub_mismatch');
  });

  test.each([
    ["signed with the other's key", { keys: 'work', iss: 'social' }],
    ["signed with its own, in the other's name", { keys: 'social', iss: 'work' }],
    ['signed by the other, as it is there', { keys: 'work', iss: 'work' }],
  ] as const)('%s is refused', async (_, made) => {
    const body = await tokenOf(two, made);
    two.social.takeOver('userinfo', () => ({ headers: { 'content-type': 'application/jwt' }, body }));
    await expectRefused('userinfo_refused');
  });
});

describe("the other's access and refresh tokens from the liar's token endpoint", () => {
  test('are sent to the liar only, and make nobody a user of the other', async () => {
    const { browser: victim } = await two.signIn('work');
    const [access_token = '', refresh_token = ''] = ['access_token', 'refresh_token'].map(
      (kind) => two.work.secrets.findLast((secret) => secret.startsWith(kind)) ?? '',
    );
    two.reset();
    two.social.takeOver('token', ({ json }) => ({
      json: { ...json, access_token, refresh_token, expires_in: 1 },
    }));
    // at_hash is the liar's own word: it leaves it out.
    two.social.next({ idToken: { at_hash: undefined } });
    two.social.takeOver('userinfo', () => ({ json: { sub: 'user-1', name: 'Mallory', roles: ['admin'] } }));
    const { browser, who } = await two.signIn('social');
    expect(who).toMatchObject({ roles: [], claims: { iss: two.social.issuer } });
    expect((await two.open(browser, '/admin-only')).status).toBe(403);

    await two.open(browser, '/token');
    expect(two.social.latest.token?.get('refresh_token')).toBe(refresh_token);
    await browser.post(two.app.url('/auth/logout'), {}, { follow: false });
    expect(two.social.received.join('\n')).toContain(refresh_token);
    expect(two.work.received).toEqual([]);
    expect(await whoIn(victim)).toEqual(['admin']);
  });

  test.each([
    ['signed by the other', { keys: 'work', iss: 'work' }],
    ["with its own key, in the other's name", { keys: 'social', iss: 'work' }],
  ] as const)('a refresh that brings an ID token %s changes no user', async (_, made) => {
    const { browser: victim } = await two.signIn('work');
    two.social.takeOver('token', ({ json }) => ({ json: { ...json, expires_in: 1 } }));
    const { browser } = await two.signIn('social');
    two.work.received.length = 0;
    two.social.takeOver('token', async ({ json }) => ({
      json: { ...json, id_token: await tokenOf(two, made) },
    }));
    await two.open(browser, '/token');
    expect(two.social.calls.token).toBe(2);
    expect(await whoIn(browser)).not.toEqual(['admin']);
    expect(await whoIn(victim)).toEqual(['admin']);
    expect(two.work.received).toEqual([]);
  });
});

describe('a logout token', () => {
  const send = async (token: string) => {
    const body = new URLSearchParams({ logout_token: token });
    return (await fetch(two.app.url('/auth/backchannel-logout'), { method: 'POST', body })).status;
  };

  test.each([
    ["signed by the liar in the other's name", { keys: 'social', iss: 'work' }],
    ["signed with the other's key in the liar's name", { keys: 'work', iss: 'social' }],
  ] as const)('%s is refused, and ends nothing', async (_, made) => {
    const both = [await two.signIn('work'), await two.signIn('social')];
    for (const claims of [{}, { sid: undefined }, { sub: undefined }]) {
      expect(await send(await logoutTokenOf(two, { ...made, claims }))).toBe(400);
    }
    expect(await Promise.all(both.map(({ browser }) => whoIn(browser)))).toEqual([['admin'], []]);
  });

  test.each([{ sid: undefined }, { sub: undefined }, {}])(
    'of the liar ends its own sessions only, with the same sub and sid at both (%o)',
    async (claims) => {
      const [work, social] = [await two.signIn('work'), await two.signIn('social')];
      expect(await send(await logoutTokenOf(two, { keys: 'social', iss: 'social', claims }))).toBe(200);
      expect([await whoIn(work.browser), await whoIn(social.browser)]).toEqual([['admin'], null]);
      expect(await send(await logoutTokenOf(two, { keys: 'work', iss: 'work', claims }))).toBe(200);
      expect(await whoIn(work.browser)).toBeNull();
    },
  );

  test('of the one is not spent by one of the other with the same jti', async () => {
    const { browser } = await two.signIn('work');
    const claims = { jti: 'the same' };
    expect(await send(await logoutTokenOf(two, { keys: 'social', iss: 'social', claims }))).toBe(200);
    expect(await send(await logoutTokenOf(two, { keys: 'work', iss: 'work', claims }))).toBe(200);
    expect(await whoIn(browser)).toBeNull();
  });

  test.each([
    ['of nobody', undefined],
    ['of both', ['work', 'social']],
    ['of a stranger', 'https://stranger.example'],
    ['with a slash', '/'],
    ['of an object', { toString: 'work' }],
  ])('%s is refused', async (_, given) => {
    const { browser } = await two.signIn('work');
    const iss = given === '/' ? `${two.work.issuer}/` : given;
    expect(await send(await logoutTokenOf(two, { keys: 'work', iss: 'work', claims: { iss } }))).toBe(400);
    expect(await whoIn(browser)).toEqual(['admin']);
  });
});

describe('front-channel logout', () => {
  const load = (query: Record<string, string> | URLSearchParams) =>
    createBrowser().get(two.app.url(`/auth/frontchannel-logout?${new URLSearchParams(query)}`), {
      headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'iframe' },
    });

  test("with the liar's issuer ends no session of the other with the same sid", async () => {
    const [work, social] = [await two.signIn('work'), await two.signIn('social')];
    expect((await load({ iss: two.social.issuer, sid: 'sid-1' })).status).toBe(200);
    expect([await whoIn(work.browser), await whoIn(social.browser)]).toEqual([['admin'], null]);
  });

  test.each(['sid alone', 'a stranger', 'two issuers'])('with %s is refused', async (kind) => {
    const { browser } = await two.signIn('work');
    const query = new URLSearchParams({ sid: 'sid-1' });
    if (kind !== 'sid alone') query.append('iss', 'https://stranger.example');
    if (kind === 'two issuers') query.append('iss', two.work.issuer);
    expect((await load(query)).status).toBe(400);
    expect(await whoIn(browser)).toEqual(['admin']);
  });
});
