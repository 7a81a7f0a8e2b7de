import { plainPages } from '../errors/plain-pages.ts';
import {
  confirmLogout,
  confirmThirdPartyStart,
  failurePage,
  leaving,
  ownPage,
  signedOut,
  switchUser,
} from '../errors/texts.ts';
import { initials } from '../pages/person.ts';
import { dateTime } from '../pages/time.ts';

/** One page in one state, with all that its view prints. */
export interface GalleryState {
  name: string;
  view: string;
  locals: Record<string, unknown>;
}

const menu = [
  ['/', 'Home'],
  ['/sessions', 'Sessions'],
];
const now = Date.now();
export const inHours = (hours: number) => new Date(now + hours * 3_600_000);

export const galleryStates: GalleryState[] = [
  { name: 'sessions', view: 'sessions', locals: sessions(3) },
  { name: 'sessions-only-this', view: 'sessions', locals: sessions(1) },
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
    view: 'sessions',
    // Looked at later, too: its end is always near.
    get locals() {
      const soon = new Date(Date.now() + 90_000).toISOString();
      const late = inHours(7.8).toISOString();
      return {
        ...sessions(1),
        ends: { idleExpiresAt: soon, expiresAt: late, returnTo: '/sessions' },
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

/** What the layout prints for a visitor. */
export function around(title: string, path: string) {
  return { title, path, requestId: '5d1f0c9e-7a43-4c1b-9d2e-0b6f2a8c4e17' };
}

/** The same for somebody who is signed in. */
export function signedIn(title: string, path: string, name = 'Alice Adams') {
  return {
    ...around(title, path),
    nav: menu.map(([href, label]) => ({ href, label, current: href === path })),
    user: { name, initials: initials(name) },
    kitForm: 'the-mark-of-alices-pages',
    ends: {
      expiresAt: inHours(7.8).toISOString(),
      idleExpiresAt: inHours(0.5).toISOString(),
      returnTo: path,
    },
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

function farewell(provider: string, text: string[]) {
  const ended = [
    { what: signedOut.thisApp, how: 'ended' },
    { what: signedOut.tokens, how: 'ended' },
    { what: signedOut.provider('login.example.com'), how: provider },
  ];
  const { title } = signedOut;
  return { ...around(title, '/signed-out'), title, text, ended, signInHref: '/auth/login', follow: false };
}

/** Without the refresh, which would lead away from it. */
function onTheWay(purpose: keyof typeof leaving) {
  const { title, text } = leaving[purpose]('login.example.com');
  return { ...around(title, '/'), title, text, url: 'https://login.example.com/?a=1&b="2"' };
}

function message(name: string, status: number, model: object | undefined, withUser = false): GalleryState {
  const locals = withUser ? signedIn('', '') : around('', '');
  return { name, view: 'message', locals: { ...locals, status, ...model } };
}
