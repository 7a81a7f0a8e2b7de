import type { Control } from '../security-controls.ts';

/** What the OpenID Foundation's tests of relying parties try. */
export const relyingPartyControls: Control[] = [
  {
    id: 'RP tests: ID token',
    what: 'Each false claim, algorithm and signature signs nobody in; the next honest sign-in works',
    tests: [
      'misbehaving-provider: signs nobody in',
      'helpers/misbehaving-cases-id-token: with a foreign at_hash',
      'helpers/misbehaving-cases-id-token: with a foreign azp',
      'helpers/misbehaving-cases-id-token: an ID token with HMAC by the client secret',
      'helpers/misbehaving-cases-id-token: a broken RS256 signature',
      'helpers/misbehaving-cases-id-token: several matching keys and no kid',
      'misbehaving-provider: an unusual sign-in that is in order succeeds',
    ],
  },
  {
    id: 'RP tests: answer',
    what: 'State wrong, missing or repeated; error answers with and without state',
    tests: [
      'helpers/misbehaving-cases-answers: an answer without state',
      'helpers/misbehaving-cases-answers: an answer with a foreign state',
      'helpers/misbehaving-cases-answers: an answer with two states',
      'helpers/misbehaving-cases-answers: an error answer without state',
    ],
  },
  {
    id: 'RP tests: userinfo',
    what: 'A foreign sub, a bad signature and an error sign nobody in; a signed userinfo does',
    tests: [
      'userinfo: is refused; with a right one it signs in',
      'userinfo: signed as ID tokens are signs in',
      'helpers/misbehaving-cases-tokens: userinfo about somebody else',
    ],
  },
  {
    id: 'RP tests: discovery',
    what: 'Another issuer, a random jwks_uri, keys that change just before signing and between sign-ins',
    tests: [
      'helpers/misbehaving-cases-metadata: an issuer with a slash more',
      'helpers/misbehaving-cases-metadata: keys at a random address',
      'misbehaving-provider: between redirect and answer are taken up',
      'misbehaving-provider: between two sign-ins are taken up',
      'key-sets: the good keys of a set verify',
      'key-sets: are refused where the token names none',
    ],
  },
  {
    id: 'RP tests: refresh',
    what: "A foreign iss or sub in the new ID token ends the session; no new one is fine; acr and auth_time stay the sign-in's",
    tests: [
      'misbehaving-after-sign-in: ends the session',
      'misbehaving-after-sign-in: goes on',
      'misbehaving-after-sign-in: with other claims leaves the user as the sign-in made them',
      'token-refresh: an ID token for another client',
    ],
  },
  {
    id: 'RP tests: logout',
    what: 'A state that is wrong or missing after signing out is logged, and the page shows anyway',
    tests: ['logout: a state that comes back %s is logged, and the page shows anyway'],
  },
  {
    id: 'RP tests: client authentication',
    what: 'basic (form-encoded), post, secret_jwt, private_key_jwt, mTLS',
    tests: [
      'client-authentication: proves itself by %s',
      'client-authentication: signs with a %s key from a PEM file, named by its thumbprint',
      'client-authentication: from an authority proves itself by it, at the endpoints that ask for one',
    ],
  },
];
