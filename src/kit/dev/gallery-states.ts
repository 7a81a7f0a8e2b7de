import { endedText } from '../errors/ended-text.ts';
import { failurePage } from '../errors/failure-pages.ts';
import { inWords } from '../errors/in-words.ts';
import { english, type Language, say, sayParagraphs } from '../errors/language.ts';
import type { Message } from '../errors/message.ts';
import { plainPages } from '../errors/plain-pages.ts';
import { confirmLogout, confirmThirdPartyStart, leaving } from '../errors/questions.ts';
import type { Text } from '../errors/texts.ts';
import { emptyForm } from '../pages/forms/page-form.ts';
import { initials } from '../pages/person.ts';
import { ago, dateTime } from '../pages/time.ts';
import { deviceText } from '../session/device-names.ts';

/** One page in one state, with all that its view prints. */
export interface GalleryState {
  name: string;
  view: string;
  locals: Record<string, unknown>;
}

const now = Date.now();
export const inHours = (hours: number) => new Date(now + hours * 3_600_000);
const provider = 'login.example.com';

/** Each of the kit's pages, in each state that it can be in. */
export function galleryStates(language: Language = english): GalleryState[] {
  const limits = { idleMinutes: 30, maxHours: 8, provider: { host: provider } };
  const message = (name: string, status: number, page: Message | undefined, withUser = false) => ({
    ...{ name, view: 'message' },
    locals: {
      ...(withUser ? signedIn('', '', language) : around('', '', language)),
      ...{ status, ...(page && inWords(page, language)) },
    },
  });
  return [
    { name: 'sessions', view: 'sessions', locals: sessions(3, language) },
    { name: 'sessions-only-this', view: 'sessions', locals: sessions(1, language) },
    { name: 'signed-out', view: 'signed-out', locals: farewell('ended', [], language) },
    {
      name: 'signed-out-provider-stays',
      view: 'signed-out',
      locals: farewell('still-there', [{ key: 'signed-out.provider-stays', values: { provider } }], language),
    },
    {
      name: 'signed-out-idle',
      view: 'signed-out',
      locals: {
        ...farewell('unknown', [endedText('idle', limits, undefined)], language),
        title: language.text('signed-out.ended'),
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
          ...sessions(1, language),
          ends: { idleExpiresAt: soon, expiresAt: late, returnTo: '/sessions' },
        };
      },
    },
    {
      name: 'said',
      view: 'sessions',
      locals: { ...sessions(1, language), said: language.text('ending.stayed') },
    },
    { name: 'to-provider', view: 'to-provider', locals: onTheWay('sign-out', language) },
    { name: 'to-provider-sign-in', view: 'to-provider', locals: onTheWay('sign-in', language) },
    message('confirm-logout', 200, confirmLogout('Contoso'), true),
    message('third-party-start', 200, confirmThirdPartyStart({ target_link_uri: '/profile' }, 'Contoso')),
    ...messages.map(([name, status, page, withUser]) => message(name, status, page, withUser)),
  ];
}

