import { type SiteTexts, type Text, type TextName, type TextValues, texts, type Words } from './texts.ts';

/** A language that the kit can speak. */
export interface Language {
  /** Its tag (BCP 47), for `<html lang>` and `Intl`: `de`, `pt-BR`. */
  readonly tag: string;
  /** A text of the kit; paragraphs in one line. */
  readonly text: (key: TextName, values?: TextValues) => string;
  readonly paragraphs: (key: TextName, values?: TextValues) => string[];
  /** What people call a provider in it, by its label in the settings. */
  readonly label: (label: string) => string;
}

/** The languages of a site; the first is for those who accept none of them. */
export interface Languages {
  readonly first: Language;
  /** By tag, in lower case. */
  readonly byTag: ReadonlyMap<string, Language>;
}

/** A provider as the settings call it. */
interface Labelled {
  readonly name: string;
  readonly label: string;
}

type Table = Readonly<Record<string, string | readonly string[]>>;

/** English as it is built in. Logs are in it too, whatever a site says. */
export const english = speak('en', texts, []);

/**
 * The languages that a site gives texts for: English alone where it gives none. What one leaves out is taken from the
 * language that it is a kind of (`de` for `de-AT`), else from English. Each table is made once, here.
 *
 * @param providers those that have a label in the settings, which a language may have another word for
 */
export function createLanguages(given: SiteTexts = {}, providers: readonly Labelled[] = []): Languages {
  const tables = new Map(Object.entries(given).map(([tag, own]) => [tag.toLowerCase(), own as Table]));
  const byTag = new Map<string, Language>();
  for (const tag of tables.keys()) {
    const kinds = ['en', ...tag.split('-').map((_, index, parts) => parts.slice(0, index + 1).join('-'))];
    const table = Object.assign({}, texts, ...kinds.map((kind) => tables.get(kind)));
    byTag.set(tag, speak(Intl.getCanonicalLocales(tag)[0] ?? tag, table, providers));
  }
  const [first = english] = byTag.values();
  return { first, byTag: byTag.size > 0 ? byTag : new Map([['en', first]]) };
}

/** In words. */
export function say(text: Words, language: Language): string {
  if (typeof text === 'string') return text;
  return isKitText(text) ? language.text(text.key, text.values) : wordsIn(text, language.tag);
}

/** In that language, else in the one that it is a kind of (`de` for `de-AT`), else in the first that there is. */
export function wordsIn(words: ByLanguage, tag: string): string {
  return wordsOf(words, tag) ?? Object.values(words)[0] ?? '';
}

/** In that language or in one that it is a kind of; undefined where there is neither. */
export function wordsOf(words: ByLanguage, tag: string): string | undefined {
  const own = new Map(Object.entries(words).map(([name, word]) => [name.toLowerCase(), word]));
  const kinds = tag.toLowerCase().split('-');
  for (let length = kinds.length; length > 0; length--) {
    const word = own.get(kinds.slice(0, length).join('-'));
    if (word !== undefined) return word;
  }
  return undefined;
}

type ByLanguage = Readonly<Record<string, string>>;

/** Whether these are words of the kit. */
export function isKitText(text: Words): text is Exclude<Text, string> {
  return typeof text === 'object' && typeof text.key === 'string';
}

/** In words, where one text may be several paragraphs. */
export function sayParagraphs(text: readonly Words[], language: Language): string[] {
  return text.flatMap((each) =>
    isKitText(each) ? language.paragraphs(each.key, each.values) : say(each, language),
  );
}

function speak(tag: string, given: Table, providers: readonly Labelled[]): Language {
  const table = new Map(Object.entries(given));
  const labels = new Map(
    providers.map(({ name, label }) => [label, String(table.get(`provider.${name}.label`) ?? label)]),
  );
  const label = (one: string) => labels.get(one) ?? one;
  let rules: Intl.PluralRules | undefined;
  const find = (key: TextName, values?: TextValues): string | readonly string[] => {
    const plain = table.get(key);
    if (plain !== undefined) return plain;
    rules ??= new Intl.PluralRules([tag, 'en']);
    const form = rules.select(Number(values?.count));
    const found = table.get(`${key}.${form}`) ?? table.get(`${key}.other`);
    // A view is not checked by types.
    if (found === undefined) throw new Error(`there is no text "${key}": docs/texts.md lists them`);
    return found;
  };
  const unknown = String(table.get('provider.unknown'));
  // A label is written as it is: `login.example.com` also begins a sentence so.
  const withProvider = ({ provider, providers: several, ...values }: TextValues = {}) => ({
    ...values,
    ...(several !== undefined && { providers: [several].flat().map(String).map(label).join(', ') }),
    provider: provider === undefined ? unknown : label(String(provider)),
    Provider: provider === undefined ? atStart(unknown) : label(String(provider)),
  });
  const fill = (text: string, values?: TextValues) =>
    text.includes('{') ? filled(text, withProvider(values)) : text;
  const paragraphs = (key: TextName, values?: TextValues) =>
    [find(key, values)].flat().map((paragraph) => fill(paragraph, values));
  const text = (key: TextName, values?: TextValues) => {
    const found = find(key, values);
    return typeof found === 'string' ? fill(found, values) : paragraphs(key, values).join(' ');
  };
  return { tag, text, paragraphs, label };
}

/** What stands for a provider that nobody knows, at the start of a sentence. */
function atStart(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What nobody gave stays as it is: session.js fills in `{time}` in the browser. */
function filled(text: string, values: TextValues): string {
  return text.replace(/\{(\w+)\}/g, (braces, name) =>
    Object.hasOwn(values, name) ? String(values[name]) : braces,
  );
}
