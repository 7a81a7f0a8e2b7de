import { describe, expect, test, vi } from 'vitest';
import { readResponse } from '../provider/jarm.ts';
import { jwtFormCases, jwtSignatureCases } from './helpers/misbehaving-cases-jwt-answers.ts';
import { jwtClaimCases, jwtErrorCases } from './helpers/misbehaving-cases-jwt-claims.ts';
import type { ProviderOptions } from './helpers/misbehaving-provider.ts';
import type { JwtLies, Lies } from './helpers/misbehaving-replies.ts';
import { expectHonestSignIn, expectRefused, reasons, withPair } from './helpers/misbehaving-sign-in.ts';

// OIDC_RESPONSE_MODE=jwt: the answer is one signed JWT (JARM), from a provider that lies on demand.
vi.setConfig({ maxConcurrency: 16, testTimeout: 30_000 });

const jwtMode = { OIDC_RESPONSE_MODE: 'jwt' };

const tables = {
  'whose claims are not of this sign-in': jwtClaimCases,
  'whose signature proves nothing': jwtSignatureCases,
  'that is no signed JWT, or another one': jwtFormCases,
  'that reports an error': jwtErrorCases,
};

for (const [title, cases] of Object.entries(tables)) {
  describe.concurrent(`an answer ${title} signs nobody in, and its code is not sent`, () => {
    for (const each of cases) test(each.name, () => expectRefused(each));
  });
}

describe.concurrent('an answer that is in order signs in', () => {
  const beside = (value: string | string[]): JwtLies => ({
    beside: Object.fromEntries(
      ['code', 'state', 'iss', 'error', 'error_description'].map((name) => [name, value]),
    ),
  });
  const fine: { name: string; jwt?: JwtLies; lies?: Lies; op?: Partial<ProviderOptions>; alg?: string }[] = [
    { name: 'as it comes' },
    ...(['PS256', 'ES256', 'EdDSA'] as const).map((alg) => ({
      name: `signed with ${alg}`,
      op: { alg },
      alg,
    })),
    {
      name: 'signed with Ed25519 where EdDSA is set',
      op: { alg: 'EdDSA' },
      alg: 'EdDSA',
      jwt: { header: { alg: 'Ed25519' } },
    },
    { name: 'signed with EdDSA where Ed25519 is set', op: { alg: 'EdDSA' }, alg: 'Ed25519' },
    { name: 'one key and no kid', op: { oneKey: true, noKid: true } },
    { name: 'by the second of two keys', jwt: { sign: 'second-key' } },
    { name: 'for a list of one', jwt: { claims: { aud: ['web app:1'] } } },
    { name: 'for a list that names us too', jwt: { claims: { aud: ['another-client', 'web app:1'] } } },
    {
      name: 'that ran out 20 seconds ago',
      jwt: { claims: () => ({ exp: Math.floor(Date.now() / 1000) - 20 }) },
    },
    { name: 'without typ', jwt: { header: { typ: undefined } } },
    {
      name: 'with claims that nobody knows',
      jwt: { claims: { session_state: 'abc', jti: '1', iat: 5, id_token: 'x', response: 'x', c: [1] } },
    },
    {
      name: 'with a claim of 3,000 levels that nobody reads',
      jwt: { claims: { c: JSON.parse('['.repeat(3_000) + ']'.repeat(3_000)) } },
    },
    { name: 'with all parameters beside it', jwt: beside('another') },
    { name: 'with all parameters beside it twice', jwt: beside(['another', 'a-third']) },
    { name: 'whose provider pushes requests', op: { par: true } },
  ];
  test.each(fine)('$name', ({ op, jwt, alg = 'RS256' }) =>
    withPair(
      { op: op ?? {}, env: { ...jwtMode, OIDC_ID_TOKEN_ALG: alg }, lies: { jwt } as Lies },
      async (pair) => {
        await expectHonestSignIn(pair);
        expect(reasons(pair.app)).toEqual([]);
      },
    ),
  );
});

test('of what is beside the JWT nothing is handed on (JARM §2.3)', () => {
  const answer = new URLSearchParams({
    response: 'eyJhbGciOiJFUzI1NiJ9.eyJzdGF0ZSI6ImEifQ.',
    code: 'b',
    state: 'c',
    iss: 'd',
  });
  const { parameters, state } = readResponse(answer);
  expect([state, [...parameters.keys()]]).toEqual(['a', ['response']]);
});
