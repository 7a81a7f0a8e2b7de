import { AuthError } from './auth-error.ts';
import type { ErrorWithMessage, Message } from './message.ts';
import { plainPages } from './plain-pages.ts';

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
 * @param why one sentence or more for the person, printed as they are
 */
export function refuse(why?: string): ErrorWithMessage {
  return new AuthError('not_admitted', why === undefined ? {} : { page: { text: [why] } });
}

/**
 * The page for somebody who may not do this (403). They stay signed in.
 *
 * @param why one sentence for the person, printed as it is
 */
export function forbidden(why?: string): ErrorWithMessage {
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
 * typed (422); anywhere else it is a page of its own.
 */
export function invalid(mistakes: string | Readonly<Record<string, string>>): ErrorWithMessage {
  if (typeof mistakes === 'string') return new InvalidForm({}, [sentence(mistakes)]);
  if (typeof mistakes !== 'object' || mistakes === null || Array.isArray(mistakes))
    throw new TypeError(usage);
  const errors = Object.entries(mistakes).map(([field, text]) => [field, sentence(text)] as const);
  if (errors.length === 0) throw new TypeError(usage);
  return new InvalidForm(Object.fromEntries(errors), []);
}

/** What `invalid` makes. */
export class InvalidForm extends Error implements ErrorWithMessage {
  override name = 'InvalidForm';
  readonly status = 422;
  readonly page: Message;
  readonly errors: Readonly<Record<string, string>>;
  readonly summary: readonly string[];

  constructor(errors: InvalidForm['errors'], summary: InvalidForm['summary']) {
    // The sentences may hold what was typed, so they are not in the log.
    super('a form is not valid');
    this.errors = errors;
    this.summary = summary;
    this.page = plainPages.invalid([...Object.values(errors), ...summary]);
  }
}

const usage =
  "invalid() needs a sentence, or sentences by field name: invalid({ date: 'Taken' }) or invalid('We are closed.')";

function sentence(text: unknown): string {
  if (typeof text !== 'string' || text.trim() === '') throw new TypeError(usage);
  return text;
}
