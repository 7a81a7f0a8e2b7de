import { english, isKitText, type Language, say, wordsOf } from './language.ts';
import type { ErrorWithMessage, Message } from './message.ts';
import { plainPages } from './plain-pages.ts';
import type { Words } from './texts.ts';
import { areWords, isByLanguage } from './words.ts';

/** Words for what belongs to no field, or words by field name. */
export type InvalidWords = Words | Readonly<Record<string, Words>>;

/** What `invalid` makes. */
export class InvalidForm extends Error implements ErrorWithMessage {
  override name = 'InvalidForm';
  readonly status = 422;
  readonly #given: InvalidWords;

  constructor(given: InvalidWords) {
    // The sentences may hold what was typed, so they are not in the log.
    super('a form is not valid');
    if (!areWords(given) && !areByField(given)) throw new TypeError(usage);
    this.#given = given;
  }

  /** As a page of its own, where there is no form to print again. */
  pageIn(language: Language): Message {
    const { errors, summary } = this.inWords(language);
    return plainPages.invalid([...Object.values(errors), ...summary]);
  }

  get page(): Message {
    return this.pageIn(english);
  }

  /** @param fields those of the form, where there is one */
  inWords(
    language: Language,
    fields: readonly string[] = [],
  ): { errors: Record<string, string>; summary: string[] } {
    const given = this.#given;
    if (isSentence(given, language, fields)) return { errors: {}, summary: [say(given, language)] };
    const errors = Object.entries(given).map(([field, words]) => [field, say(words, language)] as const);
    return { errors: Object.fromEntries(errors), summary: [] };
  }
}

/** `en` and `de` may be languages or fields: languages where the form has no such field, and one is the reader's or English. */
function isSentence(given: InvalidWords, { tag }: Language, fields: readonly string[]): given is Words {
  if (typeof given === 'string' || (areWords(given) && isKitText(given))) return true;
  if (!isByLanguage(given) || Object.keys(given).some((name) => fields.includes(name))) return false;
  return wordsOf(given, tag) !== undefined || wordsOf(given, 'en') !== undefined;
}

function areByField(given: unknown): given is Readonly<Record<string, Words>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return false;
  const all = Object.values(given);
  return all.length > 0 && all.every(areWords);
}

const usage =
  "invalid() needs a sentence, or sentences by field name: invalid({ date: 'Taken' }) or invalid('We are closed.')";
