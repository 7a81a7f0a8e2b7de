import type { RequestHandler } from 'express';
import type { EndReason } from '../errors/end-reasons.ts';
import { english } from '../errors/language.ts';
import { pageTexts } from '../errors/texts/pages.ts';
import type { TextName, TextValues } from '../errors/texts.ts';
import { languageOf } from '../http/request-language.ts';
import { leaveForProvider } from '../provider/go-on.ts';
import { rememberChoice } from '../session/chosen-provider.ts';
import { authOf } from '../session/context.ts';
import { saySoon } from '../session/said.ts';
import { getUser } from '../session/user-session.ts';
import { leaveFarewell, newLogoutState } from '../sign-out/farewell.ts';
import { failureStates } from './gallery-failures.ts';
import { type GalleryState, list, type Scenes } from './gallery-list.ts';
import {
  alice,
  alike,
  elsewhere,
  elsewhereInPlaces,
  elsewhereOften,
  eve,
  longName,
  rightToLeft,
} from './gallery-people.ts';
import type { Scene } from './gallery-stage.ts';

/** Each page of the kit, in each state that it can be in. */
export function galleryStates(): GalleryState[] {
  return [
    ...list('Signing in', signingIn),
    ...list('The sessions page', ownSessions),
    ...list('Before a session ends', endings),
    ...list('Signed out', { ...signedOut, ...ended() }),
    ...failureStates(),
  ];
}

const chooser = '/auth/login?returnTo=%2Fprofile';

const signingIn: Scenes = {
  chooser: ['Choose between two providers', { at: chooser, providers: 2 }],
  'chooser-last-used': [
    'The one used last comes first',
    { at: chooser, providers: 2, before: used('google') },
  ],
  'chooser-many-providers': [
    'Six: long, right-to-left, like markup, without a label',
    { at: chooser, providers: 6, before: used('university') },
  ],
  'to-provider-sign-in': [
    'On the way to the provider',
    { at: '/auth/login', show: goOn('sign-in'), headers: { 'sec-fetch-site': 'cross-site' } },
  ],
  'third-party-start': [
    'Another site began the sign-in',
    { at: '/auth/initiate-login?iss=https%3A%2F%2Flogin.example.com&target_link_uri=%2Fprofile' },
  ],
  'other-site-link': [
    'A link on another site, while you are signed in',
    {
      ...{ at: '/auth/login/google?returnTo=%2Fprofile&switch=yes', user: alice, providers: 2 },
      headers: { 'sec-fetch-site': 'cross-site', referer: 'https://elsewhere.example.com/' },
    },
  ],
};

const ownSessions: Scenes = {
  sessions: ['On several devices', { at: '/sessions', user: alice, elsewhere }],
  'sessions-only-this': ['In this browser only', { at: '/sessions', user: alice }],
  'sessions-alike': ['Two that look the same', { at: '/sessions', user: alice, elsewhere: alike }],
  'sessions-sixty': [
    'Sixty sessions',
    {
      at: '/sessions',
      user: alice,
      elsewhere: elsewhereOften(59),
      lasts: { idleMinutes: 4_320, maxHours: 168 },
    },
  ],
  'sessions-everything': [
    'With places, at two providers',
    {
      at: '/sessions',
      user: { ...alice, place: 'Berlin, Germany' },
      providers: 2,
      elsewhere: elsewhereInPlaces,
    },
  ],
  'sessions-right-to-left': ['A right-to-left name', { at: '/sessions', user: rightToLeft, elsewhere }],
  'sessions-long-name': ['A very long name', { at: '/sessions', user: longName, elsewhere }],
  'sessions-hostile': ['A name that looks like markup', { at: '/sessions', user: eve }],
  said: ['After signing one out', says('sessions.said.session', { device: 'Safari on iPhone' })],
  'said-signed-in-again': ['After a step-up', says('said.signed-in-again')],
  'said-gone': ['It had ended already', says('sessions.said.gone')],
  'said-others': ['After signing out everywhere else', says('sessions.said.others', { count: 3 })],
  'said-no-others': ['There was no other', says('sessions.said.no-others')],
};

