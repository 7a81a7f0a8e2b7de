import type { RequestHandler } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { english } from '../errors/language.ts';
import type { Message } from '../errors/message.ts';
import { forbidden, refuse, unavailable } from '../errors/page-errors.ts';
import { plainPages } from '../errors/plain-pages.ts';
import { type Refusal, type SignInFailure, signInFailures } from '../errors/reasons.ts';
import { failureTexts } from '../errors/texts/failures.ts';
import { requestTexts } from '../errors/texts/requests.ts';
import type { TextName } from '../errors/texts.ts';
import { requireAuth } from '../guard/require-auth.ts';
import { wrongMethod } from '../http/methods.ts';
import { definePage, type Page } from '../pages/page.ts';
import { authOf } from '../session/context.ts';
import { withNewStart } from '../sign-in/login.ts';
import { type GalleryState, list, type Scenes } from './gallery-list.ts';
import { alice, bob, eve, longName, manyRoles, noRoles } from './gallery-people.ts';
import type { Scene } from './gallery-stage.ts';

/** Each page of a failure: those made by hand show its parts, the others are one for each text of the catalogue. */
export function failureStates(): GalleryState[] {
  const own = { ...notSaved, ...mayNot };
  const plain = plainFailures(new Set(Object.keys(own)));
  return [
    ...list('Refused', { ...own, ...others, ...refusals() }),
    ...list('Failed requests', plain),
    ...list('Refused, as a developer sees it', explained).map((state) => ({ ...state, explains: true })),
    ...list('Failed sign-ins', { ...turnedDown, ...signIns() }),
  ];
}

/** A page with a form. It is in no menu. */
export const examplePage: Page = definePage({
  path: '/example',
  title: 'Example',
  access: 'signed-in',
  view: 'message',
  actions: { send: { run: () => '/example' } },
});

const fields = new URLSearchParams([
  ['text', '"><script>alert(1)</script>'],
  ['text', 'two hours of work'],
  ['password', 'secret'],
]).toString();

const send = { at: '/example/send', form: fields };

const unmarked: Scene = { at: '/example/send', form: 'text=1', user: bob };

const notSaved: Scenes = {
  'error-401-held-form': ['The form can be sent again', send],
  'error-401-held-form-ended': ['The same, and why nobody is signed in', { ...send, ended: 'operator' }],
  'error-401-not-saved': ['The form cannot be kept', { ...send, headers: { 'content-type': 'text/plain' } }],
  'error-403-other-person': [
    'A form of somebody else',
    { at: '/example/send', form: 'kit-form=of-somebody-else', user: bob },
  ],
  'error-403-unmarked': ['A form that names nobody', unmarked],
};

const mayNot: Scenes = {
  'error-403': ['Needs a role', guarded({ roles: 'admin' })],
  'error-403-one-of-roles': ['Needs one of several roles', guarded({ roles: ['admin', 'auditor'] })],
  'error-403-all-roles': ['Needs all of several roles', guarded({ allRoles: ['admin', 'auditor'] })],
  'error-403-scopes': ['Needs scopes', guarded({ scopes: ['notes.read', 'notes.write'] })],
  'error-403-long-name': [
    'To somebody with a long name',
    { ...guarded({ roles: 'auditor' }), user: longName },
  ],
  'error-403-hostile-name': [
    'To somebody with a hostile name',
    { ...guarded({ roles: 'auditor' }), user: eve },
  ],
  'error-403-many-roles': [
    'To somebody with many roles',
    { ...guarded({ roles: 'admin' }), user: manyRoles },
  ],
  'error-403-other-provider': [
    'Needs an account of another provider',
    { ...guarded({ providers: 'google' }), providers: 2 },
  ],
  'error-403-one-of-providers': [
    'Needs one of several providers',
    { ...guarded({ providers: ['google', 'university'] }), providers: 3 },
  ],
  'error-403-by-rule': ['By a rule of the site', guarded({ allow: () => false })],
  'error-403-why': [
    'In words of the site',
    failing(() => forbidden('This note belongs to somebody else.'), bob),
  ],
  'error-404-signed-in': ['Signed in', { at: '/no-such-page', user: alice }],
  'error-503-signed-in': ['Signed in', failing(() => unavailable(), alice)],
};

/** What `npm run dev` adds for the developer. */
const explained: Scenes = {
  'development-403-roles': ['Roles', guarded({ roles: 'admin' })],
  'development-403-scopes': ['Scopes', guarded({ scopes: ['notes.read'] })],
  'development-403-claims': ['Claims', guarded({ claims: () => false })],
  'development-403-provider': ['Provider', { ...guarded({ providers: 'google' }), providers: 2 }],
  'development-403-no-roles': ['No roles', { ...guarded({ roles: 'admin' }), user: noRoles }],
  'development-403-view': ['A view without /kit/form', unmarked],
  'development-403-route': ['A route without it', { ...unmarked, show: requireAuth({ ownPage: true }) }],
  'development-500': ['An error in a page', failing(() => new Error('a mistake in a page'), alice)],
  'development-500-view': ['An error in a view', failing(brokenView, alice)],
  'development-502': ['An answer of the provider', signingIn(wrongSecret)],
};

const others: Scenes = {
  'refused-issuer_unknown': [
    'A provider that the settings do not name',
    { at: '/auth/initiate-login?iss=https%3A%2F%2Felsewhere.example.com' },
  ],
  'error-405-form-address': [
    'The address of a form',
    { at: '/example/send', user: alice, show: (_req, _res, next) => next(wrongMethod('/example')) },
  ],
  'error-503-store': ['Nobody can be looked up', { at: '/sessions', storeAway: true }],
  'error-404-store-away': [
    'Another page, while nobody can be looked up',
    { at: '/no-such-page', storeAway: true },
  ],
};

