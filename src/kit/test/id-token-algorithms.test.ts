import { createHash } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { describe, expect, test } from 'vitest';
import { checkIdToken } from '../provider/id-token-checks.ts';
import type { ProviderSettings } from '../provider/settings.ts';
import type { Sessions } from '../store/index.ts';
import { logoutEvent } from './helpers/logout-tokens.ts';
import { keyOf, publicJwk, signToken } from './helpers/misbehaving-keys.ts';
import { expectHonestSignIn, expectPlainFailure, reasons, withPair } from './helpers/misbehaving-sign-in.ts';
import { withPairOf } from './helpers/whole-life.ts';

// One algorithm is accepted for ID tokens, the one that OIDC_ID_TOKEN_ALG names (R2). What a provider that lies about
// its algorithm comes to stands in misbehaving-provider.test.ts; here it is honest, and set up in another way than we.

/** Shows the ID tokens that are kept. */
function watch(idTokens: string[]) {
  return {
    wrap(sessions: Sessions): Sessions {
      const { createOnSave } = sessions;
      sessions.createOnSave = (session, record) => {
        idTokens.push(record?.id_token ?? '');
        createOnSave.call(sessions, session, record);
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

// RFC 9864 gave EdDSA with Ed25519 a name of its own; providers write either.
describe.concurrent('EdDSA and Ed25519 are one algorithm', () => {
  const names = ['EdDSA', 'Ed25519'];
  const combinations = names.flatMap((set) =>
    names.flatMap((header) => [undefined, ...names].map((key) => [set, header, key] as const)),
  );
  test.each(combinations)('set as %s, in the header %s, in the key %s', (OIDC_ID_TOKEN_ALG, alg, keyAlg) =>
    withPair({ op: { alg: 'EdDSA' }, env: { OIDC_ID_TOKEN_ALG } }, async (pair) => {
      // The header is that of signed userinfo too, and at_hash is checked.
      pair.op.next({ header: { alg }, keys: { alg: keyAlg }, userinfoSigned: 'EdDSA' });
      await expectHonestSignIn(pair);
    }),
  );

  test.each(combinations)(
    'so for logout tokens: set as %s, in the header %s, in the key %s',
    (set, alg, key) =>
      withPair({ op: { alg: 'EdDSA' }, env: { OIDC_ID_TOKEN_ALG: set } }, async (pair) => {
        pair.op.next({ keys: { alg: key } });
        await expectHonestSignIn(pair);
        const now = Math.floor(Date.now() / 1000);
        const claims = { iss: pair.op.issuer, aud: pair.op.clientId, sub: 'user-1', iat: now, exp: now + 60 };
        const logout = { ...claims, jti: crypto.randomUUID(), events: { [logoutEvent]: {} } };
        const header = { typ: 'logout+jwt', alg };
        const signing = { signing: 'EdDSA', alg: 'EdDSA', turn: 1, clientSecret: '', header } as const;
        const body = new URLSearchParams({ logout_token: await signToken(logout, signing) });
        const answer = await fetch(pair.app.url('/auth/backchannel-logout'), { method: 'POST', body });
        expect([answer.status, pair.app.events('session.ended').length]).toEqual([200, 1]);
      }),
  );

  test.each(names)('but Ed448 is none of it: %s is set', (OIDC_ID_TOKEN_ALG) =>
    withPair({ op: { alg: 'EdDSA' }, env: { OIDC_ID_TOKEN_ALG } }, async ({ op, app, open }) => {
      const keys = [publicJwk(await keyOf('ed448-1')), publicJwk(await keyOf('ed-1'))];
      for (const header of [{}, { alg: 'Ed25519' }, { alg: 'Ed448' }, { kid: 'ed-1' }, { kid: undefined }]) {
        op.next({ sign: 'Ed448', header, jwks: { json: { keys } } });
        expectPlainFailure(await open('/profile'), app);
        expect(reasons(app).at(-1)).toMatch(/^id_token_(algorithm|signature)$/);
      }
    }),
  );

  test.each(['RS256', 'PS256', 'ES256'])('and a token that says %s is neither', (alg) =>
    withPair({ op: { alg: 'EdDSA' }, env: { OIDC_ID_TOKEN_ALG: 'Ed25519' } }, async ({ op, app, open }) => {
      op.next({ sign: alg as 'RS256' });
      expectPlainFailure(await open('/profile'), app);
      expect(reasons(app)).toEqual(['id_token_algorithm']);
    }),
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