const endings: Scenes = {
  'session-ending': [
    'The longest time is nearly over',
    { at: '/sessions', user: { ...alice, left: 90 / 3_600 } },
  ],
  'session-ending-idle': [
    'Nothing was done for a while',
    { at: '/sessions', user: alice, show: endsIn({ idleExpiresAt: 90 }) },
  ],
  'session-ended': [
    'It has ended meanwhile',
    { at: '/sessions', user: alice, show: endsIn({ idleExpiresAt: -5, expiresAt: -5 }) },
  ],
};

const signedOut: Scenes = {
  'confirm-logout': ['Asks before signing out', { at: '/auth/logout', user: alice }],
  'to-provider': ['On the way to the provider', { at: '/auth/logout', form: '', show: goOn('sign-out') }],
  'signed-out': ['Here and at the provider', left({ sentToProvider: true, returns: true, revoked: true })],
  'signed-out-everywhere': ['Everywhere', left({ sentToProvider: true, returns: true, others: 3 })],
  'signed-out-provider-stays': ['The provider has no sign-out', left({ sentToProvider: false })],
  'signed-out-unknown': ['The provider did not send you back', left({ sentToProvider: true })],
  'signed-out-nobody': ['You were not signed in', { at: '/signed-out' }],
  'signed-out-still-signed-in': ['You are signed in', { at: '/signed-out', user: alice }],
  'signed-out-store-away': ['Nobody knows', { at: '/signed-out', storeAway: true }],
};

/** One for each text that says why a session ended. */
function ended(): Scenes {
  const reasons = Object.keys(pageTexts).flatMap(
    (key) => /^ended\.([a-z-]+)(?!.*\.one$)/.exec(key)?.[1] ?? [],
  );
  return Object.fromEntries(
    [...new Set(reasons)].map((reason) => [
      `signed-out-${reason}`,
      [
        english.text(`ended.${reason}` as TextName, { count: 30 }),
        { at: '/signed-out?returnTo=%2Fprofile', ended: reason as EndReason },
      ],
    ]),
  );
}

/** Back from a sign-out. */
function left(after: {
  sentToProvider: boolean;
  returns?: boolean;
  revoked?: boolean;
  others?: number;
}): Scene {
  const { sentToProvider, returns = false, ...more } = after;
  const state = newLogoutState();
  return {
    at: returns ? `/signed-out?state=${state}` : '/signed-out',
    before: (req, res) => {
      const { context } = authOf(req);
      const provider = context.providers.all[0].name;
      leaveFarewell(res, context, { provider, state, sentToProvider, stateReturns: sentToProvider, ...more });
    },
  };
}

/** On the page that comes after a form. */
function says(key: TextName, values?: TextValues): Scene {
  return {
    ...{ at: '/sessions', user: alice },
    before: (req, res) => {
      const user = getUser(req);
      const sentence = languageOf(req).text(key, values);
      if (user) saySoon(req, res, user, { path: '/sessions', isPage: true, sentence });
    },
  };
}

function goOn(purpose: 'sign-in' | 'sign-out'): RequestHandler {
  return (req, res) => {
    const { label } = authOf(req).context.providers.all[0];
    leaveForProvider(req, res, { url: new URL('https://login.example.com/?a=1&b="2"'), label, purpose });
  };
}

function used(name: string): NonNullable<Scene['before']> {
  return (req, res) => {
    const provider = authOf(req).context.providers.named(name);
    if (provider) rememberChoice(req, res, provider);
  };
}

/** So many seconds from when the page is looked at. */
function endsIn(seconds: Readonly<Record<string, number>>): RequestHandler {
  return (_req, res, next) => {
    const { layout } = res.locals;
    res.locals.layout = async () => {
      const printed = await layout();
      const times = Object.entries(seconds).map(([name, left]) => [
        name,
        new Date(Date.now() + left * 1_000).toISOString(),
      ]);
      return { ...printed, ends: { ...printed.ends, ...Object.fromEntries(times) } };
    };
    next();
  };
}
