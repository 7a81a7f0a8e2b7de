import type { Control } from '../security-controls.ts';

/** Calling APIs as the user: which gets which access token, and what follows from what it says. */
export const apiControls: Control[] = [
  {
    id: 'RFC 8707, RFC 9700 §2.3',
    what: 'Each API can have an access token of its own, for it alone: none can use its token at another',
    tests: [
      'apis-asked-for: gets it by %s: this is asked, word for word, and nothing else',
      'apis-by-resource: are asked for at the sign-in, each as a resource, with the scope of those that name one',
      'apis-by-resource: are each sent a token of their own, got with the refresh token, kept, and not asked for again',
      'doctor-apis: is one for several APIs that have none of their own',
    ],
  },
  {
    id: 'DESIGN R12, DESIGN R13',
    what: 'Tokens of several APIs are refreshed one after the other; the refusal of one ends no session and changes no user',
    tests: [
      'apis-by-resource: that many requests ask for at once: one refresh for each API, one after the other',
      'apis-asked-for: a token of an API changes nothing of the session: neither claims, roles, scopes nor the time of the recheck (R12)',
      'apis-failures: is a sign-in’s to cure, once; it ends nothing, and the other API works',
      'apis-failures: ends the session, with words, whichever API has asked',
      'apis-one-sign-in: where the provider refuses it after that sign-in too, a page says so, and no button leads there again',
    ],
  },
  {
    id: 'DESIGN §7, whose tokens an API takes',
    what: "Another provider's token never goes to an API",
    tests: [
      'apis-of-providers: an API of the second provider takes its tokens alone, and one of both takes each',
      'apis-of-providers: a sign-in at one provider asks for nothing that is another one’s API’s, also where a link says so',
    ],
  },
];
