import { nested } from './misbehaving-claims.ts';
import type { ProviderOptions } from './misbehaving-provider.ts';
import { html } from './misbehaving-replies.ts';
import type { Case } from './misbehaving-sign-in.ts';

const redirect = { status: 302, headers: { location: '/elsewhere' } };
const discovery = (json: Record<string, unknown>) => ({ discovery: { json } });

/** The provider's description of itself, asked for before anybody is sent there. */
export const discoveryCases = beforeLeaving({}, [
  {
    name: 'another issuer in the metadata',
    lies: discovery({ issuer: 'https://other.example.com' }),
    reason: 'discovery_issuer',
  },
  {
    name: 'an issuer with a slash more',
    lies: async (op) => discovery({ issuer: `${op.issuer}/` }),
    reason: 'discovery_issuer',
  },
  { name: 'no issuer', lies: discovery({ issuer: undefined }), reason: 'discovery_invalid' },
  {
    name: 'no authorization endpoint',
    lies: discovery({ authorization_endpoint: undefined }),
    reason: 'discovery_invalid',
  },
  { name: 'no token endpoint', lies: discovery({ token_endpoint: undefined }), reason: 'discovery_invalid' },
  { name: 'no key set', lies: discovery({ jwks_uri: undefined }), reason: 'discovery_invalid' },
  {
    name: 'a sign-in page that is a script',
    lies: discovery({ authorization_endpoint: 'javascript:alert(1)' }),
    reason: 'discovery_invalid',
  },
  {
    name: 'a sign-out page that is a script',
    lies: discovery({ end_session_endpoint: 'javascript:alert(1)' }),
    reason: 'discovery_invalid',
  },
  {
    name: 'userinfo in plain text across the network',
    lies: discovery({ userinfo_endpoint: 'http://provider.example.com/userinfo' }),
    reason: 'discovery_invalid',
  },
  {
    name: 'a token endpoint in plain text across the network',
    lies: discovery({ token_endpoint: 'http://provider.example.com/token' }),
    reason: 'discovery_invalid',
  },
  {
    name: 'keys in plain text across the network',
    lies: discovery({ jwks_uri: 'http://provider.example.com/jwks' }),
    reason: 'discovery_invalid',
  },
  {
    name: 'an endpoint that is a number',
    lies: discovery({ token_endpoint: 5 }),
    reason: 'discovery_invalid',
  },
  { name: 'metadata as HTML', lies: { discovery: html }, reason: 'discovery_invalid' },
  { name: 'metadata as a list', lies: { discovery: { body: '[]' } }, reason: 'discovery_invalid' },
  { name: 'metadata cut in half', lies: { discovery: { body: '{"issuer":' } }, reason: 'discovery_invalid' },
  { name: 'metadata that is not there', lies: { discovery: { status: 404 } }, reason: 'discovery_invalid' },
  { name: 'metadata elsewhere', lies: { discovery: redirect }, reason: 'discovery_invalid' },
  { name: 'metadata that breaks', lies: { discovery: { status: 500 } }, reason: 'discovery_invalid' },
  {
    name: 'metadata that does not come within five seconds',
    lies: { discovery: { manner: 'silent' } },
    reason: 'provider_unreachable',
  },
  {
    name: 'metadata that trickles in',
    lies: { discovery: { manner: 'trickle' } },
    reason: 'provider_unreachable',
  },
  {
    name: 'metadata of a thousand levels',
    lies: discovery({ more: nested(1_000) }),
    reason: 'provider_answer',
  },
  {
    name: 'metadata of a hundred thousand levels',
    lies: { discovery: { body: `{"issuer":${'['.repeat(100_000)}${']'.repeat(100_000)}}` } },
    reason: 'provider_answer',
  },
  {
    name: 'metadata with six thousand scopes',
    lies: discovery({ scopes_supported: Array.from({ length: 6_000 }, (_, i) => `scope-${i}`) }),
    reason: 'provider_answer',
  },
  {
    name: 'an endpoint whose address has three thousand letters',
    lies: discovery({ userinfo_endpoint: `https://provider.example.com/${'x'.repeat(3_000)}` }),
    reason: 'discovery_invalid',
  },
  { name: 'metadata without end', lies: { discovery: { manner: 'flood' } }, reason: 'provider_answer' },
]);

export const parCases = beforeLeaving({ par: true }, [
  {
    name: 'a pushed request that is refused',
    lies: { par: { status: 400, json: { error: 'invalid_request' } } },
    reason: 'provider_error',
  },
  { name: 'a pushed request answered in HTML', lies: { par: html }, reason: 'provider_answer' },
  {
    name: 'a pushed request without a request_uri',
    lies: { par: { json: { request_uri: undefined } } },
    reason: 'provider_answer',
  },
  { name: 'a pushed request sent elsewhere', lies: { par: redirect }, reason: 'provider_answer' },
  { name: 'a pushed request that breaks', lies: { par: { status: 500 } }, reason: 'provider_answer' },
  {
    name: 'a pushed request not answered for five seconds',
    lies: { par: { manner: 'silent' } },
    reason: 'provider_unreachable',
  },
]);

export const keyCases: Case[] = [
  {
    name: 'keys at a random address',
    lies: async (op) => discovery({ jwks_uri: `${op.origin}/nowhere` }),
    reason: 'provider_answer',
    staysBroken: true,
  },
  { name: 'keys as HTML', lies: { jwks: html }, reason: 'provider_answer' },
  { name: 'keys that are no list', lies: { jwks: { json: { keys: 'none' } } }, reason: 'provider_answer' },
  { name: 'keys elsewhere', lies: { jwks: redirect }, reason: 'provider_answer' },
  { name: 'keys that break', lies: { jwks: { status: 500 } }, reason: 'provider_answer' },
  { name: 'no keys', lies: { jwks: { json: { keys: [] } } }, reason: 'id_token_signature' },
  {
    name: 'keys that are no objects',
    lies: { jwks: { json: { keys: [null, 5] } } },
    reason: 'provider_answer',
  },
  {
    name: 'a damaged key under the right name',
    lies: { jwks: { json: { keys: [{ kty: 'RSA', kid: 'rsa-1', n: 'AQAB', e: 'x' }] } } },
    reason: 'id_token_signature',
    staysBroken: true,
  },
  {
    name: 'the client secret among the keys',
    lies: async (op) => ({
      sign: 'HS256-secret',
      jwks: { json: { keys: [{ kty: 'oct', k: Buffer.from(op.clientSecret).toString('base64url') }] } },
    }),
    reason: 'id_token_algorithm',
  },
  {
    name: 'keys that do not come within five seconds',
    lies: { jwks: { manner: 'silent' } },
    reason: 'provider_unreachable',
  },
  { name: 'keys that trickle in', lies: { jwks: { manner: 'trickle' } }, reason: 'provider_unreachable' },
  {
    name: 'two thousand keys',
    lies: { jwks: { json: { keys: Array.from({ length: 2_000 }, (_, i) => ({ kty: 'RSA', kid: i })) } } },
    reason: 'provider_answer',
  },
  {
    // No key that we can use is left: what an entry says beyond its key is not read.
    name: 'a key that nests without end',
    lies: { jwks: { json: { keys: [{ kty: 'RSA', more: nested(2_000) }] } } },
    reason: 'id_token_signature',
  },
  { name: 'keys without end', lies: { jwks: { manner: 'flood' } }, reason: 'provider_answer' },
];

function beforeLeaving(op: Partial<ProviderOptions>, cases: Case[]): Case[] {
  return cases.map((each) => ({ ...each, op, beforeLeaving: true }));
}
