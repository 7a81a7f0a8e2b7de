import type { Request, Response } from 'express';
import { say, sayParagraphs } from '../errors/language.ts';
import { leaving } from '../errors/questions.ts';
import { neverCache, redirect } from '../http/answers.ts';
import { languageOf } from '../http/language.ts';

/**
 * Sends the browser on to the provider. Every way out to it leads through here (R16).
 *
 * A form is answered by a page of ours that goes on without a click: Chromium checks `form-action` at each redirect after a
 * form, the provider's own to yet another origin included, and stays on the page without a word. Whoever comes from
 * another site gets that page too, or its `form-action` would tell that site whether somebody is signed in here.
 *
 * @param to.host the provider's, to name it to a person
 * @param to.purpose which of the page's texts to show
 */
export function leaveForProvider(
  req: Request,
  res: Response,
  to: { url: URL; host: string; purpose: 'sign-in' | 'sign-out' },
): void {
  const { url, host, purpose } = to;
  neverCache(res);
  if (mayRedirect(req)) {
    redirect(res, 302, url.href);
    return;
  }
  const { title, text } = leaving(purpose, host);
  const language = languageOf(req);
  // A refresh without delay replaces this page in the history; it needs no script.
  res.status(200).render('to-provider', {
    title: say(title, language),
    text: sayParagraphs(text, language),
    url: url.href,
    refresh: url.href,
  });
}

/** A link on a page of ours, a bookmark or a typed address; browsers before 2023 do not say. */
function mayRedirect(req: Request): boolean {
  if (req.method !== 'GET' && req.method !== 'HEAD') return false;
  const site = req.get('Sec-Fetch-Site');
  return site === undefined || site === 'same-origin' || site === 'none';
}
