import type { Control } from '../security-controls.ts';

/** OAuth and OpenID Connect: ASVS 5.0, RFC 9700, OpenID Connect Core, FAPI 2.0. */
export const signInControls: Control[] = [
  {
    id: '10.1.1',
    level: 2,
    what: 'Tokens never reach the browser',
    tests: [
      'access-token: shows neither it nor the request to the browser',
      'require-auth: says who is signed in and until when, and holds no token',
      'large-claims: in %s are on no page and in no answer: they may hold access tokens',
    ],
  },
  {
    id: '10.1.2',
    level: 2,
    what: 'An answer counts only in the browser and for the sign-in that asked, once',
    tests: [
      'callback: an answer of another browser signs nobody in',
      'callback: of another sign-in, under the name of this one, signs nobody in',
      'sign-in: is a person: %s starts none at /auth/login',
      'answer-comes-twice: at once: its code is sent once, and both requests end on the page asked for',
      'answer-comes-twice: %s uses nothing up: the person who comes after it is signed in',
    ],
  },
  {
    id: '10.2.1, RFC 9700 §2.1.1',
    level: 2,
    what: 'PKCE S256 and state, fresh each time; never left out because metadata is silent',
    tests: [
      'sign-in: is sent to the provider with a fresh state, nonce and S256 challenge each time (R1)',
      'sign-in: is sent with PKCE although the metadata does not speak of it (R1)',
      'callback: with the code of another sign-in of the same browser signs nobody in (PKCE, R1)',
    ],
  },
  {
    id: 'DESIGN §3',
    what: 'A link to sign in steers nothing but what the site lets links ask for',
    tests: [
      'login-parameters: drops %j=%j, and signs in',
      'login-parameters: cannot change what OIDC_AUTHORIZATION_PARAMETERS says, while they change the language',
      'login-parameters: from another site gets the page that goes on, as everybody does, and nothing tells the two apart',
      'site-contract: stop the start where an entry is %s',
    ],
  },
  {
    id: 'DESIGN R4',
    what: 'An answer that comes again leads to a page; sign-ins that end nowhere stop; nothing else restarts by itself',
    tests: [
      'callback: leads somebody who is signed in to a page',
      'callback: from another site, without the cookies, leads on to where they can be seen',
      'callback: that comes again (back button, reload) leads somebody who is signed in to a page (R4)',
      'tabs-and-loops: stop after three within a minute, with a page that names what is likely wrong',
      'tabs-and-loops: are not those that renew a session, however many and wherever they lead: %s',
      'provider-turns-down: does so once: then comes a page with one way on, which starts from the beginning',
    ],
  },
  {
    id: '10.2.2, RFC 9207',
    level: 2,
    what: 'The issuer in the answer is checked',
    tests: [
      'helpers/misbehaving-cases-answers: an answer of another issuer',
      'helpers/misbehaving-cases-answers: an answer without the issuer that was promised',
      'provider-quirks: an issuer in the answer counts although the provider did not promise one',
    ],
  },
  {
    id: '10.2.3',
    level: 3,
    what: 'Only the scopes of the settings are asked for',
    tests: ['authorization-parameters: holds nothing that was not set'],
  },
  {
    id: '10.5.1',
    level: 2,
    what: 'A nonce binds the ID token to the sign-in',
    tests: [
      'helpers/misbehaving-cases-id-token: an ID token with a wrong nonce',
      'helpers/misbehaving-cases-id-token: an ID token without a nonce',
    ],
  },
  {
    id: '10.5.2',
    level: 2,
    what: 'Users are known by (iss, sub), never by email',
    tests: [
      'sign-in: with one email address are still two: neither sees the sessions of the other',
      'helpers/misbehaving-cases-id-token: without sub',
    ],
  },
  {
    id: '10.5.3',
    level: 2,
    what: "The metadata's issuer equals the setting",
    tests: ['helpers/misbehaving-cases-metadata: another issuer in the metadata'],
  },
  {
    id: '10.5.4',
    level: 2,
    what: 'The ID token is for this client',
    tests: ['helpers/misbehaving-cases-id-token: for another client'],
  },
  {
    id: '9.1.1, 9.1.2, 9.1.3, 6.8.2',
    level: 2,
    what: 'Signature first, by the one algorithm that is set, with keys of the configured issuer only',
    tests: [
      'id-token-algorithms: is refused: %s is set, the provider signs with %s',
      'helpers/misbehaving-cases-id-token: an unsigned ID token',
      'helpers/misbehaving-cases-id-token: a header that brings its own key',
      'helpers/misbehaving-cases-id-token: tells where to find the key',
      'misbehaving-provider: do not let unknown key ids hammer the key set',
    ],
  },
  {
    id: '9.2.1, 9.2.2, 9.2.3',
    level: 2,
    what: 'Times and audience are checked; an ID token is no logout token',
    tests: [
      'helpers/misbehaving-cases-id-token: an ID token that ran out two minutes ago',
      'helpers/misbehaving-cases-id-token: an ID token that is not valid before four minutes from now',
      'back-channel-logout: an ID token of the same provider for the same app',
    ],
  },
  {
    id: '6.8.1',
    level: 2,
    what: 'The same sub at another issuer is somebody else; a foreign tenant stays out',
    tests: [
      'provider-quirks: refuses a foreign tenant when tokens are refreshed',
      'provider-quirks: an issuer that serves many tenants',
    ],
  },
  {
    id: '6.8.4',
    level: 2,
    what: 'acr and auth_time are checked where they were asked for',
    tests: [
      'helpers/misbehaving-cases-id-token: a weaker sign-in than asked for',
      'helpers/misbehaving-cases-id-token: a sign-in that is older than asked for',
      'userinfo: says nothing about the sign-in itself: how, when and in which session is for the ID token to say',
    ],
  },
  {
    id: '15.3.2',
    level: 2,
    what: 'No call to the provider or an API follows a redirect',
    tests: [
      'helpers/misbehaving-cases-metadata: metadata elsewhere',
      'helpers/misbehaving-cases-metadata: keys elsewhere',
      'access-token: The API: 302',
    ],
  },
  {
    id: '1.3.6',
    level: 2,
    what: 'No address from a request or a token is ever called',
    tests: [
      'access-token: no address of a request is ever called',
      'apis: %j leads out of it: there is nothing',
      'helpers/misbehaving-cases-id-token: tells where to find the key',
      'third-party-start: with %s is refused, and nobody is called',
    ],
  },
  {
    id: '15.3.7',
    level: 2,
    what: 'A parameter given twice is a 400, and the code is not sent',
    tests: [
      'callback: with %s signs nobody in, and its code is not sent',
      'helpers/misbehaving-cases-answers: an answer with two codes',
      'response-mode: a form with two fields called %s is refused, its code not sent',
    ],
  },
  {
    id: 'RFC 9700 §4.3, §4.8',
    what: 'The code leaves the address; access tokens stand in the Authorization header, for the configured API',
    tests: [
      'sign-in: on an address without the code',
      'access-token: sends the token in the Authorization header',
    ],
  },
  {
    id: 'RFC 9700 §4.14',
    what: 'A rotated refresh token is stored before its access token is used; signing out revokes it',
    tests: [
      'access-token: a rotated refresh token is stored before the new access token is used',
      'logout: ends the session first; the refresh token is revoked after it',
      'provider-connections: signs everybody in, refreshes and signs out, and no code or token is sent twice',
      'revocation: before the browser leaves for the provider, as the session has ended',
      'revocation: when the browser comes back from there',
      'revocation: is waited for half a minute, and then the token is revoked, once',
      'dpop: revokes the refresh token at the sign-out with a proof by the same key (RFC 9449 §5)',
    ],
  },
  {
    id: 'FAPI 2.0',
    what: 'private_key_jwt or mTLS, PAR, iss, PS256, ES256 or EdDSA, DPoP: by settings alone',
    tests: [
      'fapi: with ID tokens by %s and a client key of kind %s',
      'fapi: a client certificate instead of both',
      'dpop: signs in, refreshes and signs out where the token endpoint wants a nonce in every proof',
      'fapi: a sign-in asks for no more than it needs: the nonce is asked for once',
    ],
  },
  {
    id: 'RFC 6749 §2.3.1, RFC 7523, rfc7523bis',
    what: 'Each way of client authentication; an assertion is for the issuer, or goes to the token endpoint only',
    tests: [
      'client-authentication: encodes id and secret for a Basic header as a form does, and nothing more',
      'client-assertions: is not pushed to another origin: the sign-in says what to set instead',
      'client-assertions: is not taken to the revocation endpoint of another origin; the sign-out goes on',
      'client-refusals: a refusal by %s leads to the second key (PAR: %s)',
      'client-refusals: ends no session, and the log names the settings: %s',
    ],
  },
  {
    id: '10.5.5, OIDC Back-Channel Logout',
    level: 2,
    what: 'Exactly 200 for a good logout token, 400 for a bad one; each token counts once, when its sessions are ended',
    tests: [
      'back-channel-logout: with a sid ends that session, wherever it is used, and no other',
      'back-channel-logout: answers 200 for a session that nobody knows, with nothing in it',
      'back-channel-logout: alg none, and HS256 with what an attacker may know',
      'back-channel-logout: a token that was used before, also at the other instance',
      'back-channel-logout: of a token that comes five times at once, four',
      'back-channel-logout: works for a provider that leaves typ out, writes it long, or adds claims',
      'back-channel-logout: answers 405 to anything but POST, and says what it takes',
      'back-channel-logout: a token that could not be carried out may come again (R14): Redis fails at %s',
      'back-channel-logout: a copy that comes after a later sign-in: that session stays',
      'logout-tokens-of-real-servers: a logout token as %s sends it',
      'logout-tokens-of-real-servers: the typ %s is taken',
      'logout-tokens-of-real-servers: the typ %j is refused',
      'logout-tokens-of-real-servers: a token without exp %s',
      'logout-token-keys: two new keys within three seconds: both tokens are verified, by one fetch each',
      'logout-token-keys: twenty wait for one fetch; the others are answered at once',
    ],
  },
  {
    id: 'OIDC Front-Channel Logout',
    what: 'iss and sid, iss exact; neither only in a frame of the same site; nothing at top level; an unknown sid gets the same answer',
    tests: [
      'front-channel-logout: ends the session of iss and sid, without any cookie',
      'front-channel-logout: answers the same for a sid that nobody knows, and ends nothing',
      'front-channel-logout: with %s answers 400 and ends nothing',
      "front-channel-logout: in a frame (%s, %s) ends the session of the browser's own cookie",
      'front-channel-logout: %s ends nothing: 400, and the log says why',
      'front-channel-logout: a top-level request ends nothing, with iss and sid either: 400',
      'front-channel-logout: Microsoft Entra sends the sid alone, and is known for it',
    ],
  },
];
