import { inJwtMode } from './misbehaving-jwt-case.ts';
import { signToken } from './misbehaving-keys.ts';
import { strangersJwk } from './misbehaving-provider.ts';
import type { JwtLies } from './misbehaving-replies.ts';

// OIDC_RESPONSE_MODE=jwt: what somebody may send in place of the provider's own signed answer.

const seconds = (ahead: number) => Math.floor(Date.now() / 1000) + ahead;
const inside = (honest: string) => honest;
const hostile = '<script>alert(1)</script> provider-says-no';

const nameOfSetting = (came: string, set = 'RS256') =>
  new RegExp(
    `is signed with ${came}, and OIDC_ID_TOKEN_ALG is ${set}: register authorization_signed_response_alg=${set} .* \\(its default is RS256\\)$`,
  );

/** Signatures that prove nothing. */
export const jwtSignatureCases = inJwtMode([
  ...(
    [
      ['that is not signed', { sign: 'none' }, nameOfSetting('none')],
      [
        'that is not signed and spells none in its own way',
        { sign: 'none', header: { alg: 'nOnE' } },
        nameOfSetting('nOnE'),
      ],
      ['that is not signed and claims to be', { sign: 'none', header: { alg: 'RS256', kid: 'rsa-1' } }, /./],
      ['without alg', { header: { alg: undefined } }, /alg/],
      ['with HMAC by the client secret', { sign: 'HS256-secret' }, nameOfSetting('HS256')],
      ['with HMAC by the public key', { sign: 'HS256-public-key' }, nameOfSetting('HS256')],
      [
        'with HMAC by the public key that says RS256',
        { sign: 'HS256-public-key', header: { alg: 'RS256' } },
        /signature/,
      ],
      ['by another algorithm whose key is published', { sign: 'ES256' }, nameOfSetting('ES256')],
      ['by another algorithm of the same key', { sign: 'PS256' }, nameOfSetting('PS256')],
      ['whose signature is broken', { sign: 'broken' }, /signature/],
      ['by another published key than the one named', { sign: 'other-published-key' }, /signature/],
      ['by a key that is not published', { sign: 'unpublished-key' }, /signature/],
      [
        'by a key that nobody knows',
        { sign: 'unknown-kid' },
        /signed with key "rsa-stranger", and jwks_uri has no usable key of that name for RS256$/,
      ],
      [
        'whose key is a path',
        { sign: 'unpublished-key', header: { kid: '../../../../dev/null' } },
        /no .*key/,
      ],
      ['whose key is a number', { sign: 'unpublished-key', header: { kid: 1 } }, /./],
      ['that names none of two keys', { header: { kid: undefined } }, /key/],
      ['with an extension that must be understood', { header: { crit: ['exp'], exp: 1 } }, /exp/],
      [
        'with an extension whose name is long and hostile',
        { header: { crit: [`${hostile}\n${'x'.repeat(2_000)}`] } },
        /^.{1,300}$/,
      ],
      ['with an unencoded payload', { header: { b64: false, crit: ['b64'] } }, /payload/],
    ] as const
  ).map(([what, jwt, hint]) => ({
    name: `an answer ${what}`,
    jwt: jwt as JwtLies,
    reason: 'answer_invalid' as const,
    hint,
  })),
  ...(['PS256', 'ES256', 'EdDSA'] as const).map((alg) => ({
    name: `an answer with a broken ${alg} signature`,
    op: { alg },
    env: { OIDC_ID_TOKEN_ALG: alg },
    jwt: { sign: 'broken' as const },
    reason: 'answer_invalid' as const,
  })),
  {
    name: 'an answer with RS256, the default, where ES256 is expected',
    op: { alg: 'ES256' },
    env: { OIDC_ID_TOKEN_ALG: 'ES256' },
    jwt: { sign: 'RS256' },
    reason: 'answer_invalid',
    hint: nameOfSetting('RS256', 'ES256'),
  },
  ...(['unknown-kid', 'unpublished-key'] as const).flatMap((sign) => [
    {
      name: `an answer that brings its own key (${sign})`,
      jwt: async () => ({ jwt: { sign, header: { jwk: await strangersJwk() } } }),
      reason: 'answer_invalid' as const,
    },
    ...['jku', 'x5u'].map((name) => ({
      name: `an answer whose ${name} says where to find the key (${sign})`,
      jwt: async ({ origin }: { origin: string }) => ({
        jwt: { sign, header: { [name]: `${origin}/elsewhere` } },
      }),
      reason: 'answer_invalid' as const,
    })),
    {
      name: `an answer that brings its own certificate (${sign})`,
      jwt: { sign, header: { x5c: ['MIIB'] } },
      reason: 'answer_invalid' as const,
    },
  ]),
]);

