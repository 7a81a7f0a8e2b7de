import { tooLarge } from './misbehaving-claims.ts';
import { html } from './misbehaving-replies.ts';
import type { Case } from './misbehaving-sign-in.ts';

const hostile = '<script>alert(1)</script> provider-says-no';
const redirect = (status: number) => ({ status, headers: { location: '/elsewhere' } });

/** The answer to the code. */
export const tokenCases: Case[] = [
  {
    name: 'a code that is refused',
    lies: { token: { status: 400, json: { error: 'invalid_grant', error_description: hostile } } },
    reason: 'token_refused',
  },
  {
    name: 'a client that is refused',
    lies: { token: { status: 401, json: { error: 'invalid_client' } } },
    reason: 'token_refused',
  },
  {
    name: 'a token endpoint that breaks',
    lies: { token: { status: 500, json: { error: 'server_error' } } },
    reason: 'provider_answer',
  },
  {
    name: 'a gateway in front of the token endpoint that says so in HTML',
    lies: { token: { ...html, status: 502 } },
    reason: 'provider_unreachable',
  },
  { name: 'tokens as HTML', lies: { token: html }, reason: 'provider_answer' },
  { name: 'tokens cut in half', lies: { token: { body: '{"access_token":"a' } }, reason: 'provider_answer' },
  { name: 'an empty token answer', lies: { token: { body: '' } }, reason: 'provider_answer' },
  { name: 'tokens as a list', lies: { token: { body: '[]' } }, reason: 'provider_answer' },
  { name: 'tokens elsewhere', lies: { token: redirect(302) }, reason: 'provider_answer' },
  { name: 'tokens elsewhere, to be posted to', lies: { token: redirect(307) }, reason: 'provider_answer' },
  {
    name: 'tokens of an unknown type',
    lies: { token: { json: { token_type: 'mac' } } },
    reason: 'provider_answer',
  },
  {
    name: 'no access token',
    lies: { token: { json: { access_token: undefined } } },
    reason: 'provider_answer',
  },
  {
    name: 'an access token that is a list',
    lies: { token: { json: { access_token: ['a'] } } },
    reason: 'provider_answer',
  },
  {
    name: 'a lifetime that is a text',
    lies: { token: { json: { expires_in: 'soon' } } },
    reason: 'provider_answer',
  },
  {
    name: 'a refresh token of a megabyte',
    lies: { token: { json: { refresh_token: 'r'.repeat(1_000_000) } } },
    reason: 'provider_answer',
  },
  {
    name: 'an access token of 65 KB',
    lies: { token: { json: { access_token: 'a'.repeat(65_000) } } },
    reason: 'provider_answer',
  },
  { name: 'no ID token', lies: { token: { json: { id_token: undefined } } }, reason: 'provider_answer' },
  {
    name: 'an ID token that is none',
    lies: { token: { json: { id_token: 'none' } } },
    reason: 'id_token_claims',
  },
  {
    name: 'an ID token that is a number',
    lies: { token: { json: { id_token: 5 } } },
    reason: 'provider_answer',
  },
  {
    name: 'an encrypted ID token',
    lies: { token: { json: { id_token: 'eyJhbGciOiJkaXIifQ.a.b.c.d' } } },
    reason: 'id_token_encrypted',
  },
  {
    name: 'a token endpoint that says nothing for five seconds',
    lies: { token: { manner: 'silent' } },
    reason: 'provider_unreachable',
  },
  { name: 'tokens that trickle in', lies: { token: { manner: 'trickle' } }, reason: 'provider_unreachable' },
  { name: 'tokens without end', lies: { token: { manner: 'flood' } }, reason: 'provider_answer' },
  {
    name: 'a token endpoint that hangs up',
    lies: { token: { manner: 'hang-up' } },
    reason: 'provider_unreachable',
  },
];

export const userinfoCases: Case[] = [
  {
    name: 'userinfo about somebody else',
    lies: { userinfo: { json: { sub: 'user-2' } } },
    reason: 'userinfo_sub_mismatch',
  },
  {
    name: 'userinfo about nobody',
    lies: { userinfo: { json: { sub: undefined } } },
    reason: 'userinfo_sub_mismatch',
  },
  {
    name: 'userinfo that refuses the token',
    lies: { userinfo: { status: 401, json: { error: 'invalid_token' } } },
    reason: 'userinfo_refused',
  },
  {
    name: 'userinfo that refuses in its header',
    lies: {
      userinfo: {
        status: 401,
        headers: { 'www-authenticate': `Bearer error="invalid_token", error_description="${hostile}"` },
      },
    },
    reason: 'userinfo_refused',
  },
  {
    name: 'userinfo that refuses in ten kilobytes of header',
    lies: {
      userinfo: { status: 401, headers: { 'www-authenticate': `Bearer ${'a=b, '.repeat(2_000)}` } },
    },
    reason: 'userinfo_refused',
  },
  { name: 'userinfo that breaks', lies: { userinfo: { status: 500 } }, reason: 'userinfo_refused' },
  { name: 'userinfo as HTML', lies: { userinfo: html }, reason: 'userinfo_refused' },
  { name: 'userinfo elsewhere', lies: { userinfo: redirect(302) }, reason: 'userinfo_refused' },
  { name: 'userinfo as a list', lies: { userinfo: { body: '[]' } }, reason: 'userinfo_refused' },
  {
    name: 'userinfo signed by a key that is not published',
    lies: { userinfoSigned: 'unpublished-key' },
    reason: 'userinfo_refused',
  },
  { name: 'userinfo signed by nobody', lies: { userinfoSigned: 'none' }, reason: 'userinfo_refused' },
  {
    name: 'userinfo with HMAC by the client secret',
    lies: { userinfoSigned: 'HS256-secret' },
    reason: 'userinfo_refused',
  },
  {
    name: 'userinfo that is encrypted',
    lies: {
      userinfo: { headers: { 'content-type': 'application/jwt' }, body: 'eyJhbGciOiJkaXIifQ.a.b.c.d' },
    },
    reason: 'userinfo_encrypted',
  },
  {
    name: 'userinfo that says nothing for five seconds',
    lies: { userinfo: { manner: 'silent' } },
    reason: 'provider_unreachable',
  },
  {
    name: 'userinfo that trickles in',
    lies: { userinfo: { manner: 'trickle' } },
    reason: 'provider_unreachable',
  },
  ...tooLarge.map(({ name, claim }) => ({
    name: `userinfo with ${name}`,
    lies: { userinfo: { json: { claim } } },
    reason: 'claims_too_large' as const,
  })),
  {
    name: 'userinfo of a hundred thousand levels',
    lies: {
      userinfo: { body: `{"sub":"user-1","claim":${'['.repeat(100_000)}${']'.repeat(100_000)}}` },
    },
    reason: 'claims_too_large',
  },
  {
    name: 'an ID token and userinfo that are too large together',
    lies: {
      idToken: { one: 'x'.repeat(70_000) },
      userinfo: { json: { other: 'x'.repeat(70_000) } },
    },
    reason: 'claims_too_large',
  },
  { name: 'userinfo without end', lies: { userinfo: { manner: 'flood' } }, reason: 'provider_answer' },
];
