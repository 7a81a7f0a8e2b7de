import {
  confirmLogout,
  confirmThirdPartyStart,
  failurePage,
  leaving,
  ownPage,
  signedOut,
  switchUser,
} from '../errors/texts.ts';
import { plainPages } from '../errors/plain-pages.ts';
import { layOutClaims, layOutRows } from '../pages/claims.ts';
import { initials } from '../pages/person.ts';
import { dateTime } from '../pages/time.ts';
import { sampleAccounts } from './accounts.ts';

/** One page in one state, with all that its view prints. */
export interface GalleryState {
  name: string;
  view: string;
  locals: Record<string, unknown>;
}

const rooms = [
  ['/', 'Home'],
  ['/profile', 'Profile'],
  ['/sessions', 'Sessions'],
  ['/api-data', 'API data'],
  ['/admin', 'Admin'],
];
const now = Date.now();
const inHours = (hours: number) => new Date(now + hours * 3_600_000);
const seconds = (date: Date) => Math.floor(date.getTime() / 1000);

export const galleryStates: GalleryState[] = [
  { name: 'home-signed-out', view: 'home', locals: everyone('Home', '/') },
  { name: 'home-signed-in', view: 'home', locals: { ...signedIn('Home', '/'), ...homeModel() } },
  { name: 'home-store-away', view: 'home', locals: { ...everyone('Home', '/'), storeAway: true } },
  { name: 'profile', view: 'profile', locals: profile('alice', ['admin', 'member']) },
  { name: 'profile-bare', view: 'profile', locals: profile('dave') },
  { name: 'profile-hostile', view: 'profile', locals: profile('eve', ['member', '<i>role</i>']) },
  { name: 'sessions', view: 'sessions', locals: sessions(3) },
  { name: 'sessions-only-this', view: 'sessions', locals: sessions(1) },
  { name: 'admin', view: 'admin', locals: { ...signedIn('Administration', '/admin'), roles: ['admin'] } },
  { name: 'api-data', view: 'api-data', locals: apiData(apiAnswer()) },
  { name: 'api-data-away', view: 'api-data', locals: apiData({ problem: 'away' }) },
  { name: 'api-data-too-large', view: 'api-data', locals: apiData({ problem: 'too-large' }) },
  { name: 'api-data-refused', view: 'api-data', locals: apiData({ problem: 'refused', status: 403 }) },
  { name: 'api-data-tokens', view: 'api-data', locals: apiData({ problem: 'tokens-refused', status: 401 }) },
  { name: 'signed-out', view: 'signed-out', locals: farewell('ended', ['You signed out.']) },
  {
    name: 'signed-out-provider-stays',
    view: 'signed-out',
    locals: farewell('still-there', ['You signed out.', signedOut.providerStays('login.example.com')]),
  },
  {
    name: 'signed-out-idle',
    view: 'signed-out',
    locals: {
      ...farewell('unknown', [
        'Your session is no longer there. Sessions end when they are not used for 30 minutes.',
      ]),
      title: signedOut.endedTitle,
      signInHref: '/auth/login?returnTo=%2Fprofile',
      follow: true,
    },
  },
  {
    name: 'session-ending',
    view: 'home',
    // Looked at later, too: its end is always near.
    get locals() {
      const soon = new Date(Date.now() + 90_000).toISOString();
      const late = inHours(7.8).toISOString();
      return {
        ...signedIn('Home', '/'),
        ...homeModel(),
        ends: { idleExpiresAt: soon, expiresAt: late, returnTo: '/' },
      };
    },
  },
  message('confirm-logout', 200, confirmLogout, true),
  message('third-party-start', 200, confirmThirdPartyStart({ target_link_uri: '/profile' })),
  { name: 'to-provider', view: 'to-provider', locals: onTheWay('signOut') },
  { name: 'to-provider-sign-in', view: 'to-provider', locals: onTheWay('signIn') },
  message(
    'error-403-other-person',
    403,
    { ...failurePage('other_persons_page'), action: { label: ownPage.openAgain, href: '/sessions' } },
    true,
  ),
  message('error-401-not-saved', 401, failurePage('work_not_saved')),
  message(
    'error-403',
    403,
    { ...failurePage('forbidden'), facts: [{ label: 'Needed', value: 'role admin' }] },
    true,
  ),
  message('error-404', 404, plainPages.notFound, true),
  message('error-405', 405, plainPages.wrongMethod),
  message('error-413', 413, plainPages.byStatus[413]),
  message('error-429', 429, plainPages.tooMany('42 seconds')),
  message('error-500', 500, plainPages.broken),
  message('error-503-store', 503, failurePage('store_away')),
  message('sign-in-not-let-in', 403, {
    ...failurePage('access_denied'),
    other: { label: switchUser, post: '/auth/initiate-login' },
  }),
  message('sign-in-expired', 400, failurePage('login_expired')),
  message('sign-in-already-used', 400, failurePage('state_unknown')),
  message('sign-in-provider-down', 503, failurePage('provider_unreachable')),
  message('sign-in-clock', 502, failurePage('clock')),
  message('sign-in-loop', 400, failurePage('loop')),
  message('sign-in-not-fresh', 403, failurePage('not_fresh'), true),
];