const messages: [name: string, status: number, page: Message | undefined, withUser?: boolean][] = [
  [
    'error-403-other-person',
    403,
    {
      ...failurePage('other_persons_page'),
      action: { label: { key: 'button.open-again' }, href: '/sessions' },
    },
    true,
  ],
  ['error-401-not-saved', 401, failurePage('work_not_saved')],
  [
    'error-401-held-form',
    401,
    {
      ...failurePage('work_not_saved'),
      text: [{ key: 'held-form.text' }, { key: 'held-form.secrets' }],
      action: { label: { key: 'button.sign-in' }, href: '/auth/login?returnTo=%2Fbookings', newTab: true },
      other: {
        label: { key: 'button.send-again' },
        post: '/bookings/add',
        fields: [
          ['text', '"><script>alert(1)</script>'],
          ['text', 'two hours of work'],
        ],
      },
    },
  ],
  [
    'error-403',
    403,
    {
      ...failurePage('forbidden'),
      text: [{ key: 'error.needed.role', values: { role: 'admin' } }],
      facts: [{ label: { key: 'error.signed-in-as' }, value: 'Alice Adams' }],
    },
    true,
  ],
  ['error-404', 404, plainPages.notFound, true],
  ['error-405', 405, plainPages.wrongMethod],
  ['error-413', 413, plainPages.byStatus[413]],
  ['error-429', 429, plainPages.tooMany(42)],
  ['error-500', 500, plainPages.broken],
  ['error-503-store', 503, failurePage('store_away')],
  [
    'sign-in-not-let-in',
    403,
    {
      ...failurePage('access_denied'),
      other: { label: { key: 'button.use-another-account' }, post: '/auth/initiate-login' },
    },
  ],
  ['sign-in-expired', 400, failurePage('login_expired')],
  ['sign-in-already-used', 400, failurePage('state_unknown')],
  ['sign-in-provider-down', 503, failurePage('provider_unreachable')],
  ['sign-in-clock', 502, failurePage('clock')],
  ['sign-in-loop', 400, failurePage('loop')],
  ['sign-in-not-fresh', 403, failurePage('not_fresh'), true],
];

/** What the layout prints for a visitor. */
export function around(title: string, path: string, language: Language = english) {
  return {
    ...{ title, path, requestId: '5d1f0c9e-7a43-4c1b-9d2e-0b6f2a8c4e17' },
    lang: language.tag,
    kitText: language.text,
    form: emptyForm,
  };
}

/** The same for somebody who is signed in. */
export function signedIn(title: string, path: string, language: Language = english, name = 'Alice Adams') {
  const menu = [
    ['/', 'Home'],
    ['/sessions', language.text('sessions.nav')],
  ];
  return {
    ...around(title, path, language),
    nav: menu.map(([href, label]) => ({ href, label, current: href === path })),
    user: { name, initials: initials(name) },
    signedInAs: { name, initials: initials(name) },
    kitForm: 'the-mark-of-alices-pages',
    ends: {
      expiresAt: inHours(7.8).toISOString(),
      idleExpiresAt: inHours(0.5).toISOString(),
      returnTo: path,
    },
  };
}

function sessions(count: number, language: Language) {
  const devices = ['Firefox on Linux', 'Safari on iPhone', 'An unknown browser']
    .slice(0, count)
    .map((device, n) => ({
      handle: `handle-${n}`,
      device: say(deviceText(device), language),
      current: n === 0,
      since: dateTime(inHours(-1 - 40 * n), language),
      lastSeen: { ...dateTime(inHours(-n), language), ago: ago(inHours(-n), language) },
    }));
  const title = language.text('sessions.title');
  return { ...signedIn(title, '/sessions', language), devices, others: count - 1 };
}

function farewell(atProvider: 'ended' | 'still-there' | 'unknown', text: Text[], language: Language) {
  const ended = [
    {
      what: language.text('signed-out.this-site'),
      how: 'ended',
      state: language.text('signed-out.how.ended'),
    },
    {
      what: language.text('signed-out.access'),
      how: 'ended',
      state: language.text('signed-out.how.revoked'),
    },
    {
      what: language.text('signed-out.at-provider', { provider }),
      how: atProvider,
      state: language.text(`signed-out.how.${atProvider}`),
    },
  ];
  return {
    ...around(language.text('signed-out.title'), '/signed-out', language),
    text: sayParagraphs(text, language),
    ...{ ended, signInHref: '/auth/login', follow: false },
  };
}

/** Without the refresh, which would lead away from it. */
function onTheWay(purpose: 'sign-in' | 'sign-out', language: Language) {
  const { title, text } = leaving(purpose, provider);
  return {
    ...around(say(title, language), '/', language),
    text: sayParagraphs(text, language),
    url: 'https://login.example.com/?a=1&b="2"',
  };
}
