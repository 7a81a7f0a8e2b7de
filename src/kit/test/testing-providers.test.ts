import { afterAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { getUser } from '../session/user-session.ts';
import { checkSite, startTestApp, type TestApp, type TestProvider } from '../testing/index.ts';
import { siteFolder } from './helpers/app.ts';
import { anyPage, type SmallSite, smallSite } from './helpers/small-site.ts';
import { startSmall } from './helpers/test-app.ts';
import { site } from './site/site.ts';

// Two providers: the tests of an app with them say their names, and nothing else.

const two = { OIDC_PROVIDERS: 'work,google' } as const;

const app = await startTestApp({ site, root: siteFolder, env: { ...two, OIDC_WORK_ROLES_CLAIM: 'roles' } });
afterAll(() => app.stop());
beforeEach(() => Promise.all([app.providers.work.comeBack(), app.providers.google.comeBack()]));

/** A route that says who is asking. */
const whoAsks: SmallSite = {
  more: { routes: (router) => void router.get('/me', (req, res) => void res.json(getUser(req))) },
};

interface Me {
  iss: string;
  sub: string;
  provider: string;
  roles: string[];
  claims: Record<string, unknown>;
}

const me = async (someone: Pick<TestApp, 'fetch'>) => (await someone.fetch('/me')).json() as Me;

describe('signing in with two providers', () => {
  test('needs their names only, and the same account at each is a user of its own', async () => {
    const other = await startSmall(whoAsks, two);
    const first = await me(await other.signIn('alice'));
    const atGoogle = await me(await other.signIn('alice', { provider: 'google' }));
    expect(first).toMatchObject({ sub: 'alice', provider: 'work', iss: other.provider.issuer });
    expect(atGoogle).toMatchObject({ sub: 'alice', provider: 'google', iss: other.providers.google?.issuer });
    expect(atGoogle.iss).not.toBe(first.iss);
  });

  test('ends on the page that was asked for, at either', async () => {
    for (const provider of ['work', 'google'] as const) {
      const person = await app.signIn('alice', { provider, path: '/profile' });
      expect(person.page.path).toBe('/profile');
    }
  });

  test('at one after the other in the same browser leaves the later', async () => {
    const other = await startSmall(whoAsks, two);
    const visitor = other.visitor();
    await visitor.signIn('alice');
    await visitor.signIn('bob', { provider: 'google' });
    expect(await me(visitor)).toMatchObject({ sub: 'bob', provider: 'google' });
  });

  test('at a provider that is not there says which there are', async () => {
    const wrong = 'was given the provider "googel", and OIDC_PROVIDERS has work, google.';
    // @ts-expect-error: the names are known from `env`
    await expect(app.signIn('alice', { provider: 'googel' })).rejects.toThrow(`signIn ${wrong}`);
    await expect(app.visitor().signIn('alice', { provider: 'googel' })).rejects.toThrow(`signIn ${wrong}`);
    // @ts-expect-error: as above
    await expect(app.endSessions('alice', { provider: 'googel' })).rejects.toThrow(`endSessions ${wrong}`);
  });

  test('has nothing to choose where there is one without a name', async () => {
    const other = await startSmall(whoAsks);
    expect(Object.keys(other.providers)).toEqual(['default']);
    expect((await me(await other.signIn('alice', { provider: 'default' }))).provider).toBe('default');
    await expect(other.signIn('alice', { provider: 'work' })).rejects.toThrow(
      'signIn was given the provider "work", and this app has one provider, without a name: leave `provider` out, or set OIDC_PROVIDERS.',
    );
  });

  test('works with one that has a name', async () => {
    const other = await startSmall(whoAsks, { OIDC_PROVIDERS: 'work' });
    const alice = await other.signIn('alice');
    expect((await me(alice)).provider).toBe('work');
    expect((await other.get('/me')).location).toContain(`${other.providers.work?.issuer}/authorize`);
  });
});

describe('roles', () => {
  test('are those of the provider that has a claim for them', async () => {
    const admin = await app.signIn('alice', { roles: ['admin'] });
    expect((await admin.get('/admin')).status).toBe(200);
    admin.setRoles([]);
    await app.passTime('11m');
    expect((await admin.get('/admin')).status).toBe(403);
  });

  test('cannot be given where there is none: as in production, a provider has no roles until somebody says where', async () => {
    const why =
      'Users of the provider google have no roles, because OIDC_GOOGLE_ROLES_CLAIM is not set. Set it in `env` or in test/settings.env, such as OIDC_GOOGLE_ROLES_CLAIM=roles.';
    await expect(app.signIn('alice', { provider: 'google', roles: ['admin'] })).rejects.toThrow(why);
    const alice = await app.signIn('alice', { provider: 'google', claims: { roles: ['admin'] } });
    expect(() => alice.setRoles(['admin'])).toThrow(why);
    expect((await alice.get('/admin')).status).toBe(403);

    const other = await startSmall(whoAsks, two);
    await expect(other.signIn('alice', { roles: ['admin'] })).rejects.toThrow('OIDC_WORK_ROLES_CLAIM');
  });

  test('are in the claim of each', async () => {
    const claims = { OIDC_WORK_ROLES_CLAIM: 'groups', OIDC_GOOGLE_ROLES_CLAIM: 'realm_access.roles' };
    const other = await startSmall(whoAsks, { ...two, ...claims });
    const atWork = await me(await other.signIn('alice', { roles: ['a'] }));
    expect(atWork).toMatchObject({ roles: ['a'], claims: { groups: ['a'] } });
    const atGoogle = await me(await other.signIn('alice', { provider: 'google', roles: ['b'] }));
    expect(atGoogle).toMatchObject({ roles: ['b'], claims: { realm_access: { roles: ['b'] } } });
  });
});

describe('the page that asks where to sign in', () => {
  test('asks to sign in, and its links lead to each provider', async () => {
    const visitor = app.visitor();
    const chooser = await visitor.get('/profile');
    expect(chooser).toMatchObject({
      status: 200,
      path: '/auth/login?returnTo=%2Fprofile',
      asksToSignIn: true,
    });
    for (const name of ['work', 'google'] as const) {
      const left = await visitor.click(chooser, `Continue with ${name}`);
      expect(left.asksToSignIn).toBe(true);
      expect(left.location).toContain(`${app.providers[name].issuer}/authorize`);
    }
  });

  test('leads whoever is signed in at the provider there and back', async () => {
    const other = await startSmall(whoAsks, two);
    const alice = await other.signIn('alice', { provider: 'google' });
    await alice.endSession();
    const chooser = await alice.click(await alice.get('/me'), 'Sign in again');
    expect(chooser.asksToSignIn).toBe(true);
    const back = await alice.click(chooser, 'Continue with google');
    expect(back).toMatchObject({ path: '/me', asksToSignIn: false });
    expect(back.json()).toMatchObject({ sub: 'alice', provider: 'google' });
  });

  test('has the labels that a test sets', async () => {
    const other = await startSmall(whoAsks, { ...two, OIDC_GOOGLE_LABEL: 'Google' });
    const chooser = await other.get('/me');
    const names = chooser.links.map(({ name }) => name).filter((name) => name.startsWith('Continue'));
    expect(names).toEqual(['Continue with work', 'Continue with Google']);
  });
});

describe('what happens at one provider', () => {
  test('goes away, hangs and comes back without the other', async () => {
    const alice = await app.signIn('alice', { provider: 'google' });
    await app.providers.google.goAway();
    await expect(fetch(app.providers.google.issuer)).rejects.toThrow();
    expect((await fetch(`${app.provider.issuer}/jwks`)).status).toBe(200);
    expect((await app.signIn('bob')).page.path).toBe('/');
    expect((await alice.get('/profile')).status).toBe(200);
    await expect(app.signIn('bob', { provider: 'google' })).rejects.toThrow(
      /^signIn\('bob', \{ provider: 'google' \}\) did not sign in: .* The provider google is away: app\.providers\.google\.comeBack\(\) brings it back\.$/,
    );
    await app.providers.google.comeBack();
    expect((await app.signIn('bob', { provider: 'google' })).page.path).toBe('/');
    await app.provider.goAway();
    await expect(app.signIn('bob')).rejects.toThrow('app.providers.work.comeBack()');
  });

  test('changes or disables an account there, and none of the same name elsewhere', async () => {
    const other = await startSmall(whoAsks, two);
    const atWork = await other.signIn('alice');
    const atGoogle = await other.signIn('alice', { provider: 'google' });
    atGoogle.setClaims({ department: 'Lab' });
    await other.passTime('11m');
    expect((await me(atGoogle)).claims).toMatchObject({ department: 'Lab' });
    expect((await me(atWork)).claims).not.toHaveProperty('department');
    atGoogle.disable();
    await other.passTime('11m');
    expect((await atGoogle.fetch('/me')).status).toBe(401);
    expect((await atWork.fetch('/me')).status).toBe(200);
    await expect(other.signIn('alice', { provider: 'google' })).rejects.toThrow('The account is disabled');
    expect((await other.signIn('alice')).page.path).toBe('/');
  });

  test('is signed out of with the session there, and stays otherwise', async () => {
    const visitor = app.visitor();
    await visitor.signIn('alice');
    await visitor.signIn('alice', { provider: 'google' });
    expect((await visitor.signOut()).path).toMatch(/^\/signed-out/);
    const chooser = await visitor.get('/profile');
    expect((await visitor.click(chooser, 'Continue with google')).asksToSignIn).toBe(true);
    expect((await visitor.click(chooser, 'Continue with work')).path).toBe('/profile');
  });

  test('is whose sessions an operator ends, or those of each', async () => {
    const start = async () => [await app.signIn('erin'), await app.signIn('erin', { provider: 'google' })];
    const [atWork, atGoogle] = await start();
    expect(await app.endSessions('erin', { provider: 'google' })).toBe(1);
    expect((await atWork?.fetch('/auth/session'))?.status).toBe(200);
    expect((await atGoogle?.fetch('/auth/session'))?.status).toBe(401);
    await start();
    expect(await app.endSessions('erin')).toBe(3);
  });
});

describe('settings of a test app with two providers', () => {
  test('come from test/settings.env as well, and are shared or for one', async () => {
    const file =
      'OIDC_PROVIDERS=work, google\nOIDC_SCOPE=openid profile\nOIDC_GOOGLE_SCOPE=openid email\nOIDC_GOOGLE_ROLES_CLAIM=groups';
    const other = await startSmall({ ...whoAsks, files: { 'test/settings.env': file } });
    expect(Object.keys(other.providers)).toEqual(['work', 'google']);
    const scopes = async (name: string) =>
      new URL((await other.get(`/auth/login/${name}`)).location ?? '').searchParams.get('scope')?.split(' ');
    expect(await scopes('work')).toEqual(expect.arrayContaining(['openid', 'profile']));
    expect(await scopes('google')).toEqual(expect.arrayContaining(['openid', 'email']));
    expect(await scopes('google')).not.toContain('profile');
    const alice = await other.signIn('alice', { provider: 'google', roles: ['a'] });
    expect((await me(alice)).roles).toEqual(['a']);
  });

  test.each<[Record<string, string>, string]>([
    [{ OIDC_WORK_ISSUER: 'https://a.example' }, 'remove OIDC_WORK_ISSUER from `env`'],
    [{ OIDC_ISSUER: 'https://a.example' }, 'remove OIDC_ISSUER from `env`'],
    [
      { OIDC_WORK_SCOPES: 'openid' },
      'OIDC_WORK_SCOPES in `env` is not a setting. Did you mean OIDC_WORK_SCOPE?',
    ],
    [{ OIDC_HOME_SCOPE: 'openid' }, 'OIDC_HOME_SCOPE is for a provider that OIDC_PROVIDERS does not name'],
    [{ OIDC_ROLES_CLAIM: 'roles' }, 'OIDC_ROLES_CLAIM is never shared by the providers in OIDC_PROVIDERS'],
    [{ OIDC_PROVIDERS: 'work,work' }, 'OIDC_PROVIDERS has a name twice.'],
    [{ OIDC_PROVIDERS: 'Work' }, 'OIDC_PROVIDERS must be names of lower-case letters and digits'],
    [{ OIDC_PROVIDERS: 'work,client' }, 'OIDC_PROVIDERS must not contain "client"'],
  ])('%o are refused: %s', async (env, says) => {
    await expect(startTestApp({ ...smallSite({}), env: { ...two, ...env } })).rejects.toThrow(says);
  });

  test('refuse an issuer in test/settings.env as well', async () => {
    const parts = { files: { 'test/settings.env': 'OIDC_WORK_ISSUER=https://a.example' } };
    await expect(startTestApp({ ...smallSite(parts), env: two })).rejects.toThrow(
      'remove OIDC_WORK_ISSUER from test/settings.env',
    );
  });

  test('give the names their types', () => {
    expectTypeOf(app).toEqualTypeOf<TestApp<'work' | 'google'>>();
    expectTypeOf(app.providers.google).toEqualTypeOf<TestProvider>();
    expectTypeOf(app).toExtend<TestApp>();
  });
});

describe('checkSite with two providers', () => {
  const check = (parts: SmallSite, env: Record<string, string> = {}) => {
    const { site, root } = smallSite(parts);
    return checkSite(site, { root, env: { ...two, ...env } });
  };
  const own = (access: unknown, model?: (at: { user: { provider: string } }) => object) => ({
    views: { own: '<h1>Own</h1>' },
    pages: [anyPage({ path: '/own', view: 'own', access, model })],
  });

  test('sees the pages of each, and the roles of whichever has some', async () => {
    for (const access of [{ providers: 'google' }, { providers: ['work'] }, { roles: 'admin' }]) {
      const report = await check(own(access), { OIDC_GOOGLE_ROLES_CLAIM: 'roles' });
      expect(report.unseen).toEqual([]);
    }
    const report = await check(own({ providers: 'work', roles: 'admin' }));
    expect(report.unseen).toEqual(['/own']);
  });

  test('names the page that fails, and the provider where it fails for its users only', async () => {
    const fails = (providers: readonly string[]) =>
      check(
        own('signed-in', ({ user }) => {
          if (providers.includes(user.provider)) throw new RangeError('so broken');
          return {};
        }),
      );
    const sentence = 'The page /own (views/own.ejs) answers 500: RangeError: so broken.';
    const rest = ' Its model or view must take any user and any query.';
    await expect(fails(['google'])).rejects.toThrow(
      `${sentence}${rest} Users of the provider google see this.`,
    );
    await expect(fails(['work', 'google'])).rejects.toThrow(new RegExp(`${rest}$`));
  });

  test('names the page whose rule means no provider, or one that is not there', async () => {
    await expect(check(own({ scopes: ['a'] }))).rejects.toThrow(
      /The page \/own.*its rule asks for `scopes`, and does not say of which provider/,
    );
    await expect(check(own({ providers: 'home' }))).rejects.toThrow(
      /The page \/own.*its rule names the provider "home"/,
    );
  });

  test('names a route at an address of the sign-in', async () => {
    const routes: NonNullable<SmallSite['more']>['routes'] = (router) =>
      void router.get('/auth/login/work', (_req, res) => void res.send('here'));
    await expect(check({ more: { routes } })).rejects.toThrow(
      'GET /auth/login/work of `routes` cannot be reached: the kit answers there',
    );
  });
});