function everyone(title: string, path: string) {
  return { title, path, requestId: '5d1f0c9e-7a43-4c1b-9d2e-0b6f2a8c4e17' };
}

function signedIn(title: string, path: string, name = 'Alice Adams') {
  return {
    ...everyone(title, path),
    nav: rooms.map(([href, label]) => ({ href, label, current: href === path })),
    user: { name, initials: initials(name) },
    kitForm: 'the-mark-of-alices-pages',
    ends: {
      expiresAt: inHours(7.8).toISOString(),
      idleExpiresAt: inHours(0.5).toISOString(),
      returnTo: path,
    },
  };
}

function homeModel() {
  const cards = [
    { href: '/profile', title: 'Profile', about: 'What your provider says about you.' },
    { href: '/sessions', title: 'Sessions', about: 'Where you are signed in, and a way to end it.' },
    {
      href: '/api-data',
      title: 'API data',
      about: 'Asks another service in your name, without your browser seeing a token.',
    },
    {
      href: '/admin',
      title: 'Admin',
      about: 'Only for people with the role “admin”. Others see how a refusal looks.',
    },
  ];
  return { cards, signedInUntil: dateTime(inHours(7.8)) };
}

function profile(sub: string, roles: string[] = []) {
  const signIn = {
    sub,
    iss: 'http://localhost:3001',
    aud: 'express-web-app',
    auth_time: seconds(inHours(-0.2)),
    amr: ['pwd', 'otp'],
    iat: seconds(inHours(-0.2)),
    exp: seconds(inHours(0.8)),
  };
  const account = sampleAccounts.find((each) => each.sub === sub)?.claims;
  const claims: Record<string, unknown> = { ...account, ...signIn };
  return {
    ...signedIn('Your profile', '/profile', String(claims.name ?? sub)),
    email: claims.email,
    roles,
    groups: layOutClaims(claims),
    raw: JSON.stringify(claims, null, 2),
    session: [
      { label: 'Signed in here', time: dateTime(inHours(-0.2)) },
      { label: 'Ends at the latest', time: dateTime(inHours(7.8)) },
    ],
  };
}

function sessions(count: number) {
  const devices = ['Firefox on Linux', 'Safari on iPhone', 'Unknown browser']
    .slice(0, count)
    .map((device, n) => ({
      handle: `handle-${n}`,
      device,
      current: n === 0,
      since: dateTime(inHours(-1 - 40 * n)),
      lastSeen: { ...dateTime(inHours(-n)), ago: n === 1 ? '1 hour ago' : '2 hours ago' },
    }));
  return { ...signedIn('Where you are signed in', '/sessions'), devices, others: count - 1 };
}

function apiAnswer() {
  const value = { message: 'Hello, Alice', you: { sub: 'alice', scopes: ['openid', 'profile'] }, count: 3 };
  return { status: 200, rows: layOutRows(value), raw: JSON.stringify(value, null, 2) };
}

function apiData(answer: object) {
  const token = { tokenEnds: dateTime(inHours(0.8)), tokenRefreshed: dateTime(inHours(-0.1)) };
  return {
    ...signedIn('Data from the API', '/api-data'),
    apiUrl: 'http://localhost:3002',
    ...token,
    ...answer,
  };
}

function farewell(provider: string, text: string[]) {
  const ended = [
    { what: signedOut.thisApp, how: 'ended' },
    { what: signedOut.tokens, how: 'ended' },
    { what: signedOut.provider('login.example.com'), how: provider },
  ];
  const { title } = signedOut;
  return { ...everyone(title, '/signed-out'), title, text, ended, signInHref: '/auth/login', follow: false };
}

/** Without the refresh, which would lead away from it. */
function onTheWay(purpose: keyof typeof leaving) {
  const { title, text } = leaving[purpose]('login.example.com');
  return { ...everyone(title, '/'), title, text, url: 'https://login.example.com/?a=1&b="2"' };
}

function message(name: string, status: number, model: object | undefined, withUser = false): GalleryState {
  const around = withUser ? signedIn('', '') : everyone('', '');
  return { name, view: 'message', locals: { ...around, status, ...model } };
}
