import { tooLarge } from './misbehaving-claims.ts';
import { strangersJwk } from './misbehaving-provider.ts';
import type { Case } from './misbehaving-sign-in.ts';

const past = () => Math.floor(Date.now() / 1000) - 120;
const future = () => Math.floor(Date.now() / 1000) + 240;

/** Claims that are not those of this sign-in (OpenID Connect Core §3.1.3.7). */
export const claimCases: Case[] = [
  ['of another issuer', { iss: 'https://other.example.com' }],
  ['without iss', { iss: undefined }],
  ['for another client', { aud: 'another-client' }],
  ['for a list of other clients', { aud: ['another-client', 'a-third'] }],
  ['for us and another client, without azp', { aud: ['web app:1', 'another-client'] }],
  ['without aud', { aud: undefined }],
  ['with a foreign azp', { azp: 'another-client' }],
  ['for us and another client, with a foreign azp', { aud: ['web app:1', 'b'], azp: 'b' }],
  ['without sub', { sub: undefined }],
  ['with an empty sub', { sub: '' }],
  ['with a sub that is a list', { sub: ['user-1'] }],
  ['with a sub of 256 characters', { sub: 'u'.repeat(256) }],
  // A database keeps one such half like another: two users would be one.
  ['with half a surrogate pair as sub', { sub: '\ud800' }],
  ['without iat', { iat: undefined }],
  ['with a text as iat', { iat: 'now' }],
  ['without exp', { exp: undefined }],
  ['with a text as exp', { exp: 'tomorrow' }],
  ['with a foreign at_hash', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }],
].map(([what, idToken]) => ({
  name: `an ID token ${what as string}`,
  lies: { idToken: idToken as Record<string, unknown> },
  reason: 'id_token_claims',
}));

export const idTokenCases: Case[] = [
  {
    name: 'an ID token that ran out two minutes ago',
    lies: { idToken: { exp: past() } },
    reason: 'id_token_expired',
  },
  {
    name: 'an ID token that is not valid before four minutes from now',
    lies: { idToken: { nbf: future() } },
    reason: 'clock',
  },
  { name: 'an ID token from the future', lies: { idToken: { iat: future() } }, reason: 'clock' },
  {
    name: 'an ID token with a wrong nonce',
    lies: { idToken: { nonce: 'another-nonce' } },
    reason: 'nonce_mismatch',
  },
  { name: 'an ID token without a nonce', lies: { idToken: { nonce: undefined } }, reason: 'nonce_mismatch' },
  {
    name: 'a sign-in that is older than asked for',
    env: { OIDC_MAX_AGE: '60' },
    lies: { idToken: { auth_time: past() } },
    reason: 'not_fresh',
  },
  {
    name: 'a sign-in of unknown age where one was asked for',
    env: { OIDC_MAX_AGE: '60' },
    lies: { idToken: { auth_time: undefined } },
    reason: 'not_fresh',
  },
  {
    name: 'a weaker sign-in than asked for',
    env: { OIDC_ACR_VALUES: 'urn:example:mfa' },
    lies: { idToken: { acr: 'urn:example:password' } },
    reason: 'acr_not_met',
  },
  {
    name: 'a sign-in of unknown strength where one was asked for',
    env: { OIDC_ACR_VALUES: 'urn:example:mfa' },
    lies: { idToken: { acr: undefined } },
    reason: 'acr_not_met',
  },
  {
    name: 'an ID token with more groups than fit',
    lies: { idToken: { groups: Array.from({ length: 40_000 }, (_, i) => `group-${i}`) } },
    reason: 'claims_too_large',
  },
  ...tooLarge.map(({ name, claim }) => ({
    name: `an ID token with ${name}`,
    lies: { idToken: { claim } },
    reason: 'claims_too_large' as const,
  })),
  {
    name: 'an ID token of two megabytes',
    lies: { idToken: { padding: 'x'.repeat(2_000_000) } },
    reason: 'provider_answer',
  },
];

/** Signatures that prove nothing (ASVS 9.1.1 to 9.1.3). */
export const signatureCases: Case[] = [
  { name: 'an unsigned ID token', lies: { sign: 'none' }, reason: 'id_token_algorithm' },
  {
    name: 'an unsigned ID token that spells none in its own way',
    lies: { sign: 'none', header: { alg: 'nOnE' } },
    reason: 'id_token_algorithm',
  },
  {
    name: 'an unsigned ID token that claims to be signed',
    lies: { sign: 'none', header: { alg: 'RS256', kid: 'rsa-1' } },
    reason: 'id_token_signature',
  },
  {
    name: 'an ID token without alg',
    lies: { header: { alg: undefined } },
    reason: 'id_token_algorithm',
  },
  {
    name: 'an ID token with HMAC by the client secret',
    lies: { sign: 'HS256-secret' },
    reason: 'id_token_algorithm',
  },
  {
    name: 'an ID token with HMAC by the public key',
    lies: { sign: 'HS256-public-key' },
    reason: 'id_token_algorithm',
  },
  {
    name: 'an ID token with HMAC by the public key that says RS256',
    lies: { sign: 'HS256-public-key', header: { alg: 'RS256' } },
    reason: 'id_token_signature',
  },
  { name: 'another algorithm whose key is published', lies: { sign: 'ES256' }, reason: 'id_token_algorithm' },
  { name: 'another algorithm by the same key', lies: { sign: 'PS256' }, reason: 'id_token_algorithm' },
  {
    name: 'RS256 where ES256 is expected',
    op: { alg: 'ES256' },
    env: { OIDC_ID_TOKEN_ALG: 'ES256' },
    lies: { sign: 'RS256' },
    reason: 'id_token_algorithm',
  },
  { name: 'a broken RS256 signature', lies: { sign: 'broken' }, reason: 'id_token_signature' },
  ...(['PS256', 'ES256', 'EdDSA'] as const).map(
    (alg): Case => ({
      name: `a broken ${alg} signature`,
      op: { alg },
      env: { OIDC_ID_TOKEN_ALG: alg },
      lies: { sign: 'broken' },
      reason: 'id_token_signature',
    }),
  ),
  {
    name: 'a signature by another published key than the one named',
    lies: { sign: 'other-published-key' },
    reason: 'id_token_signature',
  },
  {
    name: 'a signature by a key that is not published',
    lies: { sign: 'unpublished-key' },
    reason: 'id_token_signature',
  },
  {
    name: 'a signature by a key nobody knows',
    lies: { sign: 'unknown-kid' },
    reason: 'id_token_signature',
  },
  {
    name: 'a key id that is a path',
    lies: { sign: 'unpublished-key', header: { kid: '../../../../dev/null' } },
    reason: 'id_token_signature',
  },
  {
    name: 'several matching keys and no kid',
    lies: { header: { kid: undefined } },
    reason: 'id_token_signature',
  },
  {
    name: 'a header that brings its own key',
    lies: async () => ({ sign: 'unknown-kid', header: { jwk: await strangersJwk() } }),
    reason: 'id_token_signature',
  },
  ...['jku', 'x5u'].map(
    (name): Case => ({
      name: `a header whose ${name} tells where to find the key`,
      lies: async (op) => ({ sign: 'unknown-kid', header: { [name]: `${op.origin}/elsewhere` } }),
      reason: 'id_token_signature',
    }),
  ),
  {
    name: 'a header with an extension that must be understood',
    lies: { header: { crit: ['urn:example:ext'], 'urn:example:ext': true } },
    reason: 'id_token_algorithm',
  },
  {
    name: 'an unencoded payload',
    lies: { header: { b64: false, crit: ['b64'] } },
    reason: 'id_token_algorithm',
  },
];
