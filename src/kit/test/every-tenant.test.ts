import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { issues } from '../provider/issuers.ts';
import { prepareApp } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { settingsOf, startTwoLiars, type TwoLiars } from './helpers/confusable-providers.ts';
import { entra, foreignTenant, homeTenant } from './helpers/misbehaving-profiles.ts';
import { reasons } from './helpers/misbehaving-sign-in.ts';
import { logoutTokenOf } from './helpers/two-provider-tokens.ts';

// OIDC_ALLOWED_TENANTS=*: the issuer of a token is that of the tenant it names, which is a tenant id and nothing else.

let two: TwoLiars;
const profile = { ...entra, idToken: { ...entra.idToken } };
beforeAll(async () => {
  two = await startTwoLiars({
    social: { profile },
    env: { OIDC_SOCIAL_ALLOWED_TENANTS: '*' },
    routes: { site: { signIn: () => ({}) } },
  });
});
afterAll(() => two?.stop());
afterEach(() => two.reset());

const issuerOf = (tenant: string) => `${two.social.origin}/${tenant}/v2.0`;
const isIn = async (browser: ReturnType<typeof createBrowser>) =>
  (await two.open(browser, '/anyone')).body !== '{"roles":null}';

test.each([homeTenant, foreignTenant])('lets in users of a tenant (%s), as that one’s', async (tid) => {
  two.social.next({ idToken: { tid } });
  expect((await two.signIn('social')).who.claims).toMatchObject({ iss: issuerOf(tid), tid });
});

test.each([
  ['no tenant', undefined],
  ['the shared name', 'organizations'],
  ['a path', `${homeTenant}/x`],
  ['a way up', `../${homeTenant}`],
  ['dots', '..'],
  ['nothing', ''],
  ['a number', 42],
  ['a list', [homeTenant]],
  ['capitals', 'AAAAAAAA-2222-4333-8444-555555555555'],
  ['a line more', `${homeTenant}\n`],
  ['a pattern', '$&'],
])('a token with %s as its tenant is refused', async (_, tid) => {
  two.social.next({ idToken: { tid } });
  const browser = createBrowser();
  await two.open(browser, '/auth/login/social?returnTo=/who');
  expect(reasons(two.app).at(-1)).toBe('tenant_not_allowed');
  expect(await isIn(browser)).toBe(false);
});

test('a token whose issuer is of another tenant than it names is refused', async () => {
  two.social.next({ idToken: { tid: homeTenant, iss: issuerOf(foreignTenant) } });
  await two.open(createBrowser(), '/auth/login/social?returnTo=/who');
  expect(reasons(two.app).at(-1)).toBe('id_token_claims');
});

test('a logout token and a frame of one tenant end no session of another with the same sub and sid', async () => {
  const send = async (tid: string) => {
    const claims = { iss: issuerOf(tid), tid };
    const logout_token = await logoutTokenOf(two, { keys: 'social', iss: 'social', claims });
    const body = new URLSearchParams({ logout_token });
    return (await fetch(two.app.url('/auth/backchannel-logout'), { method: 'POST', body })).status;
  };
  const load = (iss: string) =>
    createBrowser().get(
      two.app.url(`/auth/frontchannel-logout?${new URLSearchParams({ iss, sid: 'sid-1' })}`),
      {
        headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'iframe' },
      },
    );
  const home = (await two.signIn('social')).browser;
  two.social.next({ idToken: { tid: foreignTenant } });
  const foreign = (await two.signIn('social')).browser;
  const work = (await two.signIn('work')).browser;
  for (const tid of ['organizations', `x/${homeTenant}`, '..']) expect(await send(tid)).toBe(400);
  expect(await send(foreignTenant)).toBe(200);
  expect([await isIn(home), await isIn(foreign), await isIn(work)]).toEqual([true, false, true]);
  expect((await load(issuerOf('organizations'))).status).toBe(400);
  expect((await load(issuerOf(foreignTenant))).status).toBe(200);
  expect(await isIn(home)).toBe(true);
  expect((await load(issuerOf(homeTenant))).status).toBe(200);
  expect([await isIn(home), await isIn(work)]).toEqual([false, true]);
});

test('the issuer of every tenant is none of another host or path', () => {
  const entraIssuer = 'https://login.microsoftonline.com/organizations/v2.0';
  const isOurs = (iss: string) => issues({ issuer: entraIssuer, allowedTenants: ['*'] }, iss);
  expect(isOurs(`https://login.microsoftonline.com/${homeTenant}/v2.0`)).toBe(true);
  for (const iss of [
    ...[entraIssuer, 'https://login.microsoftonline.com//v2.0', `https://evil.example/${homeTenant}/v2.0`],
    ...[
      `https://login.microsoftonline.com/${homeTenant}`,
      `https://login.microsoftonline.com/${homeTenant}/v2.0/`,
    ],
    `https://login.microsoftonline.com/evil/${homeTenant}/v2.0`,
  ])
    expect(isOurs(iss), iss).toBe(false);
});

test('a second provider that is one of those tenants stops the start', async () => {
  const at = (name: string, path: string) =>
    settingsOf(name, {
      ISSUER: `https://login.microsoftonline.com/${path}/v2.0`,
      ...{ CLIENT_ID: 'app', CLIENT_SECRET: `the secret of this app at ${name}` },
    });
  const start = (...more: Record<string, string>[]) =>
    prepareApp(
      Object.assign(
        { OIDC_PROVIDERS: 'all,one', OIDC_ALL_ALLOWED_TENANTS: '*' },
        at('all', 'organizations'),
        ...more,
      ),
      undefined,
      { signIn: () => ({}) },
    );
  await expect(start(at('one', homeTenant))).rejects.toThrow(/name the same provider/);
  const shared = { ...at('one', 'common'), OIDC_ONE_ALLOWED_TENANTS: homeTenant };
  await expect(start(shared)).rejects.toThrow(/name the same provider/);
});
