/**
 * Filled by the app, so that its pages know the types of its `data` and `settings`:
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
