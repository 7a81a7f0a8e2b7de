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
    id: 'R12, R13',
    what: 'Tokens of several APIs are refreshed one after the other; the refusal of one ends no session and changes no user',
    tests: [
      'apis-by-resource: that many requests ask for at once: one refresh for each API, one after the other',
      'apis-asked-for: a token of an API changes nothing of the session: neither claims, roles, scopes nor the time of the recheck (R12)',
      'apis-failures: is a sign-in’s to cure, once; it ends nothing, and the other API works',
      'apis-failures: ends the session, with words, whichever API has asked',
      'apis-one-sign-in: where the provider refuses it after that sign-in too, a page says so, and no button leads there again',
      'apis-in-sign-in: two APIs at once use the refresh token one after the other, and their tokens are the session’s afterwards',
      'api-attacks: a call that signIn does not wait for uses up no refresh token that the session keeps',
    ],
  },
  {
    id: 'RFC 8693',
    what: 'Of a token exchange only the access token is kept, for one subject token; its refusal ends no session',
    tests: [
      'apis-exchange: is asked for with the sign-in’s access token, and of the answer only the access token is kept',
      'apis-exchange: where the provider answers with %s: a sign-in once, nothing ends, and it is left alone for a minute',
    ],
  },
  {
    id: 'RFC 9470',
    what: 'An API can demand a stronger or more recent sign-in; no sign-ins go in circles, and nothing of its words is sent on',
    tests: [
      'apis-step-up: is sent to a sign-in with %s, and comes back to the page, which works',
      'apis-step-up: sees what the API says where the step-up has changed nothing: no circle',
      'apis-step-up: a script gets the 401 with the demand, and is sent nowhere (%s)',
      'apis-step-up: by %s is taken to want a new sign-in, and nothing of it is sent on',
    ],
  },
  {
    id: 'whose tokens an API takes',
    what: "Another provider's token never goes to an API",
    tests: [
      'apis-of-providers: an API of the second provider takes its tokens alone, and one of both takes each',
      'apis-of-providers: a sign-in at one provider asks for nothing that is another one’s API’s, also where a link says so',
      'proxy-callers: a user of another provider gets a 403, and nothing is sent',
    ],
  },
  {
    id: 'the proxy of an API: callers',
    what: "Only scripts of the app's own pages, for the person they were printed for, reach an API through its proxy",
    tests: [
      'proxy-callers: is refused where %j asks',
      'proxy-callers: is refused where it is %s, with the mark or without',
      'proxy-callers: changes something by %s with the mark only',
      'proxy-callers: does not act with the mark of another person, or with two marks',
      'proxy-callers: is a 403 where a browser opens the address itself: no sign-in starts',
      'proxy-callers: an override by a header or the query changes nothing, and does not reach the API',
    ],
  },
  {
    id: 'the proxy of an API: paths',
    what: "No path leads above or beside the API's own address",
    tests: [
      'proxy-paths: %j leads elsewhere',
      'proxy-paths: whose path leads elsewhere gets a 400, and the API hears nothing of it',
      'proxy-paths: with a whole address for its path goes to the API only, or nowhere',
    ],
  },
  {
    id: 'the proxy of an API: headers',
    what: 'Cookies, forwarded headers and names that servers believe cross in neither direction; answers are sandboxed and never cached',
    tests: [
      'proxy-headers: loses all else, however it is spelled',
      'proxy-headers: loses what its Connection header names, but nothing that the proxy says',
      'proxy-answers: keeps with status %i what scripts need, and nothing that speaks to the browser about this site',
      'proxy-answers: that leads to %j leads the script to %j',
      'proxy-liars: with %s is no answer: a problem of ours, and nothing of it',
    ],
  },
  {
    id: 'the proxy of an API: bodies and streams',
    what: 'Nothing with a body is sent twice, a body has 10 MB at most, and an event stream neither outlives its session nor keeps it alive',
    tests: [
      'proxy-tokens: an API that wants a nonce in the proof gets each body once (RFC 9449 §9)',
      'proxy-streaming: may have 10 MB, announced or not',
      'proxy-streaming: leaves its connection usable after each refusal',
      'proxy-events: is not moved by a stream: neither by opening it, nor while it is open',
      'proxy-attacks: an event stream ends with its session, also where nobody reads it',
    ],
  },
];
