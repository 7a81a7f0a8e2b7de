import { exportJWK, generateKeyPair } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountsWithRoles, sampleAccounts } from '../dev/accounts.ts';
import { createBrowser } from './helpers/browser.ts';
import {
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './helpers/identity-provider.ts';
import { discover, startPlainClient } from './helpers/plain-client.ts';

let app: Awaited<ReturnType<typeof startPlainClient>>;

beforeAll(async () => {
  app = await startPlainClient();
});

afterAll(() => app.stop());

describe('a provider set up differently', () => {
  it('offers no pushed requests, no logout and no userinfo when told so', async () => {
    const off = { enabled: false };
    const features = { pushedAuthorizationRequests: off, rpInitiatedLogout: off, userinfo: off };
    await withProvider({ overrides: { features } }, async (other) => {
      const metadata = (await discover(other)).serverMetadata();
      expect(metadata.pushed_authorization_request_endpoint).toBeUndefined();
      expect(metadata.end_session_endpoint).toBeUndefined();
      expect(metadata.userinfo_endpoint).toBeUndefined();
    });
  });

  it('insists on pushed requests when told so', async () => {
    const client = { require_pushed_authorization_requests: true };
    await withProvider({ client }, async (other) => {
      const url = await app.authorizationUrl(await discover(other));
      expect(new URL(await other.signIn(createBrowser(), url.href, 'bob')).searchParams.get('error')).toBe(
        'invalid_request',
      );
      expect((await app.signIn(other, 'bob', {}, { par: true })).claims.sub).toBe('bob');
    });
  });

  it.each(['PS256', 'ES256', 'EdDSA'])('signs with %s when told so', async (alg) => {
    await withProvider({ algs: [alg] }, async (other) => {
      const { claims } = await app.signIn(other, 'bob', {}, { alg });
      expect(claims.sub).toBe('bob');
    });
  });

  it('gives opaque access tokens without an API, and answers by form_post', async () => {
    await withProvider({}, async (other) => {
      const { tokens, userinfo } = await app.signIn(other, 'bob');
      expect(tokens.access_token).not.toContain('.');
      expect(await userinfo()).toMatchObject({ sub: 'bob' });
      const url = await app.authorizationUrl(await discover(other), { response_mode: 'form_post' });
      const { url: callback, form } = await other.answer(createBrowser(), url.href, 'bob');
      expect(callback).toBe(`${app.origin}/auth/callback`);
      expect(form).toMatchObject({ state: 'some-state', iss: other.issuer, code: expect.any(String) });
    });
  });

  it('takes private_key_jwt from a client that registered a key', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
    const registration = { token_endpoint_auth_method: 'private_key_jwt', jwks };
    await withProvider({ client: registration }, async (other) => {
      const auth = client.PrivateKeyJwt({ key: privateKey as client.CryptoKey, kid: 'one' });
      expect((await app.signIn(other, 'bob', {}, { auth })).claims.sub).toBe('bob');
    });
  });

  it('gives alice, and nobody else, the roles of DEV_ROLES too', async () => {
    await withProvider({ accounts: accountsWithRoles(' keeper,,member, night watch ') }, async (other) => {
      const rolesOf = async (sub: string) => (await app.signIn(other, sub)).claims.roles;
      expect(await rolesOf('alice')).toEqual(['admin', 'member', 'keeper', 'night watch']);
      expect(await rolesOf('bob')).toEqual(['member']);
    });
    expect(accountsWithRoles()).toEqual(sampleAccounts);
  });

  it('takes other lifetimes and other accounts', async () => {
    const accounts = [{ sub: 'zoe', purpose: '', claims: { name: 'Zoë', realm_access: { roles: ['x'] } } }];
    await withProvider({ accounts, overrides: { ttl: { AccessToken: 7 } } }, async (other) => {
      const { tokens, userinfo } = await app.signIn(other, 'zoe');
      expect(tokens.expires_in).toBe(7);
      expect(await userinfo()).toEqual({ sub: 'zoe', name: 'Zoë', realm_access: { roles: ['x'] } });
    });
  });
});

async function withProvider(
  options: IdentityProviderOptions,
  run: (other: IdentityProvider) => Promise<void>,
) {
  const other = await startIdentityProvider({ redirectOrigin: app.origin, ...options });
  await run(other).finally(other.stop);
}
