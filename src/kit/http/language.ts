import type { Application, Request } from 'express';
import { createLanguages, english, type Language, type Languages } from '../errors/language.ts';
import type { SiteTexts } from '../errors/texts.ts';
import { preferredTag } from './accept-language.ts';

/** Has an app speak the languages that its site gives texts for. */
export function useLanguages(app: Application, texts: SiteTexts | undefined): void {
  app.set('languages', createLanguages(texts));
}

/** The language to answer a request in: of those that site.ts gives texts for, the one that its browser likes best. */
export function languageOf(req: Request): Language {
  const languages = req.app.get('languages') as Languages | undefined;
  if (!languages) return english;
  const { first, byTag } = languages;
  if (byTag.size === 1) return first;
  if (req.res && !req.res.headersSent) req.res.vary('Accept-Language');
  const tag = preferredTag(req.get('Accept-Language'), byTag);
  return (tag && byTag.get(tag)) || first;
}
