import { describe, expect, test, vi } from 'vitest';
import type { Profile } from './helpers/misbehaving-profiles.ts';
import * as profiles from './helpers/misbehaving-profiles.ts';
import { expectHonestSignIn, expectPlainFailure, reasons, withPair } from './helpers/misbehaving-sign-in.ts';

// Each provider differs from the plain one in some way that an app notices. The profiles imitate what each
// documents; none of them was asked for real.
vi.setConfig({ maxConcurrency: 8 });

interface Provider {
  name: string;
  profile: Profile;
  /** The settings that the recipe in docs/providers.md names. */
  env: Record<string, string>;
  /** Whether its roles reach the app: without, nobody is an admin. */
  admin: boolean;
}

const providers: Provider[] = [
  {
    name: 'Google',
    profile: profiles.google,
    env: { OIDC_SCOPE: 'openid profile email' },
    admin: false,
  },
  {
    name: 'Microsoft Entra, many tenants',
    profile: profiles.entra,
    env: { OIDC_ALLOWED_TENANTS: profiles.homeTenant },
    admin: true,
  },
  {
    name: 'Auth0',
    profile: profiles.auth0,
    env: {
      OIDC_AUDIENCE: 'https://api.example.com',
      OIDC_ROLES_CLAIM: 'https://app.example.com/roles',
    },
    admin: true,
  },
  { name: 'Okta', profile: profiles.okta, env: { OIDC_ROLES_CLAIM: 'groups' }, admin: true },
  {
    name: 'Keycloak',
    profile: profiles.keycloak,
    env: { OIDC_ROLES_CLAIM: 'realm_access.roles' },
    admin: true,
  },
  {
    name: 'Amazon Cognito',
    profile: profiles.cognito,
    env: { OIDC_SCOPE: 'openid profile email', OIDC_ROLES_CLAIM: 'cognito:groups' },
    admin: true,
  },
  { name: 'Clerk', profile: profiles.clerk, env: { OIDC_ROLES_CLAIM: 'public_metadata.roles' }, admin: true },
  { name: 'Duende IdentityServer', profile: profiles.duende, env: { OIDC_ROLES_CLAIM: 'role' }, admin: true },
  { name: 'OpenIddict', profile: profiles.openiddict, env: { OIDC_ROLES_CLAIM: 'role' }, admin: true },
  {
    name: 'GitLab',
    profile: profiles.gitlab,
    env: { OIDC_SCOPE: 'openid profile email', OIDC_ROLES_CLAIM: 'groups_direct' },
    admin: true,
  },
];

describe.concurrent.each(providers)('$name', ({ profile, env, admin }) => {
  const pairOf = { op: { profile }, env };

  test('signs in, and its roles count', () =>
    withPair(pairOf, async (pair) => {
      await expectHonestSignIn(pair);
      expect((await pair.open('/admin')).status).toBe(admin ? 200 : 403);
      expect(pair.op.latest.authorization?.get('audience')).toBe(env.OIDC_AUDIENCE ?? null);
      expect(reasons(pair.app)).toEqual([]);
    }));

  test('signs out as far as it can be told to', () =>
    withPair(pairOf, async (pair) => {
      const { op, app, browser } = pair;
      const last = await browser.submit(await expectHonestSignIn(pair));
      expect([last.status, new URL(last.url).pathname]).toEqual([200, '/signed-out']);
      const canEnd =
        profile.metadata.end_session_endpoint !== undefined || !('end_session_endpoint' in profile.metadata);
      expect(op.calls.end_session).toBe(canEnd ? 1 : 0);
      const asked = op.latest.end_session;
      if (canEnd) expect(asked?.get('client_id')).toBe(op.clientId);
      const ownWay = profile.endSessionNeeds === 'logout_uri';
      expect(last.body.includes('You may still be signed in at')).toBe(!canEnd || ownWay);
      if (ownWay) {
        expect([...(asked?.keys() ?? [])]).toEqual(['client_id', 'logout_uri']);
        expect(asked?.get('logout_uri')).toBe(app.url('/signed-out'));
        expect(JSON.stringify(app.lines)).not.toContain('state that came back');
      } else if (canEnd) {
        expect(asked?.get('id_token_hint')).toMatch(/^eyJ/);
        expect(asked?.get('post_logout_redirect_uri')).toBe(app.url('/signed-out'));
      }
      expect(op.calls.revocation).toBe('revocation_endpoint' in profile.metadata ? 0 : 1);
    }));

  test('refreshes tokens again and again', () =>
    withPair(pairOf, async (pair) => {
      const { op, open } = pair;
      const ending = { token: { json: { expires_in: 1 } } };
      op.next(ending);
      await expectHonestSignIn(pair);
      for (let times = 1; times <= 3; times++) {
        op.nextRefresh(ending);
        expect((await open('/api-data')).status).toBe(200);
        expect([op.calls.token, op.calls.api]).toEqual([1 + times, times]);
      }
    }));
});

