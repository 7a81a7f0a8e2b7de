import type { Control } from '../security-controls.ts';

/** Cookies, headers, pages, requests (OWASP ASVS 5.0). */
export const webControls: Control[] = [
  {
    id: '3.3.1, 3.3.2, 3.3.3, 3.3.4, 3.3.5',
    level: 3,
    what: 'Cookies: __Host- names, Secure, HttpOnly, SameSite=Lax; opaque and short values',
    tests: [
      'pages: has the __Host- prefix and is Secure',
      'pages: is HttpOnly, Lax, for the whole site and this host',
      'sign-in: sends at most 100 bytes of cookies once signed in',
      'behind-nginx: its cookies are __Host- cookies for https only',
    ],
  },
  {
    id: '3.4.1',
    level: 1,
    what: 'HSTS for a year, subdomains included, on every https answer',
    tests: [
      'http-security-headers: https asks browsers to stay with https for a year',
      'behind-nginx: every answer of the app tells browsers to come by https for a year',
    ],
  },
  {
    id: '3.4.2',
    level: 1,
    what: 'No CORS header',
    tests: [
      'http-methods: OPTIONS is answered without a body and without CORS',
      'pages: has the security headers in every answer it can give, and none of an other site',
    ],
  },
  {
    id: '3.4.3, 3.4.4, 3.4.5, 3.4.8, 3.5.8',
    level: 3,
    what: "CSP from default-src 'none', nosniff, Referrer-Policy, COOP and CORP same-origin",
    tests: [
      'http-security-headers: a page may use what comes from us, and nothing else',
      'pages: has the security headers in every answer it can give',
      'pages: lets a form lead to ourselves only (R16)',
      'pages: that a form or another site leads to the provider goes there by a page of ours (R16)',
      'leaving-in-chromium: another site learns nothing from %s about somebody who is %s',
    ],
  },
  {
    id: '3.4.6',
    level: 2,
    what: 'Nobody may frame a page; the front-channel logout only the provider',
    tests: [
      'http-security-headers: only the front-channel logout can be framed, and only by the provider',
      'browser: a page of another site cannot sign anybody out, nor frame us',
    ],
  },
  {
    id: '4.1.1',
    level: 1,
    what: 'Every text answer names its charset',
    tests: ['http-error-pages: that has its own words prints them with the request id'],
  },
  {
    id: '3.2.1',
    level: 1,
    what: 'What must be a document is given only where the browser asks for one (Fetch Metadata)',
    tests: [
      'require-auth: %s gets 401 as problem+json, no redirect and no cookie',
      'require-auth: a frame is not led through a sign-in',
    ],
  },
  {
    id: '1.2.1, 3.2.2',
    level: 1,
    what: 'Views print escaped, whatever claims and queries hold',
    tests: [
      'pages-views: $name prints escaped, but for what it includes',
      'pages-views: $name: whatever claims hold is printed as text',
      'pages: %s takes nothing from the query into the page unescaped',
      'browser: hostile claims do nothing but stand there',
    ],
  },
  {
    id: '1.3.7',
    level: 2,
    what: 'A query is never handed to a view',
    tests: ['pages-views: a query is not handed to the view'],
  },
  {
    id: '3.5.1, 3.5.3',
    level: 1,
    what: 'Nothing changes on GET; unsafe methods must come from our own pages, forms from the own person’s',
    tests: [
      'http-same-origin: is refused from %s',
      'pages: the form of %s changes nothing for who is not signed in, nor from another site',
      'logout: GET asks with a page and a button, and ends nothing',
      'session-pages: another site ends nothing, nor does a link',
      'own-page: changes nothing by its form, and says so',
      'own-page: is refused with a field that is not its mark',
      'own-page: is refused without one',
    ],
  },
  {
    id: '3.7.2',
    level: 2,
    what: 'Redirects lead to local paths and to the provider only',
    tests: [
      'return-path: that is %s leads to the start page',
      'return-path: the page after a sign-out takes no other site either',
    ],
  },
  {
    id: '3.7.3',
    level: 3,
    what: 'A sign-in started by a third party asks before it leaves',
    tests: ['third-party-start: asks before it leaves, and lands on the page that was asked for'],
  },
  {
    id: '4.1.3',
    level: 2,
    what: 'Forwarded headers count from trusted hops only; redirect_uri never comes from Host',
    tests: [
      'behind-nginx: a forged host changes no address that the app sends out',
      'behind-nginx: a client is counted by its own address, over both instances; a forged one does not help',
      'pages: sends people to the address of the settings, whatever Host and forwarded headers say',
      'log: an id from outside is not taken where no proxy is in front',
    ],
  },
  {
    id: '4.1.4, 13.4.4',
    level: 3,
    what: 'Methods that an address does not take, TRACE too, get 405 with Allow',
    tests: [
      'http-methods: %s %s gets 405 and hears what is allowed',
      'pages: answers a method that it does not take with 405 and Allow, and changes nothing',
    ],
  },
  {
    id: '4.2.5',
    level: 3,
    what: 'Headers, queries and bodies are bounded',
    tests: [
      'behind-nginx: headers and forms beyond all measure are refused, not passed on',
      'http-error-pages: a body that is broken, too large or of a strange kind has its own words',
      'callback: larger than 64 KB is refused',
      'tabs-and-loops: with long paths keeps the cookies of a browser under 8 KB',
    ],
  },
  {
    id: '14.2.1',
    level: 1,
    what: 'Nothing sensitive stands in our addresses',
    tests: [
      'sign-in: signs in and lands on it, with its query as it was, on an address without the code',
      'response-mode: an answer by form leaves no code in any address',
    ],
  },
  {
    id: '14.2.5',
    level: 3,
    what: 'An unknown path, below a page too, is a 404',
    tests: ['require-auth: is a 404 for anybody, also below a page'],
  },
  {
    id: '14.3.1',
    level: 1,
    what: 'Signing out clears caches and storage of the browser',
    tests: ['logout: forgets the browser: cookie gone, caches and storage cleared, nothing kept'],
  },
  {
    id: '14.3.2',
    level: 2,
    what: 'What depends on a session is kept by no cache',
    tests: [
      'http-security-headers: what depends on a session is stored nowhere',
      'pages: is kept by no cache, but for the files',
      'browser: sign in, see the page, sign out, and the back button shows nothing',
      'browser: a page that the back button brings back whole asks whether its session is still there',
    ],
  },
  {
    id: '14.3.3',
    level: 2,
    what: 'Nothing is kept in web storage',
    tests: ['browser: holds nothing but cookies that scripts cannot read'],
  },
];
