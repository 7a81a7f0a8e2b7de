import type { Control } from '../security-controls.ts';

/** FAPI 2.0 Message Signing (RFC 9101, JARM), encryption (RFC 7516), tokens bound to a certificate (RFC 8705). */
export const signedAndEncryptedControls: Control[] = [
  {
    id: 'FAPI 2.0 Message Signing',
    what: 'Signed requests, signed answers and encrypted tokens: by settings alone',
    tests: [
      'message-signing-recipe: FAPI 2.0 Message Signing makes the keys, and signs in, refreshes and signs out',
      'dev-registration: in the provider of npm run dev a sign-in works',
    ],
  },
  {
    id: 'RFC 9101 §4, §5, §10.8',
    what: 'A signed request holds every parameter, for this issuer and ten minutes; none outside contradicts it',
    tests: [
      'request-object: by PAR with %s: the form holds client_id, request, what authenticates, and nothing else',
      'request-object: without PAR with %s: the address holds client_id, response_type, scope=openid, request, and nothing else',
      'request-object: typ, kid, iss, aud as one text, ten minutes to live, and another jti each time',
      'request-object-parameters: a signed request holds each parameter of the plain one, and no other',
      'request-object-parameters: what a signed request cannot hold is left out of a link, and the sign-in goes on',
      'config-signing: %s is what the JWT says of itself',
    ],
  },
  {
    id: 'JARM §2.4',
    what: 'A signed answer: issuer, audience, time and signature first, by one algorithm; what is beside it counts for nothing',
    tests: [
      'jarm: signs nobody in, and its code is not sent',
      'jarm: with all parameters beside it twice',
      'helpers/misbehaving-cases-jwt-answers: an answer with RS256, the default, where ES256 is expected',
      'helpers/misbehaving-cases-jwt-answers: an answer as it was before (downgrade)',
      'helpers/misbehaving-cases-jwt-answers: an ID token that holds a state',
      'helpers/misbehaving-cases-jwt-claims: an answer without state, which is beside it',
      'jarm-answers: at once: its code is sent once, and both requests end on the page asked for',
      'jarm-answers: to the sign-in of another browser signs nobody in, and its code is not sent',
      'jarm-answers: no ten characters of an answer are in any line of the log or on any page',
      'jarm-providers: an answer that the other one signed, with the same key id and in the name of the first, is refused',
    ],
  },
  {
    id: 'RFC 8725 §3.2, §3.11',
    what: 'Few algorithms open an encrypted token, and what is inside is signed and judged as any other',
    tests: [
      'encrypted-liars: RSA1_5',
      'encrypted-liars: PBES2 with as much work as can be named',
      'encrypted-liars: a token by alg none',
      'encrypted-liars: HS256 by the public encryption key',
      'encrypted-liars: a token that is encrypted again',
      'encrypted-liars: an ID token with the nonce of another sign-in inside is refused',
      'encrypted-answers: that is encrypted and not signed',
      'encrypted: without a key an encrypted logout token is refused, and the hint names the setting',
    ],
  },
  {
    id: 'R23: signed and encrypted messages',
    what: 'What anybody may send is bounded before it costs work: keys, lengths, no decompression',
    tests: [
      'encrypted-liars: text that would inflate to some hundred megabytes is not even decrypted',
      'encrypted-liars: a header of 100 KB',
      'encrypted-liars: more than 256 KB',
      'jarm-answers: of many answers with made-up keys twenty wait for one fetch, and the others read that at once',
      'jarm-answers: of 100 KB is refused before it is read, and one that just fits is refused with a page',
    ],
  },
  {
    id: 'RFC 8705 §3',
    what: 'Tokens are bound to a certificate beside private_key_jwt, which is shown only where it should be',
    tests: [
      'message-signing-recipe: tokens bound to a certificate makes both, and binds each token',
      'certificate-bound: at endpoints of their own: the certificate is shown there, and the API takes the tokens with it alone',
      'certificate-bound: through a proxy, which sees the certificate neither of the app nor where it asks for one itself',
      'certificate-bound: is demanded at userinfo: a token without it is refused there',
    ],
  },
  {
    id: 'Keys for signing and decryption',
    what: 'Either can be changed without signing anyone out, and no two providers share one',
    tests: [
      'request-object-keys: by PAR with %s',
      'request-object-keys: without PAR only the first signs',
      'encrypted: the new one first',
      'certificate-bound: of the first of two keys is shown; after a swap a token of the other is refused once, and refreshed',
      'config-signing: several providers: a problem is said by the name of its setting, and no two share a key',
    ],
  },
];
