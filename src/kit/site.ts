import type { Router } from 'express';
import type { OwnSettings, OwnValues } from './config/own-settings.ts';
import type { SiteTexts, Words } from './errors/texts.ts';
import type { PolicyAdditions } from './http/policy-additions.ts';
import type { Log } from './log/index.ts';
import type { Admission, PlaceContext, SignInContext } from './session/sign-in-hook.ts';

/**
 * An app, in one place: all that the kit knows of it. Every part but `name` and `pages` may be left out.
 *
 * @template S the site's own settings, by name
 * @template D what `open` gives as `data`
 * @template R what `signIn` returns
 * @template A the names of the site's APIs
 */
export interface SiteDefinition<S extends OwnSettings, D, R = unknown, A extends string = string> {
  /** In the header of each page, and behind its title. A text, or one for each language, as the next two. */
  name: Words;
  /** What the app is for, in one sentence: on the home page, and as `<meta name="description">`. */
  description?: Words;
  /** Whom a person can ask: a `mailto:` or an https address. On every error page and in the footer. */
  help?: Words;
  /** Settings of the site's own, checked with the kit's before the start. The doctor shows them. */
  settings?: S;
  /**
   * Opens what the site works with, before the app listens; what it throws stops the start. `close` is called after the
   * last answer. Write it above `signIn`, `place`, `routes` and `publicRoutes`: TypeScript reads from top to bottom, and
   * what is above does not know the type of `data`.
   */
  open?: (at: { settings: OwnValues<S>; log: Log }) => Opened<D> | Promise<Opened<D>>;
  /**
   * The pages, in the order of the menu: what `definePage` returns, in an array. (Typed as `any`, because a page may use
   * the type of this very site: TypeScript would go in circles. The start looks at each.)
   */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  pages: (at: { settings: OwnValues<S> }) => any;
  /**
   * Who may come in, and what they are here. Called at each sign-in, before there is a session, and again at each
   * recheck (`reason`). May throw `refuse('…')`. At a sign-in an error, or more than five seconds, lets nobody in.
   */
  signIn?: (at: SignInContext<D, OwnValues<S>>) => R;
  /**
   * Roughly where somebody signs in, such as "Berlin, Germany", for their page of sessions. Called once at each sign-in,
   * after its checks. Cut to 80 characters; an error, or more than a second, means no place. Have it read only what your
   * own proxy sets: anybody can send a header.
   */
  place?: (at: PlaceContext<D, OwnValues<S>>) => string | undefined | Promise<string | undefined>;
  /**
   * The APIs that are called as the user, by a name of yours: `fetchApi('notes', '/path')`. One without `url` is not
   * set up.
   */
  apis?: (at: { settings: OwnValues<S> }) => Readonly<Record<A, ApiDefinition>>;
  /** Plain Express, behind `requireAuth()`. The kit's addresses, the pages and `publicRoutes` win. */
  routes?: (router: Router, at: { data: D; settings: OwnValues<S>; log: Log }) => void;
  /** Plain Express, for everyone. The kit's addresses and the pages win. */
  publicRoutes?: (router: Router, at: { data: D; settings: OwnValues<S>; log: Log }) => void;
  /**
   * Which parameters of a link to /auth/login go on to the provider: `name`, or `name=value` for that value only. Without
   * it: login_hint, ui_locales, prompt=create and prompt=select_account. What is not named is dropped.
   */
  loginParameters?: readonly string[];
  /** What pages may load from other https origins, added to the kit's content security policy. */
  contentSecurityPolicy?: PolicyAdditions;
  /**
   * Other words for the kit's own, by language and key: `{ de: { 'signed-out.title': 'Bis bald' } }`. Pages are answered
   * in the language that the browser asks for among these; the first one is for everybody else. Without `texts` all is
   * in English. docs/texts.md lists the keys.
   */
  texts?: SiteTexts;
}

export interface Opened<D> {
  data: D;
  close?: () => unknown;
}

export interface ApiDefinition {
  /** Its address; https, or http on this machine. Every path lies below it. */
  url: string | URL | undefined;
  /**
   * The providers whose access tokens it takes, by their names in OIDC_PROVIDERS; left out, the first. Whoever signed in
   * at another one gets a 403, and no token of theirs goes there.
   */
  providers?: string | readonly string[];
  /**
   * Scopes that say which API an access token is for (Microsoft Entra). With any of `scope`, `resource` and `audience`
   * the API gets an access token of its own by the refresh token; without, the one of the sign-in.
   */
  scope?: string | undefined;
  /** The API's name as a resource (RFC 8707), an address. Each sign-in asks for it, with its `scope`. */
  resource?: string | undefined;
  /** The API's name as an audience (Auth0). */
  audience?: string | undefined;
  /** Gets its access token by token exchange (RFC 8693), for the sign-in's access token. */
  exchange?: boolean | undefined;
  /**
   * An address of this app, such as `/api/notes`, where scripts of the app's own pages reach the API: their requests
   * pass with the user's access token.
   */
  proxy?: string | undefined;
  /** Header names that pass through `proxy` besides the usual ones. */
  requestHeaders?: readonly string[];
  /** Header names of the API's answers that pass through `proxy` besides the usual ones. */
  answerHeaders?: readonly string[];
}

/** What `signIn` may return, at once or later; a function without `return` has the type void. */
// biome-ignore lint/suspicious/noConfusingVoidType: see above
type Admitted = Admission | undefined | void;

/** Of all that a `signIn` returns, what it gives as `member`; undefined where one of its answers has none. */
type MemberOf<R> = Awaited<R> extends infer T ? (T extends { member: infer M } ? M : undefined) : never;

/** What `defineSite` returns. */
export interface Site<
  S extends OwnSettings = OwnSettings,
  D = unknown,
  R = unknown,
  A extends string = string,
> extends SiteDefinition<S, D, R, A> {
  /** Never there: it carries these types to the pages. */
  readonly types?: { data: D; settings: OwnValues<S>; member: MemberOf<R>; api: A };
}

/** Whatever site it is: what the kit works with. */
// biome-ignore lint/suspicious/noExplicitAny: the pages of a site know its types, the kit does not
export type AnySite = Site<any, any, any, any>;

/** Returns the site as it is; written so that `data`, `settings` and `member` get their types. */
export function defineSite<
  const S extends OwnSettings = Record<never, never>,
  D = undefined,
  R extends Admitted | Promise<Admitted> = undefined,
  A extends string = never,
>(site: SiteDefinition<S, D, R, A>): Site<S, D, R, A> {
  return site;
}