const turnedDown: Scenes = {
  'sign-in-access_denied-several': [
    'With several providers',
    { ...signingIn('access_denied'), providers: 3 },
  ],
  'sign-in-not_admitted-why': [
    'In words of the site',
    signingIn(() =>
      Object.assign(refuse('Ask your team leader for an account.'), {
        about: { iss: 'https://login.example.com', sub: 'bob', name: 'Bob Baker' },
      }),
    ),
  ],
  'sign-in-set_up': ['Only the people who run this site can help', signingIn(wrongSecret)],
  'sign-in-store': ['Nobody can be looked up', { at: '/auth/callback?state=x&code=y', storeAway: true }],
  'sign-in-cookies-blocked': ['Without any cookie', { at: '/auth/callback?state=x&code=y' }],
  'sign-in-not_fresh-signed-in': ['Not fresh, while signed in', { ...signingIn('not_fresh'), user: alice }],
};

/** The names of the pages in a part of the catalogue: `not_found`. */
function namesIn(texts: object): string[] {
  return Object.keys(texts).flatMap((key) => /^error\.(\w+)\.title$/.exec(key)?.[1] ?? []);
}

/** One for each text about a sign-in that failed. */
function signIns(): Scenes {
  const names = namesIn(failureTexts).filter((name): name is SignInFailure => name in signInFailures);
  return scenes(names, 'sign-in', (reason) => [titleOf(reason), signingIn(reason)]);
}

/** One for each text about a request that was turned away, but those that are made by the app's own routes above. */
function refusals(): Scenes {
  const shown = ['work_not_saved', 'forbidden', 'other_persons_page', 'unmarked_page'];
  const made = ['issuer_unknown', 'store_away', 'sign_in_store_away', 'set_up', ...shown];
  const names = namesIn(failureTexts).filter((name) => !(name in signInFailures) && !made.includes(name));
  return scenes(names as Refusal[], 'refused', (reason) => [
    titleOf(reason),
    failing(() => new AuthError(reason), reason === 'sign_in_first' ? undefined : alice),
  ]);
}

const statuses: Readonly<Record<string, number>> = {
  ...{ wrong_method: 405, other_site: 403, too_many: 429, broken: 500, unavailable: 503 },
  ...Object.fromEntries(
    Object.entries(plainPages.byStatus).map(([status, page]) => [nameOf(page), Number(status)]),
  ),
  not_understood: 400,
};

/** One for each text about a request that failed: `error-404`, or with its name where there are several. */
function plainFailures(taken: ReadonlySet<string>): Scenes {
  const pages = [...Object.values(plainPages), ...Object.values(plainPages.byStatus), plainPages.tooMany(42)];
  const known = new Map(pages.flatMap((page) => (isMessage(page) ? [[nameOf(page), page] as const] : [])));
  return Object.fromEntries(
    namesIn(requestTexts).map((name) => {
      const status = statuses[name] ?? 400;
      const short = `error-${status}`;
      const page = known.get(name) ?? bare(name);
      const scene = failing(() => Object.assign(new Error(name), { status, page }));
      return [taken.has(short) ? `${short}-${name}` : short, [titleOf(name), scene]];
    }),
  );
}

function titleOf(name: string): string {
  return english.text(`error.${name}.title` as TextName);
}

function nameOf({ title }: Message): string {
  return typeof title === 'string' ? title : (title.key.split('.')[1] ?? '');
}

function isMessage(page: unknown): page is Message {
  return typeof page === 'object' && page !== null && 'title' in page;
}

/** Of a text that nothing prints by this list yet. */
function bare(name: string): Message {
  return {
    title: { key: `error.${name}.title` as TextName },
    text: [{ key: `error.${name}.text` as TextName }],
  };
}

function scenes<Name extends string>(
  names: readonly Name[],
  group: string,
  make: (name: Name) => Scenes[string],
): Scenes {
  return Object.fromEntries(names.map((name) => [`${group}-${name}`, make(name)]));
}

function guarded(rule: Parameters<typeof requireAuth>[0]): Scene {
  return { at: '/example', user: bob, show: requireAuth(rule) };
}

function failing(error: () => Error, user?: Scene['user']): Scene {
  return { at: '/example', ...(user && { user }), show: (_req, _res, next) => next(error()) };
}

/** As EJS throws it while developing. */
function brokenView(): Error {
  const lines = ['    1| <h1>Your booking</h1>', ' >> 2| <p><%= booking.date %></p>', '    3| <hr>'];
  return new ReferenceError(`views/booking.ejs:2\n${lines.join('\n')}\n\nbooking is not defined`);
}

function wrongSecret(): Error {
  const hint = 'invalid_client: OIDC_CLIENT_ID, the secret or OIDC_CLIENT_AUTH is not what the provider has';
  return new AuthError('token_refused', { hint, setUp: true });
}

/** As /auth/callback fails. */
function signingIn(failure: SignInFailure | (() => Error)): Scene {
  const show: RequestHandler = (req, _res, next) => {
    const error = typeof failure === 'string' ? new AuthError(failure) : failure();
    const provider = authOf(req).context.providers.all[0];
    next(withNewStart(req, error, { returnTo: '/profile', provider }));
  };
  return { at: '/auth/callback', show };
}
