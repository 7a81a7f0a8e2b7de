import type { Control } from '../security-controls.ts';

/** Sessions, authorization (OWASP ASVS 5.0). */
export const sessionControls: Control[] = [
  {
    id: '7.1.1, 7.1.2, 7.1.3',
    level: 2,
    what: 'docs/reference.md says what the limits of sessions are, and why',
    tests: ['docs: has the settings that the code reads, with their defaults and meanings'],
  },
  {
    id: '7.2.1, 7.2.2, 7.2.3',
    level: 1,
    what: 'Sessions are kept by the server under random ids; an id that it did not issue is never adopted',
    tests: [
      'sign-in: that an attacker planted is never adopted',
      'sessions-contract: is made only by a sign-in: an id the server did not issue is never adopted (R5)',
      'sessions-sealing: has names without iss, sub, sid or jti, and values without claims or tokens',
    ],
  },
  {
    id: '7.2.4',
    level: 1,
    what: 'A sign-in gives a new session id, and the old one is dead',
    tests: [
      'sign-in: changes at each sign-in, and the one before is dead',
      'response-mode: a new sign-in ends the session that the browser had before (ASVS 7.2.4)',
    ],
  },
  {
    id: '7.3.1, 7.3.2',
    level: 2,
    what: 'The server ends sessions when idle, and at an absolute end however busy they are',
    tests: [
      'sessions-contract: come after so many seconds without a request',
      'sessions-contract: come at the absolute end however busy the session is',
      'signed-out-reasons: by not being used says the limit',
    ],
  },
  {
    id: '7.4.1',
    level: 1,
    what: 'After signing out a copy of the cookie is worth nothing, at no instance',
    tests: [
      'logout: a copy of the cookie is worth nothing afterwards',
      'logout: whoever signs out at one is signed out at the other, and nothing is left in Redis',
      'logout: a request that still runs cannot write the session back (R10)',
    ],
  },
  {
    id: '7.4.2',
    level: 1,
    what: 'An account that is switched off at the provider loses its sessions',
    tests: [
      'token-refresh: invalid_grant ends the session, and says what the provider says has ended',
      'access-token: invalid_grant ends the session, with a page that says so and one audit event',
      'recheck-provider: with invalid_grant (%s) ends the session, and each tab shows why',
      'recheck: that refuses ends the session: the page says why, and so do its other tabs at /signed-out',
      'back-channel-logout: with a sub ends all sessions of that user, at both instances, and nobody else',
    ],
  },
  {
    id: '7.4.3',
    level: 2,
    what: 'A user can end their other sessions',
    tests: ['session-pages: ends all others, and this one stays'],
  },
  {
    id: '7.4.4',
    level: 2,
    what: 'Sign-out is visible on each page',
    tests: ['pages-views: who is signed in, and a sign-out button, stand on every page of a signed-in user'],
  },
  {
    id: '7.4.5',
    level: 2,
    what: "An operator can end one user's sessions, or all",
    tests: [
      'operator: end --sub ends all sessions of one user, says how many, and the user reads why',
      'operator: end --all ends every session and leaves nothing of anybody',
    ],
  },
  {
    id: '7.5.1, 7.5.2',
    level: 2,
    what: 'Ending other sessions asks for a fresh sign-in, also where the provider does not say when that was',
    tests: [
      'step-up-freshness: (%s) lets somebody end their other sessions, after a fresh sign-in only',
      'session-pages: asks for a fresh sign-in when the last is more than ten minutes old (ASVS 7.5.2)',
      'browser: a form that asks for a recent sign-in leads to the provider and back to its page',
    ],
  },
  {
    id: '7.5.3',
    level: 3,
    what: 'A page can ask for a stronger sign-in',
    tests: ['require-auth: asks the provider for the strength, and what comes back opens the page'],
  },
  {
    id: '7.6.1',
    level: 2,
    what: 'How old the sign-in at the provider may be is sent, and checked in the answer',
    tests: [
      'require-auth: an auth_time that is %s (%j) where max_age was sent gives %i',
      'step-up-freshness: (%s) keeps a rule closed, with a page and not a circle',
      'step-up-freshness: (%s) opens it where that is set, after a fresh sign-in only, and is audited',
      'authorization-parameters: asks with OIDC_MAX_AGE again once the sign-in there is older',
    ],
  },
  {
    id: '7.6.2',
    level: 2,
    what: 'No session begins without an act of the user',
    tests: [
      'third-party-start: only the button of our own page goes on: the same form from elsewhere asks again',
      'callback: an answer of another browser signs nobody in (sign-in forced upon a victim)',
    ],
  },
  {
    id: '8.2.1, 8.3.1',
    level: 1,
    what: 'Every route refuses who is not signed in, unless it is said to be open; the server decides',
    tests: [
      'pages: that is not said to be open refuses who is not signed in',
      'require-auth: %s: the account "%s" gets %i',
      'require-auth: a rule that throws lets nobody through',
      'rules-async: only true lets in, at once or later; whatever else is no yes (R18)',
      'rules-async: a rule that throws, at once or later, lets nobody in',
      'sign-in-refused: reads the words of the refusal, escaped, and is signed in nowhere',
      'sign-in-hook: where it %s',
      'require-auth: that is %j gives %j, and a warning where it has another shape',
    ],
  },
  {
    id: '8.3.2',
    level: 3,
    what: 'Who is signed in, with which roles, is written by the sign-in and the recheck only; no page puts back old roles',
    tests: [
      'sessions-contract: stays as updated when a page that read it before saves late, on another instance',
      'sessions-races: a save never undoes an update of the user',
      'own-session-data: does not change who is signed in',
      'recheck: a role that is gone is gone on each page at once, in the menu too; a new one is there',
      'recheck-provider: makes the session neither fresher nor stronger, whatever it and userinfo say',
      'recheck-instances: is not undone by a page of the other instance that read the session before',
    ],
  },
  {
    id: '8.3.3',
    level: 3,
    what: "A downstream API gets the user's own token",
    tests: [
      'access-token: sends the token in the Authorization header',
      "apis: sends the user's token to that API alone, and a path that somebody typed leads nowhere else",
      'docs-guide: its script reads and changes payments by the proxy, and hears of them',
    ],
  },
  {
    id: '15.4.2',
    level: 3,
    what: 'A refresh is atomic: twenty requests at once make one token call',
    tests: [
      'access-token: twenty requests at once make one token call (R13)',
      'access-token: refresh once for 200 requests at once',
      'sessions-owners: are refreshed by one at a time, over all instances (R13)',
    ],
  },
];
