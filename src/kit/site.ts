import type { Router } from 'express';
import type { OwnSettings, OwnValues } from './config/own-settings.ts';
import type { SiteTexts } from './errors/texts.ts';
import type { PolicyAdditions } from './http/policy-additions.ts';
import type { Log } from './log/index.ts';

/**
 * An app, in one place: all that the kit knows of it. Every part but `name` and `pages` may be left out.
 *
 * @template S the site's own settings, by name
 * @template D what `open` gives as `data`
 */
export interface SiteDefinition<S extends OwnSettings, D> {
  /** In the header of each page, and behind its title. */
  name: string;
  /** Whom a person can ask: a `mailto:` or an https address. On every error page and in the footer. */
  help?: string;
  /** Settings of the site's own, checked with the kit's before the start. The doctor shows them. */
  settings?: S;
  /**
   * Opens what the site works with, before the app listens; what it throws stops the start. `close` is called after the
   * last answer.
   */
  open?: (at: { settings: OwnValues<S>; log: Log }) => Opened<D> | Promise<Opened<D>>;
  /**
   * The pages, in the order of the menu: what `definePage` returns, in an array. (Typed as `any`, because a page may use
   * the type of this very site: TypeScript would go in circles. The start looks at each.)
   */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  pages: (at: { settings: OwnValues<S> }) => any;
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

/** What `defineSite` returns. */
export interface Site<S extends OwnSettings = OwnSettings, D = unknown> extends SiteDefinition<S, D> {
  /** Never there: it carries the types of `data` and `settings` to the pages. */
  readonly types?: { data: D; settings: OwnValues<S> };
}

/** Whatever site it is: what the kit works with. */
// biome-ignore lint/suspicious/noExplicitAny: the pages of a site know its types, the kit does not
export type AnySite = Site<any, any>;

/** Returns the site as it is; written so that `data` and `settings` get their types. */
export function defineSite<const S extends OwnSettings = Record<never, never>, D = undefined>(
  site: SiteDefinition<S, D>,
): Site<S, D> {
  return site;
}
