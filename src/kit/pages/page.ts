import type { Words } from '../errors/texts.ts';
import type { Rule } from '../guard/rules.ts';
import type { Settings } from '../session/register.ts';
import type { RequestContext } from '../session/request-context.ts';
import type { User } from '../session/user.ts';
import type { FormSchema, ValuesOf } from './forms/schema.ts';

/** Who may see a page: everyone, whoever is signed in, or whom a rule lets in. */
export type Access = 'everyone' | 'signed-in' | Rule;

/** What models and actions are handed. */
export interface PageContext<Path extends string = string> extends RequestContext {
  user: User;
  params: Readonly<Record<NamesIn<Path>, string>>;
}

/** What the model of a page for everyone is handed: there may be no user. */
export type PublicPageContext<Path extends string = string> = Omit<PageContext<Path>, 'user'> & {
  user: User | undefined;
};

interface Described<Path extends string> {
  /** Where it is: `/notes`, or with parameters `/notes/:id`. */
  path: Path;
  /** A text, or one for each language: `{ en: 'Bookings', de: 'Buchungen' }`. */
  title: Words;
  /** The file in `views/`, without its ending. */
  view: string;
  /** Its name in the menu, which shows it to whoever may open it. A path with parameters has none. */
  nav?: [NamesIn<Path>] extends [never] ? Words : string extends Path ? Words : NoNavWithParameters;
  /** Left out, the page is always there. Where it says no, its address leads nowhere. */
  when?: (at: { settings: Settings }) => boolean;
  /** A script of its own, from `public/`: `/notes.js`. */
  script?: `/${string}`;
}

/** Matches nothing. TypeScript prints its name where a page with parameters is given a `nav`. */
interface NoNavWithParameters {
  never: never;
}

// A model returns what its view prints as `page`. It is not written as `object`: TypeScript would then have to know what
// a model returns before it knows the site, whose type a model may use.

/** Seen by everyone, so there may be no user. */
export interface PublicPage<Path extends string = string> extends Described<Path> {
  access: 'everyone';
  // biome-ignore lint/suspicious/noExplicitAny: see above
  model?: (at: PublicPageContext<Path>) => any;
}

/**
 * Seen only by those the rule lets in, so there is always a user: the type says so.
 *
 * @template Forms the schema of each action's form, by the action's name
 */
// biome-ignore lint/suspicious/noExplicitAny: what forms a page has matters to its own actions only
export interface ProtectedPage<Path extends string = string, Forms = any> extends Described<Path> {
  access: 'signed-in' | Rule;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  model?: (at: PageContext<Path>) => any;
  /** The forms that this page posts: `end` is `POST <path>/end`. */
  actions?: { [Name in keyof Forms]: PageAction<Path, Forms[Name]> };
}

// biome-ignore lint/suspicious/noExplicitAny: as above
export interface PageAction<Path extends string = string, Form = any> {
  /** Left out, whoever may see the page may do this. */
  access?: Rule;
  /**
   * The fields of the form, as a zod object: `z.object({ text: z.string().max(500) })`. `run` is called only with values
   * that pass, and is handed them as `values`. When they do not, the page is printed again with 422, and its view finds
   * in `page.form` what was typed and what is wrong.
   */
  form?: Form & FormSchema;
  /**
   * Does it, and returns where to go next: a path of this app, to which the browser is redirected (303). Else `/`.
   * With `{ to: '/bookings', say: 'Your table is booked.' }` the page at that path says one sentence to its person, once.
   */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  run: (at: PageContext<Path> & { values: ValuesOf<Form> }) => any;
}

/** A page, whatever its path. */
// biome-ignore lint/suspicious/noExplicitAny: which parameters a path has matters to its own model only
export type Page = PublicPage<any> | ProtectedPage<any>;

const defined = new WeakSet<object>();

/** Returns the page as it is; written so that `user`, `params`, `values`, `data` and `settings` get their types. */
export function definePage<const Path extends string>(page: PublicPage<Path>): PublicPage<Path>;
export function definePage<const Path extends string, Forms>(
  page: ProtectedPage<Path, Forms>,
): ProtectedPage<Path>;
/**
 * Takes nothing that the two above do not take. Where none fits, TypeScript explains why the last one does not: this one
 * knows by `access` which of the two was meant, and does not say that `access` is wrong where `nav` is.
 */
export function definePage<const Path extends string, Forms>(
  page: PublicPage<Path> | ProtectedPage<Path, Forms>,
): Page;
export function definePage(page: Page): Page {
  defined.add(page);
  return page;
}

/** True for what `definePage` returned. */
export function isPage(value: unknown): value is Page {
  return typeof value === 'object' && value !== null && defined.has(value);
}

/** The names of a path's parameters: `/notes/:id/files/:file` has `id` and `file`. */
type NamesIn<Path extends string> = string extends Path
  ? string
  : Path extends `${string}:${infer Name}/${infer Rest}`
    ? Name | NamesIn<`/${Rest}`>
    : Path extends `${string}:${infer Name}`
      ? Name
      : never;
