import { english, say } from './language.ts';
import type { Text, Words } from './texts.ts';

/** Whether these are words that can be said: a sentence, the same one in several languages, or a text of the kit. */
export function areWords(words: unknown): words is Words {
  if (typeof words === 'string') return words.trim() !== '';
  if (typeof words !== 'object' || words === null || Array.isArray(words)) return false;
  if (!('key' in words))
    return isByLanguage(words) && Object.values(words).every((word) => word.trim() !== '');
  try {
    return say(words as Text, english).trim() !== '';
  } catch {
    return false;
  }
}

/** `{ en: 'Bookings', de: 'Buchungen' }` */
export function isByLanguage(words: object): words is Record<string, string> {
  const entries = Object.entries(words);
  return entries.length > 0 && entries.every(([tag, word]) => isLanguageTag(tag) && typeof word === 'string');
}

/** No language of today has a name of more than three letters (RFC 5646 §2.2.1): `german` and `de_CH` are mistakes. */
export function isLanguageTag(tag: string): boolean {
  if (!/^[a-z]{2,3}(-[a-z0-9]{1,8}){0,6}$/i.test(tag)) return false;
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
