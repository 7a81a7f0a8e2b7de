import { AsyncLocalStorage } from 'node:async_hooks';
import { english, type Language, say } from '../../errors/language.ts';
import { areWords } from '../../errors/words.ts';

/** The language of the form that is being checked: a schema is told nothing of its request. */
const current = new AsyncLocalStorage<Language>();

/**
 * A sentence of a form's schema in several languages: `z.string().min(3, byLanguage({ en: 'Say more.', de: 'Mehr!' }))`.
 * Where the kit checks the form, it is in the language of the request; elsewhere in English, or else in the first one.
 */
export function byLanguage(words: Readonly<Record<string, string>>): { error: () => string } {
  if (typeof words !== 'object' || !areWords(words))
    throw new TypeError("byLanguage() needs a sentence for each language: byLanguage({ en: '…', de: '…' })");
  return { error: () => say(words, current.getStore() ?? english) };
}

/** Calls what checks a form that was sent in this language. */
export function speaking<T>(language: Language, check: () => Promise<T>): Promise<T> {
  return current.run(language, check);
}
