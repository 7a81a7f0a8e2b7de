import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TestApp } from './helpers/app.ts';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { statusOf, textOf } from './helpers/instances.ts';
import { entra, foreignTenant, homeTenant } from './helpers/misbehaving-profiles.ts';
import { expectHonestSignIn, withPair } from './helpers/misbehaving-sign-in.ts';
import { type Pair, startPair } from './helpers/pair.ts';

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
  expect(told).toContain('The sign-in service ended your session.');
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

test('with neither iss nor sid says yes and ends nothing', async () => {
  expect((await load('')).status).toBe(200);
  expect(await statusOf(browser, app)).toBe(200);
});

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
  const answer = await load(query(pair.provider.issuer));
  expect(answer.status).toBe(400);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(await statusOf(browser, app)).toBe(200);
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
      return createBrowser().get(own.app.url(`/auth/frontchannel-logout?${query}`));
    };
    for (const tenant of [foreignTenant, 'organizations', `x/${homeTenant}`]) {
      expect((await loadAs(tenant)).status).toBe(400);
      expect(await statusOf(person, own.app)).toBe(200);
    }
    expect((await loadAs(homeTenant)).status).toBe(200);
    expect(await statusOf(person, own.app)).toBe(401);
  }));
