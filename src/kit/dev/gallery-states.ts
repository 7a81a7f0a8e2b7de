import { endedText } from '../errors/ended-text.ts';
import { inWords } from '../errors/in-words.ts';
import { english, type Language, say, sayParagraphs } from '../errors/language.ts';
import type { Message } from '../errors/message.ts';
import { confirmLink, confirmLogout, confirmThirdPartyStart, leaving } from '../errors/questions.ts';
import type { Text } from '../errors/texts.ts';
import { emptyForm } from '../pages/forms/page-form.ts';
import { initials } from '../pages/person.ts';
import { layOutSessions } from '../pages/sessions.ts';
import type { Device } from '../sign-out/devices.ts';
import { failureStates } from './gallery-failures.ts';

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
    { name: 'sessions-everything', view: 'sessions', locals: sessions(5, language, true) },
    { name: 'sessions-sixty', view: 'sessions', locals: sessions(60, language, true) },
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
        kind: 'access',
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
          ends: { ...sessions(1, language).ends, idleExpiresAt: soon, expiresAt: late },
        };
      },
    },
    {
      name: 'said',
      view: 'sessions',
      locals: { ...sessions(1, language), said: language.text('ending.stayed') },
    },
    { name: 'chooser', view: 'chooser', locals: chooser(2, undefined, language) },
    { name: 'chooser-last-used', view: 'chooser', locals: chooser(2, 'google', language) },
    { name: 'chooser-five-providers', view: 'chooser', locals: chooser(5, 'university', language) },
    { name: 'to-provider', view: 'to-provider', locals: onTheWay('sign-out', language) },
    { name: 'to-provider-sign-in', view: 'to-provider', locals: onTheWay('sign-in', language) },
    message('confirm-logout', 200, confirmLogout('Contoso'), true),
    message('other-site-link', 200, confirmLink('/auth/login/google?returnTo=%2Fprofile'), true),
    message('third-party-start', 200, confirmThirdPartyStart({ target_link_uri: '/profile' }, 'Contoso')),
    ...failureStates.map(([name, status, page, withUser]) => message(name, status, page, withUser)),
  ];
}

/** What the layout prints for a visitor. */
export function around(title: string, path: string, language: Language = english) {
  return {
    ...{ title, path, requestId: '5d1f0c9e-7a43-4c1b-9d2e-0b6f2a8c4e17' },
    lang: language.tag,
    kitText: language.text,
    signInWith: [provider],
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
      idleMinutes: 30,
      returnTo: path,
      loginPath: '/auth/login',
    },
  };
}

const devicesSeen = [
  ['Firefox on Linux', 'computer', 'Berlin, Germany'],
  ['Safari on iPhone', 'phone', 'Zürich, Switzerland'],
  ['An unknown browser', undefined, undefined],
  ['Samsung Internet on Android', 'tablet', 'תל אביב, ישראל'],
  [
    'Edge on Windows',
    'computer',
    'Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch, Anglesey, Wales',
  ],
] as const;

/**
 * The first is this browser. Of many, each five are like the first five, and two of them signed in within a minute.
 *
 * @param everything with places, and with one of two providers each
 */
function sessions(count: number, language: Language, everything = false) {
  const many = count > devicesSeen.length;
  const limits = many ? { idleMinutes: 4_320, maxHours: 168 } : { idleMinutes: 30, maxHours: 8 };
  const all = Array.from({ length: count }, (_, n): Device => {
    const [device, kind, place] = devicesSeen[n % devicesSeen.length] ?? devicesSeen[0];
    const hours = 1.3 + (many ? (n === 6 ? 1 : n) / 2 : 1.5 * n);
    return {
      ...{ handle: `handle-${n}`, current: n === 0, device, kind },
      ...(everything
        ? { place, provider: n % 2 ? 'Google' : 'Contoso' }
        : { place: undefined, provider: undefined }),
      since: inHours(-hours),
      lastSeen: inHours(many ? -n / 2 : -n / 12),
      expires: inHours(limits.maxHours - hours),
    };
  });
  const title = language.text('sessions.title');
  return { ...signedIn(title, '/sessions', language), ...layOutSessions(all, limits, language) };
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
    ...{ kind: 'success', ended, signInHref: '/auth/login', follow: false },
  };
}

/** Two that are short, one that is as long as a label may be, one that looks like markup, and a host. */
const labels = {
  work: 'Contoso',
  google: 'Google',
  university: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunte',
  partner: 'The Royal Society of Partners, Suppliers & <b>Others</b>',
  local: 'login.internal.example.com:8443',
};

/** @param last the name of the one that was used last, which is the first on the page */
function chooser(count: number, last: string | undefined, language: Language) {
  const providers = Object.entries(labels)
    .slice(0, count)
    .map(([name, label]) => ({
      ...{ name, label, last: name === last },
      href: `/auth/login/${name}?returnTo=%2Fprofile`,
    }))
    .sort((a, b) => Number(b.last) - Number(a.last));
  return { ...around(language.text('chooser.title'), '/auth/login', language), providers };
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
