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
    id: 'RFC 8705 §3',
    what: 'Tokens are bound to a certificate beside private_key_jwt',
    tests: ['message-signing-recipe: tokens bound to a certificate makes both, and binds each token'],
  },
];
