import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { loggedCauses } from '../errors/error-cause.ts';
import { inWords, type PrintedMessage } from '../errors/in-words.ts';
import { InvalidForm } from '../errors/invalid-form.ts';
import { english, type Language } from '../errors/language.ts';
import type { ErrorWithMessage, Message } from '../errors/message.ts';
import { notFound } from '../errors/page-errors.ts';
import { plainPages } from '../errors/plain-pages.ts';
import { shownCause } from '../errors/shown-cause.ts';
import { isNavigation } from '../http/navigation.ts';
import { wasSaidBefore } from '../http/repeated-refusals.ts';
import { languageOf } from '../http/request-language.ts';
import type { Log } from '../log/index.ts';

/** For an address that leads nowhere. Comes after every route. */
export const noSuchAddress: RequestHandler = (req, _res, next) => {
  // A route that handed the request on has not answered it.
  req.route = undefined;
  next(notFound());
};

/**
 * The last handler: prints any error as a plain page, or as JSON to a script, and logs one line with the
 * cause under the same request id (R19).
 */
export function errorPages({ log, development }: { log: Log; development: boolean }): ErrorRequestHandler {
  return (error, req, res, _next) => {
    const { status, page: said, retryAfter } = answerTo(error);
    const shownFirst = error instanceof AuthError ? error.shownFirst : undefined;
    const requestId = shownFirst ?? idOf(req);
    // A request's own log has its id already.
    const requestLog = req.log ?? log.child({ request_id: requestId });
    if (shownFirst === undefined) logError(error, status, requestLog, wasSaidBefore(req));
    else requestLog.info({ status, first: shownFirst }, 'the page of a failed sign-in was shown again');

    // Half of an answer is out already. Only a broken connection tells the browser that it is not whole.
    if (res.headersSent) {
      res.destroy();
      return;
    }

    clearHeaders(res);
    res.status(status).setHeader('Cache-Control', 'no-store');
    if (retryAfter !== undefined) res.setHeader('Retry-After', String(Math.ceil(retryAfter)));
    const language = languageOf(req);
    const invalid = error instanceof InvalidForm ? error : undefined;
    const page = invalid?.pageIn(language) ?? said;
    if (!isNavigation(req)) {
      const { title } = inWords(page, language);
      const mistakes = invalid?.inWords(language);
      // Its developer sees no page.
      const shown = development ? { hint: hintOf(error), cause: causeShown(error, status) } : {};
      res
        .type('application/problem+json')
        .send(JSON.stringify({ title, status, requestId, ...mistakes, ...shown, ...demandsOf(error) }));
      return;
    }
    const text = development && status >= 500 ? [...page.text, whereToLook] : page.text;
    const words = inWords({ ...page, text }, language);
    const cause = development ? causeShown(error, status) : undefined;
    printPage(res, { ...words, cause, status, requestId }, language, {
      onFailure: (failure) => logError(failure, 500, requestLog),
      development,
    });
  };
}

const whereToLook = { key: 'development.console' } as const;

function hintOf(error: unknown): string | undefined {
  return error instanceof AuthError ? error.hint : undefined;
}

/** For the developer. The log has that of a page that is only shown again. */
function causeShown(error: unknown, status: number): string | undefined {
  const isAgain = error instanceof AuthError && error.shownFirst !== undefined;
  if (isAgain || (status < 500 && hintOf(error) === undefined)) return undefined;
  return shownCause(error, process.cwd());
}

/** For a script: what a new sign-in has to prove (RFC 9470 §3). */
function demandsOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof AuthError) || error.reason !== 'stronger_sign_in') return {};
  const { maxAge, acr } = error.demands ?? {};
  return { error: 'insufficient_user_authentication', acr_values: acr?.join(' '), max_age: maxAge };
}

interface Answer {
  status: number;
  page: Message;
  retryAfter?: number | undefined;
}

/** What a person gets for an error: the status and the page. */
export function answerTo(error: unknown): Answer {
  if (hasMessage(error)) return error;
  if (!(error instanceof Error)) return { status: 500, page: plainPages.broken };
  if (error.name === 'StoreError') return { status: 503, page: plainPages.storeAway, retryAfter: 5 };

  // Only Express and its parsers are believed about a status: errors of an outgoing call carry one too,
  // and a 401 of the provider's is not a 401 of ours.
  const { status, expose } = error as { status?: unknown; expose?: unknown };
  const believed = expose === true || error instanceof URIError;
  if (believed && typeof status === 'number' && status >= 400 && status < 500) {
    return { status, page: plainPages.byStatus[status] ?? plainPages.notUnderstood };
  }
  return { status: 500, page: plainPages.broken };
}

function hasMessage(error: unknown): error is ErrorWithMessage {
  if (!(error instanceof Error) || !('page' in error) || !('status' in error)) return false;
  const { page, status } = error as { page: Message | undefined; status: unknown };
  if (!Number.isInteger(status) || !page) return false;
  try {
    return inWords(page, english).title !== '';
  } catch {
    return false; // Half a page, or a text that is none.
  }
}

function logError(error: unknown, status: number, log: Log, saidBefore = false): void {
  const level = status >= 500 ? 'error' : status === 404 || saidBefore ? 'debug' : 'warn';
  // A stack is worth its lines only where nobody foresaw the error.
  const causes = loggedCauses(error, { stack: status === 500 && !hasMessage(error) });
  // What is wrong with this client is said once, however many requests it fails.
  const hint = error instanceof AuthError && error.reason === 'client_refused' ? undefined : hintOf(error);
  log[level]({ status, causes, ...(hint !== undefined && { hint }) }, 'request failed');
}

function idOf(req: Request): string {
  return req.id === undefined ? randomUUID() : String(req.id);
}

/** Forgets what the handler that failed had said about its body. Cookies and security headers stay. */
function clearHeaders(res: Response): void {
  for (const name of res.getHeaderNames()) {
    if (/^(content-(?!security-policy)|etag$|last-modified$|expires$|accept-ranges$)/.test(name)) {
      res.removeHeader(name);
    }
  }
}

function printPage(
  res: Response,
  model: PrintedMessage & { cause: string | undefined; status: number; requestId: string },
  language: Language,
  { onFailure, development }: { onFailure: (failure: unknown) => void; development: boolean },
) {
  const printed = (failure: unknown, html?: string) => {
    if (!failure && html !== undefined) return void res.send(html);
    // The page about the failure failed itself. This needs no view.
    onFailure(failure);
    const { title, text, cause, requestId } = model;
    const shown = development ? [cause ?? [], shownCause(failure, process.cwd())].flat() : [];
    const parts = [title, text.join('\n'), `${language.text('error.request-id')} ${requestId}`, ...shown];
    res.type('text/plain').send(`${parts.join('\n\n')}\n`);
  };
  try {
    // A failure may come before the layout is there.
    res.render('message', { ...model, lang: language.tag, kitText: language.text }, printed);
  } catch (failure) {
    printed(failure);
  }
}
