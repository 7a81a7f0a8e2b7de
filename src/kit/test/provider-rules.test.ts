import express, { type RequestHandler, Router } from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RouteRule, requireAuth } from '../guard/require-auth.ts';
import { getUser } from '../session/user-session.ts';
import type { AnySite } from '../site.ts';
import { atLeast, prepareApp } from './helpers/app.ts';
import { startAppWithRoutes } from './helpers/app-with-routes.ts';
import { createBrowser } from './helpers/browser.ts';
import { settingsOf, startTwoLiars, type TwoLiars } from './helpers/confusable-providers.ts';
import { textOf } from './helpers/instances.ts';
import { reasons } from './helpers/misbehaving-sign-in.ts';
import { anyPage } from './helpers/small-site.ts';

// Who may do what, where one of the providers says whatever it likes of its users: it gives nobody a role, and meets no
// rule that is not meant for it.

const hidden = (rule: RouteRule): RequestHandler => {
  const guard = requireAuth(rule);
  return (req, res, next) => guard(req, res, next);
};
const rules: Record<string, RequestHandler> = {
  '/rules/role': requireAuth({ roles: 'admin' }),
  '/rules/roles': requireAuth({ allRoles: ['admin'] }),
  '/rules/any-role': requireAuth({ roles: ['admin', 'owner'] }),
  '/rules/scopes': requireAuth({ providers: 'work', scopes: ['accounts'] }),
  '/rules/claims': requireAuth({
    providers: ['work'],
    claims: ({ email_verified }) => email_verified === true,
  }),
  '/rules/acr': requireAuth({ providers: 'work', acr: 'strong' }),
  '/rules/work': requireAuth({ providers: 'work' }),
  '/rules/hidden-scopes': hidden({ scopes: ['accounts'] }),
  '/rules/hidden-claims': hidden({ claims: () => true }),
  '/rules/hidden-acr': hidden({ acr: 'strong' }),
  '/rules/hidden-unknown': hidden({ providers: 'google' }),
  '/rules/hidden-app': express().use(requireAuth({ acr: 'strong' })) as RequestHandler,
};
const site: Partial<AnySite> = {
  routes: (router) => {
    for (const [path, guard] of Object.entries(rules)) {
      router.use(path, guard, (req, res) => void res.send(`let in: ${getUser(req)?.sub}`));
    }
  },
};

let two: TwoLiars;
beforeAll(async () => {
  const everything = {
    ...{
      roles: ['admin'],
      role: 'admin',
      groups: ['admin'],
      acr: 'strong',
      amr: ['mfa'],
      email_verified: true,
    },
    ...{ scope: 'accounts', scp: ['accounts'], provider: 'work', member: { admin: true } },
  };
  two = await startTwoLiars({
    routes: { site },
    env: { OIDC_WORK_SCOPE: 'openid accounts' },
    before({ profiles: { social } }) {
      Object.assign(social.idToken, everything);
      Object.assign(social.userinfo, everything, { acr: undefined });
    },
  });
});
afterAll(() => two?.stop());
afterEach(() => {
  two.reset();
  Object.assign(two.profiles.work.idToken, { sub: 'user-1' });
  Object.assign(two.profiles.work.userinfo, { sub: 'user-1' });
});

describe('whatever the liar says of its user', () => {
  test.each(Object.keys(rules).filter((path) => !path.includes('hidden')))(
    'opens nothing at %s',
    async (path) => {
      two.social.takeOver('token', ({ json }) => ({ json: { ...json, scope: 'openid accounts admin' } }));
      const { browser } = await two.signIn('social');
      const page = await two.open(browser, path, { follow: false });
      expect([page.status, page.location]).toEqual([403, undefined]);
      expect((await two.open((await two.signIn('work')).browser, path)).body).toBe('let in: user-1');
    },
  );

  test('it has no roles on pages, for `signIn`, and for its own namesake', async () => {
    const { browser, who } = await two.signIn('social');
    expect(who.roles).toEqual([]);
    expect((await two.open(browser, '/admin')).status).toBe(403);
    expect((await two.signIn('work')).who.roles).toEqual(['admin']);
  });
});

test("another account's 403 says which provider is needed, and leads to the page that asks which", async () => {
  const { browser } = await two.signIn('social');
  const page = await two.open(browser, '/rules/work');
  expect(textOf(page)).toContain(new URL(two.work.issuer).host);
  expect(page.body).toContain('/auth/login?switch=yes&amp;returnTo=%2Frules%2Fwork');
  const choice = await two.open(browser, '/auth/login?switch=yes&returnTo=/rules/work');
  expect(choice.body).toContain('data-provider="work"');
  const landed = await two.open(browser, '/auth/login/work?switch=yes&returnTo=/rules/work');
  expect(landed.body).toBe('let in: user-1');
});

test.each(Object.keys(rules).filter((path) => path.includes('hidden')))(
  'a guard that the start could not see lets nobody through at the request (%s)',
  async (path) => {
    for (const name of ['work', 'social'] as const) {
      const { browser } = await two.signIn(name);
      const page = await two.open(browser, path, { follow: false });
      expect([page.status, page.body.includes('let in')]).toEqual([500, false]);
    }
    expect(two.app.lines.some(atLeast('error'))).toBe(true);
  },
);

