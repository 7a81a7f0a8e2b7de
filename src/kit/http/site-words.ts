import type { Application } from 'express';
import { type Language, say } from '../errors/language.ts';
import type { Words } from '../errors/texts.ts';
import { firstLanguage, languagesOf } from './request-language.ts';

/** What views find as `page.site`. */
interface SiteWords {
  name: string;
  description: string | undefined;
  help: string | undefined;
  development: boolean;
}

/** What a site says of itself, in one language or several. */
interface Given {
  name: Words;
  description?: Words | undefined;
  help?: Words | undefined;
}

/** Has views print what a site says of itself in the language of each page. Comes after `useLanguages`. */
export function useSiteWords(app: Application, site: Given, { development }: { development: boolean }): void {
  const { name, description, help } = site;
  const inLanguage = (language: Language): SiteWords => {
    const optional = (words: Words | undefined) => (words === undefined ? undefined : say(words, language));
    const words = { name: say(name, language), description: optional(description), help: optional(help) };
    return { ...words, development };
  };
  app.locals.site = inLanguage(firstLanguage(app));
  const several = [name, description, help].some((words) => typeof words === 'object');
  const languages = languagesOf(app);
  if (!several || languages.length === 1) return;
  app.set('site words', new Map(languages.map((language) => [language.tag, inLanguage(language)])));
}

/** A site's own words in the language of a page; undefined where they are the same in each. */
export function siteIn(app: Application, tag: unknown): SiteWords | undefined {
  const words = app.get('site words') as ReadonlyMap<unknown, SiteWords> | undefined;
  return words?.get(tag);
}
