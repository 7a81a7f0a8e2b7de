import type { Control } from '../security-controls.ts';

/** Logs, errors, settings, transport (OWASP ASVS 5.0). */
export const operationControls: Control[] = [
  {
    id: '16.2.1, 16.2.2, 16.2.3, 16.2.4, 16.3.1, 16.3.2, 16.3.3, 16.3.4',
    level: 2,
    what: 'Audit events with stable names, as JSON with request id, user and a hash of the session',
    tests: [
      'log: holds the id of its request, which the page shows as well',
      'log-lines: says when, how bad, which app and which instance, in names that collectors know',
      'log-requests: is on the lines of whoever is signed in, from the answer that signed in to the one that signed out',
      'log-requests: by %s names the client, and the user where the ID token was verified',
      'log: names a session by a short hash',
      'logout: leaves one audit event, with the user and a hash of the session',
      'docs: names each audit event there is',
    ],
  },
  {
    id: '16.2.5, 16.4.1',
    level: 2,
    what: 'Nothing secret in a log, and no forged lines',
    tests: [
      'log: by a sign-in, a refresh, a sign-in that fails, an error and a sign-out',
      'log: by an answer that cannot be read, from any endpoint or an API: %s',
      'log: with an error of JavaScript itself shows none of what that quotes',
      'log-hints: holds nothing secret: %s',
      'echoes: repeats nothing secret, in its body and in its challenge: %s',
      'echoes: an API that sends the token back has it shown to nobody',
      'log: cannot write lines of its own',
      'http-repeated-refusals: has so many refusals of one client in a minute, and then how many more there were',
      'callback: no code, state, token, cookie or session id stands in the log (R20)',
      'doctor-words: has no secret in it, however it is written',
    ],
  },
  {
    id: '16.5.1, 16.5.2, 16.5.3',
    level: 2,
    what: 'Plain error pages without internals; what fails, fails closed; a lost store is nobody signed in for no one',
    tests: [
      'http-error-pages: that nobody foresaw is a 500 that tells nothing of the inside',
      'pages: gives an error page with a request id that the log knows, and no word of the inside',
      'shown-cause: no page and no script hears a word of the cause',
      'signed-out-reasons: a store that is away is not taken for a session that has ended (R14)',
      'sessions-redis-faults: is never taken for "nobody is signed in" (R14)',
    ],
  },
  {
    id: '16.5.4',
    level: 3,
    what: 'Last-resort handlers: logged as fatal, a clean end',
    tests: ['start-and-stop: an %s is logged as fatal and ends the process with code 1'],
  },
  {
    id: '13.2.3',
    level: 2,
    what: 'No default secret; a placeholder is refused',
    tests: [
      'config: a session secret that can be guessed is refused',
      'config: a placeholder is no client secret',
    ],
  },
  {
    id: '13.3.1',
    level: 2,
    what: 'Secrets can come from files (NAME_FILE)',
    tests: ['config: each is read from a file too, without its last line break'],
  },
  {
    id: '13.3.4',
    level: 3,
    what: 'Session secret and client key can be changed without signing anybody out',
    tests: [
      'sessions-owners: a new SESSION_SECRET, the old one being SESSION_SECRET_PREVIOUS (R11)',
      'client-authentication: with a second key, while the provider learns it',
    ],
  },
  {
    id: '13.4.1, 13.4.2, 13.4.3, 13.4.5, 13.4.6',
    level: 3,
    what: 'No listings, no debug pages, no X-Powered-By; the development part is not there in production',
    tests: [
      'pages-assets: %s is no static file, in production as in development',
      'http-security-headers: a page may use what comes from us, and nothing else',
      'production-install: starts, and people sign in at a provider that runs elsewhere',
    ],
  },
  {
    id: '13.1.3',
    level: 3,
    what: 'Every outgoing call ends within a time',
    tests: [
      'provider-time-limit: a call whose other side %s is given up after five seconds, and not before',
      'helpers/misbehaving-cases-metadata: metadata that does not come within five seconds',
      'helpers/misbehaving-cases-metadata: metadata that trickles in',
      'sessions-redis-faults: frozen: nobody waits longer than two seconds; it recovers when it goes on',
    ],
  },
  {
    id: '12.3.1, 12.3.2, 12.3.3, 12.3.4',
    level: 2,
    what: "TLS to provider, API and Redis, with a CA of one's own; checks cannot be switched off",
    tests: [
      'config: TLS checks cannot be switched off',
      'sessions-redis-faults: behind TLS of a private authority: NODE_EXTRA_CA_CERTS lets it in, without it stays out',
      "doctor: is looked at: a CA of one's own must be named, and then all is in order",
      'extra-ca: a person signs in, and a page calls the API',
      'extra-ca: without it, the log says for each which setting helps',
      'helpers/misbehaving-cases-metadata: a token endpoint in plain text across the network',
    ],
  },
  {
    id: '2.4.1',
    level: 2,
    what: 'Rate limits on the sign-in addresses, shared by all instances, 429 with Retry-After',
    tests: [
      'http-rate-limits: says how much is left, and when nothing is left, when to come back',
      'http-rate-limits: is the same with any port, as in %s, and is in the log without',
      'http-rate-limits: all instances count together, each limit under its own name',
      'http-rate-limits: what needs neither token nor session cannot fill the store',
      'http-rate-limits: what is no count in the place of one neither sets a client free nor shuts it out',
      'front-channel-floods: the frame of the provider ends the session that it names, and no other',
      'behind-nginx: a client is counted by its own address, over both instances',
    ],
  },
  {
    id: '15.2.3',
    level: 2,
    what: 'A production install holds no development provider',
    tests: [
      'production-install: has no development package',
      'layout: runs without its programs and its tests',
    ],
  },
  {
    id: 'Stored data',
    what: 'A copy of Redis yields no token, no claim and no usable session',
    tests: [
      'sessions-sealing: shows nothing of what it holds, and looks different each time',
      'sessions-sealing: can be copied to the name of another session and is no session there',
    ],
  },
  { id: '12.1.1, 12.1.2, 12.1.3', level: 2, what: 'TLS versions and ciphers at the proxy', deployer: true },
  { id: '3.7.4', level: 3, what: 'The domain on the HSTS preload list', deployer: true },
  { id: '6.3.3', level: 2, what: 'Multi-factor sign-in at the provider', deployer: true },
];
