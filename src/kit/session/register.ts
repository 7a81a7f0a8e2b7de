/**
 * Filled by the app, so that its pages know the types of its `data`, its `settings` and its users' `member`:
 *
 *     declare module '#kit' { interface Register { site: typeof site } }
 */
// biome-ignore lint/suspicious/noEmptyInterface: an interface, so that it can be filled from elsewhere
export interface Register {}

type Registered = Register extends { site: { readonly types?: infer T } } ? NonNullable<T> : unknown;

/** What `open` in site.ts gave as `data`. */
export type Data = Registered extends { data: infer D } ? D : unknown;

/** The site's own settings, checked. */
export type Settings = Registered extends { settings: infer S } ? S : Record<string, unknown>;

/** What `signIn` in site.ts gave as `member`. */
export type Member = Registered extends { member: infer M } ? M : unknown;

/** The name of one of the site's APIs. */
export type ApiName = Registered extends { api: infer A } ? A : string;
