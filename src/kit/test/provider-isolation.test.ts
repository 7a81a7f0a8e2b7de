import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { endSessions, recheck } from '../session/by-owner.ts';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { startTwoReal, type TwoReal } from './helpers/confusable-providers.ts';
import { pressIn } from './helpers/instances.ts';
import { logoutToken } from './helpers/logout-tokens.ts';

// Two real providers whose users have the same names: what happens to a user of the one happens to nobody of the other,
// and the other provider hears nothing of it.

let two: TwoReal;
beforeAll(async () => {
  two = await startTwoReal();
});
afterAll(() => two?.stop());
afterEach(() => void vi.useRealTimers());

const rolesIn = async (browser: Browser) =>
  JSON.parse((await browser.get(two.app.url('/anyone'))).body).roles;

/** Alice of both, in a browser each; both providers have been heard out. */
async function signInBoth() {
  const work = (await two.signIn('work', 'alice')).browser;
  const social = (await two.signIn('social', 'alice')).browser;
  two.work.requests.length = 0;
  two.social.requests.length = 0;
  return { work, social };
}

/** What each was asked about its users; its keys may have to be fetched anew meanwhile. */
const asked = () => {
  const about = (requests: string[]) => requests.filter((line) => line !== 'GET /jwks');
  return { work: about(two.work.requests), social: about(two.social.requests) };
};

afterEach(async () => {
  for (const { issuer: iss } of [two.work, two.social]) await endSessions({ iss, sub: 'alice' });
});

test('the same name at both is two users, and only the claim of the first gives roles', async () => {
  const { work, social } = await signInBoth();
  expect([await rolesIn(work), await rolesIn(social)]).toEqual([['admin', 'member'], []]);
});

test('whoever ends their other sessions ends none of the namesake', async () => {
  const { work, social } = await signInBoth();
  const second = (await two.signIn('work', 'alice')).browser;
  const page = await work.get(two.app.url('/sessions'));
  expect(page.body.match(/name="handle"/g)).toHaveLength(1);
  await pressIn(work, page, '/sessions/end-others');
  expect([await rolesIn(second), await rolesIn(social)]).toEqual([null, []]);
});

test('whoever ends all their sessions goes to their own provider, and the namesake stays', async () => {
  const { work, social } = await signInBoth();
  const second = (await two.signIn('work', 'alice')).browser;
  const page = await work.get(two.app.url('/sessions'));
  const left = await pressIn(work, page, '/sessions/end-all', { follow: false });
  expect(left.location).toMatch(`${two.work.issuer}/session/end?`);
  expect([await rolesIn(second), await rolesIn(social)]).toEqual([null, []]);
  expect(asked().social).toEqual([]);
});

test('a handle of the one ends no session of the namesake', async () => {
  const { work, social } = await signInBoth();
  const second = (await two.signIn('work', 'alice')).browser;
  const handle = /name="handle" value="([^"]+)"/.exec((await work.get(two.app.url('/sessions'))).body)?.[1];
  const page = await social.get(two.app.url('/sessions'));
  const mark = /name="kit-form" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
  await social.post(two.app.url('/sessions/end'), { handle: handle ?? '', 'kit-form': mark });
  expect(await rolesIn(second)).toEqual(['admin', 'member']);
});

test('endSessions and recheck of a user reach their own sessions and provider', async () => {
  const { work, social } = await signInBoth();
  expect(await recheck({ iss: two.work.issuer, sub: 'alice' })).toBe(1);
  for (const browser of [work, social]) await browser.get(two.app.url('/who'));
  expect(asked()).toEqual({ work: ['POST /token', 'GET /me'], social: [] });
  expect(await endSessions({ iss: two.social.issuer, sub: 'alice' })).toBe(1);
  expect([await rolesIn(work), await rolesIn(social)]).toEqual([['admin', 'member'], null]);
});

test.each([
  ['work', 'social'],
  ['social', 'work'],
] as const)('tokens of a session of %s are refreshed and revoked there only', async (own, other) => {
  const { [own]: browser } = await signInBoth();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 280_000 });
  expect((await browser.get(two.app.url('/token'))).status).toBe(200);
  vi.useRealTimers();
  expect(asked()).toMatchObject({ [own]: ['POST /token'], [other]: [] });
  const left = await browser.post(two.app.url('/auth/logout'), {}, { follow: false });
  expect(asked()).toMatchObject({ [own]: ['POST /token', 'POST /token/revocation'], [other]: [] });
  expect(new URL(left.location ?? '').origin).toBe(new URL(two[own].issuer).origin);
});

test("a provider's own logout token ends its own user's session, and a copy in the other's name none", async () => {
  const { work, social } = await signInBoth();
  const send = async (token: string) => {
    const body = new URLSearchParams({ logout_token: token });
    return (await fetch(two.app.url('/auth/backchannel-logout'), { method: 'POST', body })).status;
  };
  const forged = { claims: { iss: two.work.issuer } };
  expect(await send(await logoutToken(two.social, { sub: 'alice' }, forged))).toBe(400);
  expect(await send(await logoutToken(two.social, { sub: 'alice' }))).toBe(200);
  expect([await rolesIn(work), await rolesIn(social)]).toEqual([['admin', 'member'], null]);
});

test('the sid that the one provider gave ends no session when the other names it', async () => {
  const { work } = await signInBoth();
  const { sid } = JSON.parse((await work.get(two.app.url('/who'))).body);
  const query = new URLSearchParams({ iss: two.social.issuer, sid });
  const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'iframe' };
  const answer = await createBrowser().get(two.app.url(`/auth/frontchannel-logout?${query}`), { headers });
  expect([answer.status, await rolesIn(work)]).toEqual([200, ['admin', 'member']]);
});

test('whoever signs in at the other provider in the same browser is the new user, and the former session ends', async () => {
  const { work } = await signInBoth();
  const former = work.cookieHeader(two.app.origin);
  await two.signIn('social', 'bob', { browser: work });
  expect(await rolesIn(work)).toEqual([]);
  const copy = createBrowser({ headers: { Cookie: former } });
  expect(await rolesIn(copy)).toBeNull();
});
