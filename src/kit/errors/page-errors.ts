import { AuthError } from './auth-error.ts';
import { InvalidForm, type InvalidWords } from './invalid-form.ts';
import type { ErrorWithMessage } from './message.ts';
import { plainPages } from './plain-pages.ts';
import type { Words } from './texts.ts';

// What models, actions and routes of a site may throw: `throw notFound()`.

/**
 * The page for an address that leads nowhere (404): for a thing that is not there, or that is somebody else's.
 *
 * @param why one sentence for the person, printed as it is
 */
export function notFound(why?: string): ErrorWithMessage {
  const page = { ...plainPages.notFound, ...(why === undefined ? {} : { text: [why] }) };
  return Object.assign(new Error('not found'), { status: 404, page });
}

/**
 * The page for somebody who may not use the app at all (403). Thrown by `signIn` in site.ts, it lets nobody in, and at
 * a recheck it ends the session; thrown by a page or a route, it ends nothing. It offers to use another account.
 *
 * @param why one sentence or more for the person, printed as they are, or in several languages: `{ en: '…', de: '…' }`
 */
export function refuse(why?: Words): ErrorWithMessage {
  return new AuthError('not_admitted', why === undefined ? {} : { page: { text: [why] } });
}

/**
 * The page for somebody who may not do this (403). They stay signed in.
 *
 * @param why one sentence for the person, printed as it is, or in several languages
 */
export function forbidden(why?: Words): ErrorWithMessage {
  return new AuthError('forbidden', why === undefined ? {} : { page: { text: [why] } });
}

/**
 * The page for what cannot be done just now, though nobody did anything wrong (503): a database that is away. Browsers
 * and scripts are asked to come back in a few seconds.
 *
 * @param cause for the log
 */
export function unavailable(cause?: unknown): ErrorWithMessage {
  const error = new Error('unavailable', { cause });
  return Object.assign(error, { status: 503, page: plainPages.unavailable, retryAfter: 5 });
}

/**
 * What is wrong with a form, where its schema cannot know: `throw invalid({ date: 'Taken' })`, by field name, or
 * `throw invalid('We are closed.')` for what belongs to no field. In an action, its page is printed again with what was
 * typed (422); anywhere else it is a page of its own. Each sentence may be in several languages.
 */
export function invalid(mistakes: InvalidWords): ErrorWithMessage {
  return new InvalidForm(mistakes);
}
