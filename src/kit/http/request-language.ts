import type { Application, Request } from 'express';
import { createLanguages, english, type Language } from '../errors/language.ts';
import type { SiteTexts } from '../errors/texts.ts';
import { preferredTag } from './accept-language.ts';

type Choose = (header: string | undefined) => Language;

/** Has an app speak the languages that its site gives texts for. */
export function useLanguages(
  app: Application,
  texts: SiteTexts | undefined,
  providers?: Parameters<typeof createLanguages>[1],
): void {
  const { first, byTag } = createLanguages(texts, providers);
  app.set('languages', [...byTag.values()]);
  if (byTag.size === 1) {
    app.set('language', first);
    return;
  }
  // A page asks several times, and browsers send few different headers.
  const chosen = new Map<string, Language>();
  const choose: Choose = (header = '') => {
    const known = chosen.get(header);
    if (known) return known;
    const tag = preferredTag(header, byTag);
    const language = (tag && byTag.get(tag)) || first;
    if (chosen.size >= mostKept) chosen.clear();
    if (header.length <= longestKept) chosen.set(header, language);
    return language;
  };
  app.set('choose language', choose);
}

/** The language for those who accept none of an app's, or of whom nobody knows what they accept. */
export function firstLanguage(app: Application): Language {
  const choose = app.get('choose language') as Choose | undefined;
  return choose?.(undefined) ?? (app.get('language') as Language | undefined) ?? english;
}

/** All that an app speaks. */
export function languagesOf(app: Application): readonly Language[] {
  return (app.get('languages') as Language[] | undefined) ?? [english];
}

const mostKept = 200;
const longestKept = 200;

/**
 * The language to answer a request in: of those that site.ts has `texts` for, the one that its browser likes best. Its
 * `tag` is for `Intl` and for texts of your own.
 */
export function languageOf(req: Request): Language {
  const choose = req.app.get('choose language') as Choose | undefined;
  if (!choose) return (req.app.get('language') as Language | undefined) ?? english;
  if (req.res && !req.res.headersSent) req.res.vary('Accept-Language');
  return choose(req.get('Accept-Language'));
}