const own = { signing: 'RS256', alg: 'RS256', turn: 1, clientSecret: '' } as const;
const noAnswer = { code: undefined, state: undefined };
const idToken = { sub: 'user-1', nonce: 'n', iat: seconds(0), auth_time: seconds(0) };

/** What is no answer that is a signed JWT. */
export const jwtFormCases = inJwtMode([
  ...(
    [
      ['an empty response', () => '', /`response`/],
      ['two responses', (honest: string) => [honest, honest], /twice/],
      ['an honest response and another', (honest: string) => [honest, 'another'], /twice/],
      [
        'an encrypted response',
        () => 'eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.a.b.c.d',
        /encrypted.*authorization_encrypted_response_alg/,
      ],
      ['garbage', () => 'garbage', /is not a signed JWT/],
      ['dots', () => '..', /is not a signed JWT/],
      ['four parts', (honest: string) => `${honest}.x`, /is not a signed JWT/],
      [
        'the first half of a response',
        (honest: string) => honest.slice(0, honest.indexOf('.') + 40),
        /is not a signed JWT/,
      ],
      [
        'a response without its signature',
        (honest: string) => honest.replace(/\.[^.]*$/, ''),
        /is not a signed JWT/,
      ],
      ['a response with something before it', (honest: string) => `\0${honest}`, /is not a signed JWT/],
      ['JSON', () => '{"payload":"e30","signature":""}', /is not a signed JWT/],
      [
        'a signed JWT in a signed JWT',
        (honest: string) => signToken(honest as unknown as object, { ...own, header: { cty: 'JWT' } }),
        /is not a signed JWT/,
      ],
      ['a list in a signed JWT', () => signToken([1], own), /is not a signed JWT/],
    ] as const
  ).map(([what, as, hint]) => ({
    name: `an answer that is ${what}`,
    jwt: { as },
    reason: 'callback_parameters' as const,
    hint,
    stays: true,
  })),
  {
    name: 'an answer as it was before (downgrade)',
    jwt: { as: () => undefined, beside: { code: inside, state: inside, iss: inside } },
    reason: 'callback_parameters',
    hint: /OIDC_RESPONSE_MODE is jwt, and the answer has no `response`/,
    stays: true,
  },
  {
    name: 'an error as it was before',
    jwt: {
      as: () => undefined,
      beside: { error: 'unsupported_response_mode', error_description: 'jwt is not for you', state: inside },
    },
    reason: 'callback_parameters',
    hint: /error=unsupported_response_mode: jwt is not for you\)/,
    stays: true,
  },
  {
    name: 'an ID token',
    jwt: { claims: { ...noAnswer, ...idToken } },
    reason: 'state_missing',
    stays: true,
  },
  {
    name: 'an ID token that holds a state',
    jwt: { claims: { ...idToken, code: undefined } },
    reason: 'answer_invalid',
    hint: /neither code nor error/,
  },
  {
    name: 'a logout token',
    jwt: {
      header: { typ: 'logout+jwt' },
      claims: {
        ...noAnswer,
        sub: 'user-1',
        jti: 'one',
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      },
    },
    reason: 'state_missing',
    stays: true,
  },
  ...(
    [
      ['whose code was changed', withAnotherCode],
      ['whose signature is cut short', (honest: string) => honest.slice(0, -40)],
    ] as const
  ).map(([what, as]) => ({
    name: `an answer ${what}`,
    jwt: { as },
    reason: 'answer_invalid' as const,
    hint: /^the authorization answer: /,
  })),
]);

function withAnotherCode(jwt: string): string {
  const [header, payload = '', signature] = jwt.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const changed = Buffer.from(JSON.stringify({ ...claims, code: 'another-code' })).toString('base64url');
  return [header, changed, signature].join('.');
}
