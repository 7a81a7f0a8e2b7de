import type { Control } from '../security-controls.ts';

/** What two providers of one app are to each other: nothing. */
export const severalProvidersControls: Control[] = [
  {
    id: 'RFC 9700 §4.4',
    what: 'Of several providers, none gets what is for another, or harms its users (mix-up, malicious endpoints)',
    tests: [
      'mix-up: of %s at %s is refused, and that sign-in is over',
      'mix-up: with %s as its redirect_uri brings the code to nobody',
      "mix-up: with the state of somebody else's sign-in brings the code to nobody",
      'mix-up: with their cookies exchanged are both refused',
      'foreign-endpoints: %s is refused',
      'foreign-endpoints: address for calls with a client certificate is refused (RFC 8705 §5)',
      'provider-confusion: are sent to the liar only, and make nobody a user of the other',
      'provider-isolation: tokens of a session of %s are refreshed and revoked there only',
      'provider-gone: with %s, a session ends with words, and nothing of it is sent anywhere',
      'provider-gone: with %s, an answer to a sign-in that was begun before is sent nowhere',
      'provider-starts: keeps what the link asks for, and goes on by a link of our own',
    ],
  },
  {
    id: 'several providers',
    what: 'Another provider gives nobody a role, and meets no rule that does not name it',
    tests: [
      'provider-rules: opens nothing at %s',
      'provider-rules: a guard that the start could not see lets nobody through at the request (%s)',
      'provider-rules: for a route whose guard has %s',
      'every-tenant: a token with %s as its tenant is refused',
    ],
  },
  {
    id: 'draft-ietf-oauth-rfc7523bis',
    what: 'A client assertion is for one provider only, made with a key that no other provider knows',
    tests: [
      'provider-assertions: with the audience %s opens nothing at the other provider',
      'provider-assertions: one key for two providers stops the start, in whatever file it is and beside whatever other',
    ],
  },
];
