import { claimTexts } from './texts/claims.ts';
import { failureTexts } from './texts/failures.ts';
import { formTexts } from './texts/forms.ts';
import { pageTexts } from './texts/pages.ts';
import { requestTexts } from './texts/requests.ts';

/**
 * Every sentence of the kit that a person may read, by its key: `texts` in site.ts replaces any of them. docs/texts.md
 * lists them. A list is paragraphs; what is in braces is filled in; of `….one` and `….other` the number decides.
 */
export const texts = { ...pageTexts, ...claimTexts, ...requestTexts, ...formTexts, ...failureTexts } as const;

type Catalogue = typeof texts;
export type TextKey = keyof Catalogue;

/** A text that depends on a number, without its ending. */
type CountedKey = TextKey extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;

/** What names a text: its key, or for one that depends on a number its key without `.one` and `.other`. */
export type TextName = Exclude<TextKey, `${CountedKey}.one` | `${CountedKey}.other`> | CountedKey;

/** What is filled in. */
export type TextValues = Readonly<Record<string, string | number | readonly string[]>>;

/** What a person reads: one of the kit's texts, or a sentence of the site's own as it is. */
export type Text = string | { readonly key: TextName; readonly values?: TextValues };

/** A site's own sentence: in one language, or in several by their tags: `{ en: 'Bookings', de: 'Buchungen' }`. */
export type Words = Text | Readonly<Record<string, string>>;

/** The texts of some keys in another language: paragraphs may be one, and no more or fewer keys. */
export type TextsFor<Part> = {
  readonly [K in keyof Part]: Part[K] extends string ? string : string | readonly string[];
};

/** The kit's texts in one language, each of them: `const french = { … } satisfies AllTexts` says which are missing. */
export type AllTexts = TextsFor<Catalogue> & MoreForms & Labels;

/** Texts of the kit in one language. One that is left out is said in English. */
export type Texts = Partial<AllTexts>;

/** Some languages have more forms than one and other: Polish `few` and `many`, Arabic `zero` and `two`. */
type MoreForms = { readonly [K in `${CountedKey}.${'zero' | 'two' | 'few' | 'many'}`]?: string };

/** What people call a provider in this language, by its name in OIDC_PROVIDERS: `provider.work.label`. */
type Labels = { readonly [K in `provider.${string}.label`]?: string };

/** By the tag of the language: `de`, `pt-BR`. */
export type SiteTexts = Readonly<Record<string, Texts>>;
