import { createHash } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { describe, expect, test } from 'vitest';
import { checkIdToken } from '../src/auth/provider/id-token-checks.ts';
import type { ProviderSettings } from '../src/auth/provider/settings.ts';
import type { Sessions } from '../src/sessions/index.ts';
import { withPairOf } from './helpers/whole-life.ts';

// One algorithm is accepted for ID tokens, the one that OIDC_ID_TOKEN_ALG names (R2). What a provider that lies about
// its algorithm comes to stands in misbehaving-provider.test.ts; here it is honest, and set up in another way than we.

/** Shows the ID tokens that are kept. */
function watch(idTokens: string[]) {
  return {
    wrap(sessions: Sessions): Sessions {
      const { create } = sessions.tokens;
      sessions.tokens.create = (id, record, endsAt) => {
        idTokens.push(record.id_token ?? '');
        return create.call(sessions.tokens, id, record, endsAt);
      };
      return sessions;
    },
  };
}

describe.concurrent('an ID token signed with the algorithm that is set', () => {
  test.each(['RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'])('%s signs in', async (alg) => {
    const idTokens: string[] = [];
    const enabledJWA = { idTokenSigningAlgValues: [alg], userinfoSigningAlgValues: [alg] };
    const env = { OIDC_ID_TOKEN_ALG: alg };
    await withPairOf(
      { algs: [alg], overrides: { enabledJWA }, env, routes: watch(idTokens) },
      async ({ signIn }) => {
        expect((await signIn('alice')).page.body).toContain('Alice Adams');
        expect(idTokens.map((token) => decodeProtectedHeader(token).alg)).toEqual([alg]);
      },
    );
  });
});

describe.concurrent('an ID token signed with another', () => {
  test.each([
    ['RS256', 'PS256'],
    ['PS256', 'RS256'],
    ['RS256', 'ES256'],
    ['ES256', 'RS256'],
    ['ES256', 'EdDSA'],
    ['EdDSA', 'ES256'],
  ])('is refused: %s is set, the provider signs with %s', (set, used) =>
    // Keys of both kinds are published, so only the setting stands in the way.
    withPairOf(
      {
        algs: [set, used],
        client: { id_token_signed_response_alg: used },
        env: { OIDC_ID_TOKEN_ALG: set },
      },
      async ({ app, signIn }) => {
        const { page, browser } = await signIn('alice');
        expect(page.status).toBe(502);
        expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'id_token_algorithm' }]);
        expect(browser.cookie('session')).toBeUndefined();
      },
    ),
  );
});

// OpenID Connect Core §3.1.3.6; for EdDSA the hash that Ed25519 itself uses.
test.each([
  ['RS256', 'sha256'],
  ['PS384', 'sha384'],
  ['ES512', 'sha512'],
  ['EdDSA', 'sha512'],
  ['Ed25519', 'sha512'],
])('at_hash of an ID token by %s is half of a %s', (idTokenAlg, algorithm) => {
  const settings = { clientId: 'app', idTokenAlg, clockToleranceSeconds: 30 } as ProviderSettings;
  const half = (name: string) => {
    const digest = createHash(name).update('a token').digest();
    return digest.subarray(0, digest.length / 2).toString('base64url');
  };
  const check = (at_hash: string) =>
    checkIdToken({ sub: 'alice', iat: 1, at_hash }, settings, { accessToken: 'a token' });
  expect(() => check(half(algorithm))).not.toThrow();
  const others = ['sha256', 'sha384', 'sha512'].filter((name) => name !== algorithm);
  for (const other of others) expect(() => check(half(other))).toThrow('id_token_claims');
});
