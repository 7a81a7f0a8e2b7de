import type { AroundPage } from './layout.ts';

/** Each name of the layout, of somebody who is signed in as of a visitor. */
type LayoutName = AroundPage extends infer Each ? (Each extends object ? keyof Each : never) : never;

/** Those that are a page's own: what it is called, and whom it is about. */
type PageName = 'title' | 'user';

/** With one more in the layout, this does not compile until it is here. */
const ofLayout: Record<Exclude<LayoutName, PageName>, true> = {
  lang: true,
  kitText: true,
  requestId: true,
  signInWith: true,
  signInHref: true,
  signUpHref: true,
  form: true,
  storeAway: true,
  nav: true,
  signedInAs: true,
  kitForm: true,
  ends: true,
};

/**
 * What the kit's partials act on: what the browser runs, where it goes on to, whose page it is, whether there is a button
 * to sign out. None of it comes from a page's model, which may contain a whole query or record of somebody's:
 * `{ ...req.query }` would let a link choose it (ASVS 1.3.7).
 */
export const kitNames: readonly string[] = [
  ...Object.keys(ofLayout),
  // Not on every page, or not the layout's. A test reads the partials: none of their names is missing.
  ...[
    'layout',
    'site',
    'asset',
    'script',
    'refresh',
    'follow',
    'asksToSignOut',
    'said',
    'tabTitle',
    'kitAddress',
  ],
];