describe('a step-up of a session of one provider', () => {
  test("is asked of that provider, and an answer of the other's user is refused and changes nobody", async () => {
    const { browser } = await two.signIn('work');
    two.reset();
    const sent = await two.open(browser, '/rules/acr', { follow: false });
    expect(sent.location).toMatch(`${two.work.origin}/authorize?`);
    const state = new URL(sent.location ?? '').searchParams.get('state') ?? '';
    const answer = await (await two.begin(createBrowser(), 'social')).answer();
    answer.searchParams.set('state', state);
    for (const path of ['/auth/callback/work', '/auth/callback/social']) {
      await browser.get(two.app.url(path + answer.search));
    }
    expect(reasons(two.app).at(-1)).toBe('issuer_mismatch');
    expect([two.work.calls.token, two.social.calls.token]).toEqual([0, 0]);
    expect((await two.open(browser, '/rules/work')).body).toBe('let in: user-1');
  });

  test('by another user of the same provider is a sign-in of that one: the former session ends', async () => {
    const { browser } = await two.signIn('work');
    const former = browser.cookieHeader(two.app.origin);
    Object.assign(two.profiles.work.idToken, { sub: 'user-2' });
    Object.assign(two.profiles.work.userinfo, { sub: 'user-2' });
    expect((await two.open(browser, '/rules/acr')).body).toBe('let in: user-2');
    const copy = createBrowser({ headers: { Cookie: former } });
    expect((await two.open(copy, '/anyone')).body).toBe('{"roles":null}');
  });
});

describe('the start stops', () => {
  const settings = {
    OIDC_PROVIDERS: 'work,social',
    ...settingsOf('work', {
      ...{
        ISSUER: 'https://work.example.com',
        CLIENT_ID: 'app',
        CLIENT_SECRET: 'the secret at work',
        ROLES_CLAIM: 'roles',
      },
    }),
    ...settingsOf('social', {
      ...{ ISSUER: 'https://social.example.com', CLIENT_ID: 'app', CLIENT_SECRET: 'the secret elsewhere' },
    }),
  };
  const start = async (parts: Partial<AnySite>, env: Record<string, string> = {}) => {
    const app = await startAppWithRoutes({ ...settings, ...env }, { site: parts });
    await app.stop();
  };
  const open: RequestHandler = (_req, res) => void res.send('open');
  const said = [
    ['scopes', { scopes: ['a'] }],
    ['claims', { claims: () => true }],
    ['acr', { acr: 'strong' }],
    ['an unknown provider', { providers: 'google' }],
    ['no provider', { providers: [] }],
    ['a number', { providers: 7 as never }],
    ['a name of every object', { providers: ['constructor'] }],
  ] as const satisfies [string, RouteRule][];

  test.each(said)('for a page whose rule has %s', async (_, access) => {
    const page = anyPage({ path: '/own', view: 'profile', access });
    await expect(prepareApp(settings, undefined, { pages: () => [page] })).rejects.toThrow(/its rule/);
    const actions = { go: { access, run: () => '/' } };
    const form = anyPage({ path: '/own', view: 'profile', actions });
    await expect(prepareApp(settings, undefined, { pages: () => [form] })).rejects.toThrow(/its rule/);
  });

  test.each(said)('for a route whose guard has %s', async (_, rule) => {
    await expect(
      start({ routes: (router) => void router.get('/a', requireAuth(rule), open) }),
    ).rejects.toThrow(/\/a.*its rule/);
  });

  const guard = requireAuth({ acr: 'strong' });
  const deep = () => Router().use('/b', Router().use(Router().post('/c', [open, guard], open)));
  test.each<[string, Partial<AnySite>]>([
    ['for everyone', { publicRoutes: (router) => void router.get('/a', guard, open) }],
    ['of a router', { routes: (router) => void router.use(guard) }],
    ['of a path', { routes: (router) => void router.use('/a', guard, open) }],
    ['of each method', { routes: (router) => void router.route('/a').all(guard).get(open) }],
    ['in a router below a router below a router', { routes: (router) => void router.use('/a', deep()) }],
  ])('for a guard %s', async (_, parts) => {
    await expect(start(parts)).rejects.toThrow(/its rule asks for `acr`/);
  });

  test('and not for rules that any provider may meet', async () => {
    const fine: RouteRule[] = [
      ...[{}, { roles: 'admin' }, { maxAgeSeconds: 60 }, { allow: () => true }, { member: () => true }],
      { providers: ['work', 'social'], scopes: ['a'], claims: () => true, acr: 'strong' },
    ];
    await start({
      routes: (router) =>
        fine.forEach((rule, index) => void router.get(`/${index}`, requireAuth(rule), open)),
    });
  });

  test('for a roles claim that all would share', async () => {
    await expect(start({}, { OIDC_ROLES_CLAIM: 'roles' })).rejects.toThrow(
      /OIDC_ROLES_CLAIM is never shared/,
    );
  });
});
