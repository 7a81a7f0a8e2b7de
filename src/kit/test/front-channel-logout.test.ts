import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestApp } from './helpers/app.ts';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { statusOf, textOf } from './helpers/instances.ts';
import { entra, foreignTenant, homeTenant } from './helpers/misbehaving-profiles.ts';
import { expectHonestSignIn, withPair } from './helpers/misbehaving-sign-in.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { hasRedis, startRedis } from './helpers/redis-server.ts';

// OpenID Connect Front-Channel Logout 1.0: the provider loads this address in a frame of the user's browser.
let pair: Pair;
let app: TestApp;
let browser: Browser;
let sid: string;

beforeAll(async () => {
  pair = await startPair();
  app = pair.app;
});
afterAll(() => pair?.stop());

beforeEach(async () => {
  ({ browser } = await pair.signIn('alice'));
  sid = pair.provider.listSessions().at(-1)?.clients[0]?.sid ?? '';
});

/** As a frame of the provider's page sends it: no cookie, since ours are Lax. */
function load(query: string | Record<string, string> | [string, string][]) {
  const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'iframe' };
  return createBrowser().get(app.url(`/auth/frontchannel-logout?${new URLSearchParams(query)}`), {
    headers,
    follow: false,
  });
}

test('ends the session of iss and sid, without any cookie', async () => {
  const other = await pair.signIn('alice');
  const answer = await load({ iss: pair.provider.issuer, sid });
  expect(answer.status).toBe(200);
  expect(answer.headers.getSetCookie()).toEqual([]);
  expect(await statusOf(browser, app)).toBe(401);
  expect(await statusOf(other.browser, app)).toBe(200);
  expect(app.events('session.ended').at(-1)).toMatchObject({ sub: 'alice', reason: 'provider' });
  const told = textOf(await browser.get(app.url('/profile')));
  expect(told).toMatch(/[\w.]+:\d+ ended your session\./);
});

test('answers the same for a sid that nobody knows, and ends nothing', async () => {
  const [unknown, known] = [
    await load({ iss: pair.provider.issuer, sid: 'unknown' }),
    await load({ iss: pair.provider.issuer, sid }),
  ];
  const shape = ({ status, body, headers }: typeof known) => ({
    status,
    body,
    headers: [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id'),
  });
  expect(shape(unknown)).toEqual(shape(known));
});

test('may be framed by the provider and by nobody else, and is kept by nobody', async () => {
  const { headers } = await load({ iss: pair.provider.issuer, sid: 'unknown' });
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain(`frame-ancestors ${new URL(pair.provider.issuer).origin}`);
  expect(policy).toContain("default-src 'none'");
  expect(headers.get('x-frame-options')).toBeNull();
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('content-type')).toMatch(/^text\/html/);

  const page = await browser.get(app.url('/profile'));
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(page.headers.get('x-frame-options')).toBe('DENY');
});

/** Loaded by the browser of somebody who is signed in, whose cookie comes along. */
function loadBy(own: Browser, query: Record<string, string>, headers: Record<string, string>) {
  return own.get(app.url(`/auth/frontchannel-logout?${new URLSearchParams(query)}`), {
    headers,
    follow: false,
  });
}
const refusals = (at: TestApp = app) => at.events('logout_token.refused');

