import { inJwtMode } from './misbehaving-jwt-case.ts';

// What JARM §2.4 has a client check in the claims of an answer, and its errors.

const seconds = (ahead: number) => Math.floor(Date.now() / 1000) + ahead;
const inside = (honest: string) => honest;
const hostile = '<script>alert(1)</script> provider-says-no';

/** Claims that are not those of an answer to this sign-in. */
export const jwtClaimCases = inJwtMode([
  ...[
    ['of another issuer', 'https://other.example.com', 'not the issuer of OIDC_ISSUER'],
    ['of no issuer', undefined, 'missing'],
    ['of an empty issuer', '', 'not the issuer of OIDC_ISSUER'],
    ['of several issuers', ['https://other.example.com'], 'not the issuer of OIDC_ISSUER'],
  ].map(([what, iss, hint]) => ({
    name: `an answer ${what}`,
    jwt: { claims: { iss } },
    reason: 'issuer_mismatch' as const,
    hint: new RegExp(`^iss in the authorization answer is ${hint}$`),
  })),
  ...[
    ['for another client', 'another-client', 'not OIDC_CLIENT_ID'],
    ['for nobody', undefined, 'missing'],
    ['for an empty list', [], 'not OIDC_CLIENT_ID'],
    ['for a list of others', ['another-client', 'a-third'], 'not OIDC_CLIENT_ID'],
    ['for a list in a list', [['web app:1']], 'not OIDC_CLIENT_ID'],
    ['for an object', { 'web app:1': true }, 'not OIDC_CLIENT_ID'],
  ].map(([what, aud, hint]) => ({
    name: `an answer ${what}`,
    jwt: { claims: { aud } },
    reason: 'answer_invalid' as const,
    hint: new RegExp(`^aud in the authorization answer is ${hint}$`),
  })),
  ...(
    [
      ['that ran out two minutes ago', { exp: seconds(-120) }, /^exp in .* is in the past/],
      ['that never runs out', { exp: undefined }, /^exp in .* is missing$/],
      ['with a text as exp', { exp: 'tomorrow' }, /^exp in .* is not a number$/],
      ['with a list as exp', { exp: [seconds(300)] }, /^exp in .* is not a number$/],
      ['that is not valid yet', { nbf: seconds(240) }, /^nbf in .* is in the future/],
      ['with a text as nbf', { nbf: 'now' }, /^nbf in .* is not a number$/],
      ['with neither code nor error', { code: undefined }, /has neither code nor error$/],
      ['with an empty code', { code: '' }, /has neither code nor error$/],
      ['with an empty error', { code: undefined, error: '' }, /has neither code nor error$/],
      ['whose code is a list', { code: ['a'] }, /^code in the authorization answer is not a string$/],
      ['whose code is a number', { code: 5 }, /^code in .* is not a string$/],
      ['whose code is an object', { code: { a: 1 } }, /^code in .* is not a string$/],
      ['whose code is null', { code: null }, /^code in .* is not a string$/],
      ['whose error is a list', { error: ['access_denied'] }, /^error in .* is not a string$/],
      [
        'whose description is an object',
        { error_description: {} },
        /^error_description in .* is not a string$/,
      ],
    ] as const
  ).map(([what, claims, hint]) => ({
    name: `an answer ${what}`,
    jwt: { claims },
    reason: 'answer_invalid' as const,
    hint,
  })),
  ...[
    ['without state', undefined],
    ['with an empty state', ''],
    ['whose state is a list', ['a']],
    ['whose state is a number', 5],
    ['whose state is an object', { a: 1 }],
  ].map(([what, state]) => ({
    name: `an answer ${what}`,
    jwt: { claims: { state } },
    reason: 'state_missing' as const,
    hint: /^`response` has no state/,
    stays: true,
  })),
  {
    name: 'an answer with a foreign state',
    jwt: { claims: { state: 'a'.repeat(43) } },
    reason: 'state_unknown',
    stays: true,
  },
  {
    name: 'an answer whose state is a path',
    jwt: { claims: { state: '../../x;y="z' } },
    reason: 'state_unknown',
    stays: true,
  },
  {
    name: 'an answer that holds an error besides its code',
    jwt: { claims: { error: 'access_denied' } },
    reason: 'access_denied',
  },
  {
    name: 'an answer without state, which is beside it',
    jwt: { claims: { state: undefined }, beside: { state: inside } },
    reason: 'state_missing',
    stays: true,
  },
  {
    name: 'an answer without code, which is beside it',
    jwt: { claims: { code: undefined }, beside: { code: inside } },
    reason: 'answer_invalid',
    hint: /neither code nor error$/,
  },
]);

/** An error in the answer; the page and the reason are those of an error that is not signed. */
export const jwtErrorCases = inJwtMode(
  (
    [
      ['access_denied', 'access_denied'],
      ['login_required', 'login_required'],
      ['server_error', 'provider_error'],
      ['unmet_authentication_requirements', 'acr_not_met'],
      ['temporarily_unavailable', 'provider_unreachable'],
      [hostile, 'provider_error'],
    ] as const
  ).map(([error, reason]) => ({
    name: `an answer that says ${error}`,
    jwt: { claims: { code: undefined, error, error_description: hostile } },
    reason,
    hint: /./,
  })),
);