describe.concurrent('an issuer that serves many tenants', () => {
  const pairOf = { op: { profile: profiles.entra }, env: { OIDC_ALLOWED_TENANTS: profiles.homeTenant } };
  const strangers = [
    { name: 'a foreign tenant', idToken: { tid: profiles.foreignTenant }, reason: 'tenant_not_allowed' },
    { name: 'no tenant', idToken: { tid: undefined }, reason: 'tenant_not_allowed' },
    { name: 'a list of tenants', idToken: { tid: [profiles.homeTenant] }, reason: 'tenant_not_allowed' },
    {
      name: 'a tenant that is a path',
      idToken: { tid: `${profiles.homeTenant}/..` },
      reason: 'tenant_not_allowed',
    },
    {
      name: 'a home tenant with a foreign issuer',
      idToken: { iss: 'https://other.example.com' },
      reason: 'id_token_claims',
    },
    { name: 'the template itself as issuer', idToken: { iss: '{tenantid}' }, reason: 'id_token_claims' },
  ];
  for (const { name, idToken, reason } of strangers) {
    test(`refuses ${name}`, () =>
      withPair(pairOf, async (pair) => {
        const { op, app, open } = pair;
        op.next({ idToken });
        expectPlainFailure(await open('/profile'), app);
        expect(reasons(app)).toEqual([reason]);
        await expectHonestSignIn(pair);
      }));
  }

  for (const [name, issuer] of [
    ['another tenant', `/${profiles.foreignTenant}/v2.0`],
    ['another place', 'https://other.example.com/{tenantid}/v2.0'],
    ['whatever there is below this place', '/{tenantid}'],
  ]) {
    test(`refuses a key that signs for ${name}`, () =>
      withPair(pairOf, async ({ op, app, open }) => {
        op.next({ keys: { issuer } });
        expectPlainFailure(await open('/profile'), app);
        expect(reasons(app)).toEqual(['id_token_signature']);
      }));
  }

  for (const [name, issuer] of [
    ['for this tenant', `/${profiles.homeTenant}/v2.0`],
    ['without saying for whom', undefined],
    ['and names an issuer that is no address', 'CN=Signing'],
  ]) {
    test(`takes a key that signs ${name}`, () =>
      withPair(pairOf, async (pair) => {
        pair.op.next({ keys: { issuer } });
        await expectHonestSignIn(pair);
      }));
  }

  test('refuses a foreign tenant when tokens are refreshed', () =>
    withPair(pairOf, async (pair) => {
      const { op, app, open } = pair;
      op.next({ token: { json: { expires_in: 1 } } });
      await expectHonestSignIn(pair);
      op.nextRefresh({ idToken: { tid: profiles.foreignTenant } });
      expectPlainFailure(await open('/api-data'), app);
      expect(op.calls.api).toBe(0);
      await expectHonestSignIn(pair);
    }));

  test('may say where too many groups can be fetched; nobody goes there', () =>
    withPair(pairOf, async (pair) => {
      const { op } = pair;
      const endpoint = `${op.origin}/elsewhere`;
      op.next({
        idToken: {
          groups: undefined,
          _claim_names: { groups: 'src1' },
          _claim_sources: { src1: { endpoint } },
        },
      });
      await expectHonestSignIn(pair);
      expect(op.calls.elsewhere).toBe(0);
    }));
});

test('an issuer in the answer counts although the provider did not promise one', () =>
  withPair(
    { op: { profile: profiles.google }, env: { OIDC_SCOPE: 'openid profile email' } },
    async (pair) => {
      const { op, app, open } = pair;
      op.next({ answer: { iss: 'https://other.example.com' } });
      expectPlainFailure(await open('/profile'), app);
      expect(reasons(app)).toEqual(['issuer_mismatch']);
      expect(op.calls.token).toBe(0);
      await expectHonestSignIn(pair);
    },
  ));

describe.concurrent('Amazon Cognito', () => {
  const env = { OIDC_SCOPE: 'openid profile email', OIDC_ROLES_CLAIM: 'cognito:groups' };

  test('is signed out at /logout beside its sign-in page where discovery does not say so', () => {
    const { metadata } = profiles.cognito;
    const profile = { ...profiles.cognito, metadata: { ...metadata, end_session_endpoint: undefined } };
    return withPair({ op: { profile }, env }, async (pair) => {
      const left = await pair.browser.submit(await expectHonestSignIn(pair), {}, { follow: false });
      const { origin, pathname, searchParams } = new URL(left.location ?? '');
      expect([origin, pathname]).toEqual([pair.op.origin, '/logout']);
      expect([...searchParams.keys()]).toEqual(['client_id', 'logout_uri']);
    });
  });

  test('that is away is not gone to', () =>
    withPair({ op: { profile: profiles.cognito }, env }, async (pair) => {
      const page = await expectHonestSignIn(pair);
      pair.op.down();
      await pair.open('/api-data');
      const left = await pair.browser.submit(page, {}, { follow: false });
      expect(left.location).toBe(pair.app.url('/signed-out'));
    }));
});