describe('with neither iss nor sid', () => {
  const neither: Record<string, string> = {};
  test.each([
    ['iframe', 'same-site'],
    ['iframe', 'same-origin'],
    ['frame', 'same-site'],
  ])("in a frame (%s, %s) ends the session of the browser's own cookie", async (dest, site) => {
    const other = await pair.signIn('alice');
    const headers = { 'Sec-Fetch-Dest': dest, 'Sec-Fetch-Site': site };
    expect((await loadBy(browser, neither, headers)).status).toBe(200);
    expect(await statusOf(browser, app)).toBe(401);
    expect(await statusOf(other.browser, app)).toBe(200);
    expect(app.events('session.ended').at(-1)).toMatchObject({ sub: 'alice', reason: 'provider' });
    expect(textOf(await browser.get(app.url('/profile')))).toMatch(/[\w.]+:\d+ ended your session\./);
    // Nobody is signed in any more: the same answer.
    expect((await loadBy(browser, neither, headers)).status).toBe(200);
  });

  test.each([
    ['a frame of another site', { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'cross-site' }],
    ['a typed address', { 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Site': 'none' }],
    ['a link of our own', { 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Site': 'same-origin' }],
    ['an image', { 'Sec-Fetch-Dest': 'image', 'Sec-Fetch-Site': 'same-site' }],
    ['a script', { 'Sec-Fetch-Dest': 'empty', 'Sec-Fetch-Site': 'same-origin' }],
    ['an embedded object', { 'Sec-Fetch-Dest': 'object', 'Sec-Fetch-Site': 'same-site' }],
    ['a browser that says nothing', { 'Sec-Fetch-Dest': '', 'Sec-Fetch-Site': '' }],
    ['a frame of nobody knows where', { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': '' }],
    ['two words at once', { 'Sec-Fetch-Dest': 'iframe, document', 'Sec-Fetch-Site': 'same-site' }],
  ])('%s ends nothing: 400, and the log says why', async (_what, headers) => {
    const before = refusals().length;
    const answer = await loadBy(browser, neither, headers);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([400, 'no-store']);
    expect(await statusOf(browser, app)).toBe(200);
    expect(refusals().slice(before)).toMatchObject([
      {
        channel: 'front',
        iss: pair.provider.issuer,
        reason: expect.stringMatching(/frame|session_required/),
      },
    ]);
  });
});

test('a top-level request ends nothing, with iss and sid either: 400', async () => {
  for (const site of ['none', 'cross-site', 'same-site', 'same-origin']) {
    const headers = { 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Site': site };
    expect((await loadBy(browser, { iss: pair.provider.issuer, sid }, headers)).status).toBe(400);
    expect(refusals().at(-1)).toMatchObject({ channel: 'front', reason: 'it was not loaded in a frame' });
  }
  expect(await statusOf(browser, app)).toBe(200);
});

test('a browser that says nothing of frames ends the session of iss and sid', async () => {
  const query = new URLSearchParams({ iss: pair.provider.issuer, sid });
  expect((await fetch(app.url(`/auth/frontchannel-logout?${query}`))).status).toBe(200);
  expect(await statusOf(browser, app)).toBe(401);
});

test.skipIf(!hasRedis)(
  'while the store is away a frame is answered 503, and nobody is taken for signed out',
  () =>
    withStoreAway(async (own) => {
      const headers = { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'same-site' };
      for (const query of ['', `?iss=${encodeURIComponent(own.provider.issuer)}&sid=a`]) {
        const answer = await own.browser.get(own.app.url(`/auth/frontchannel-logout${query}`), { headers });
        expect(answer.status).toBe(503);
      }
    }),
);

const entraPair = { op: { profile: entra }, env: { OIDC_ALLOWED_TENANTS: homeTenant } };
const foreign = 'https://other.example.com';
test.each<[string, (own: string) => Record<string, string> | [string, string][]]>([
  ['a wrong iss', () => ({ iss: foreign, sid })],
  ['an iss with a slash too many', (own) => ({ iss: `${own}/`, sid })],
  ['a sid alone', () => ({ sid })],
  ['an iss alone', (own) => ({ iss: own })],
  ['an empty sid', (own) => ({ iss: own, sid: '' })],
  ['two sids', (own) => [['iss', own], ['sid', sid], ['sid', 'b']]], // biome-ignore format: a table
  ['two isses', (own) => [['iss', foreign], ['iss', own], ['sid', sid]]], // biome-ignore format: a table
  ['a sid that is a list', (own) => ({ iss: own, 'sid[]': sid })],
])('with %s answers 400 and ends nothing', async (_what, query) => {
  const before = refusals().length;
  const answer = await load(query(pair.provider.issuer));
  expect(answer.status).toBe(400);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(await statusOf(browser, app)).toBe(200);
  const told = refusals().slice(before);
  expect(told).toMatchObject([{ channel: 'front', reason: expect.any(String) }]);
  expect(JSON.stringify(told)).not.toContain(sid);
});

test('takes no other method', async () => {
  const answer = await browser.post(app.url('/auth/frontchannel-logout'), { iss: pair.provider.issuer, sid });
  expect(answer.status).toBe(405);
  expect(answer.headers.get('allow')).toMatch(/^GET, HEAD/);
  expect(await statusOf(browser, app)).toBe(200);
});

test('at a provider of many tenants ends sessions of those let in (Microsoft Entra)', () =>
  withPair(entraPair, async (own) => {
    const person = own.browser;
    await expectHonestSignIn(own);
    const loadAs = (tenant: string) => {
      const query = new URLSearchParams({ iss: `${own.op.origin}/${tenant}/v2.0`, sid: 'sid-1' });
      const headers = { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'cross-site' };
      return createBrowser().get(own.app.url(`/auth/frontchannel-logout?${query}`), { headers });
    };
    for (const tenant of [foreignTenant, 'organizations', `x/${homeTenant}`]) {
      expect((await loadAs(tenant)).status).toBe(400);
      expect(await statusOf(person, own.app)).toBe(200);
    }
    expect((await loadAs(homeTenant)).status).toBe(200);
    expect(await statusOf(person, own.app)).toBe(401);
  }));

test('Microsoft Entra sends the sid alone, and is known for it', () => {
  const profile = { ...entra, host: 'login.microsoftonline.com' };
  return withPair({ ...entraPair, op: { profile } }, async (own) => {
    await expectHonestSignIn(own);
    const address = (query: string) => own.app.url(`/auth/frontchannel-logout?${query}`);
    const headers = { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'cross-site' };
    for (const query of ['sid=', 'sid=sid-1&sid=sid-1', 'iss=&sid=sid-1', 'sid[]=sid-1']) {
      expect((await createBrowser().get(address(query), { headers })).status).toBe(400);
    }
    expect((await createBrowser().get(address('sid=another'), { headers })).status).toBe(200);
    const topLevel = await own.browser.get(address('sid=sid-1'), { follow: false });
    expect(topLevel.status).toBe(400);
    expect(await statusOf(own.browser, own.app)).toBe(200);
    expect((await createBrowser().get(address('sid=sid-1'), { headers })).status).toBe(200);
    expect(await statusOf(own.browser, own.app)).toBe(401);
  });
});

/** Somebody signed in, with a Redis that has gone since. */
async function withStoreAway(use: (own: Pair & { browser: Browser }) => Promise<void>): Promise<void> {
  const redis = await startRedis();
  const own = await startPair({ env: { REDIS_URL: redis.url } });
  try {
    const signedIn = await own.signIn('alice');
    await redis.kill();
    await use({ ...own, browser: signedIn.browser });
  } finally {
    await own.stop();
    await redis.stop();
  }
}
