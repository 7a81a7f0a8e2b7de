import type { Request, Response } from 'express';
import { say, sayParagraphs } from '../errors/language.ts';
import { leaving } from '../errors/questions.ts';
import { neverCache, redirect } from '../http/answers.ts';
import { comesFromElsewhere } from '../http/navigation.ts';
import { languageOf } from '../http/request-language.ts';

/** Where a sign-out leads, and what people call the provider there. */
export class WayOut {
  readonly url: URL;
  readonly label: string;

  constructor(url: URL, label: string) {
    this.url = url;
    this.label = label;
  }
}

/**
 * Sends the browser on to the provider. Every way out to it leads through here (R16).
 *
 * A form is answered by a page of ours that goes on without a click: Chromium checks `form-action` at each redirect after a
 * form, the provider's own to yet another origin included, and stays on the page without a word. Whoever comes from
 * another site gets that page too, or its `form-action` would tell that site whether somebody is signed in here.
 *
 * @param to.label what people call the provider
 * @param to.purpose which of the page's texts to show
 */
export function leaveForProvider(
  req: Request,
  res: Response,
  to: { url: URL; label: string; purpose: 'sign-in' | 'sign-out' },
): void {
  const { url, label, purpose } = to;
  neverCache(res);
  if (mayRedirect(req)) {
    redirect(res, 302, url.href);
    return;
  }
  const { title, text } = leaving(purpose, label);
  const language = languageOf(req);
  // A refresh without delay replaces this page in the history; it needs no script.
  res.status(200).render('to-provider', {
    title: say(title, language),
    text: sayParagraphs(text, language),
    url: url.href,
    refresh: url.href,
  });
}

function mayRedirect(req: Request): boolean {
  return (req.method === 'GET' || req.method === 'HEAD') && !comesFromElsewhere(req);
}
