import type { Words } from './texts.ts';

/**
 * A page that says one thing: what happened, what to do now. Errors, questions and farewells are all
 * printed by `views/message.ejs` from this. It is turned into words when it is printed, by `inWords`.
 */
export interface Message {
  title: Words;
  /** Paragraphs, in plain words. Never text from a query or a provider. */
  text: readonly Words[];
  /** The one main action. */
  action?: Action | undefined;
  /** A second, quieter one. */
  other?: Action | undefined;
  /** Small facts below the text, such as who is signed in. */
  facts?: readonly { label: Words; value: Words }[] | undefined;
  /** The address that the browser is to show instead of the one that it was answered at, where that is not to be kept. */
  address?: string | undefined;
}

/** A link, or a button that posts a form of hidden fields to our own origin. */
export type Action =
  | { label: Words; href: string; newTab?: boolean }
  | { label: Words; post: string; fields?: Fields };

/** Names and values, in this order; a name may come more than once. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** An error that knows its page. The error handler prints it and logs its cause. */
export interface ErrorWithMessage extends Error {
  status: number;
  page: Message;
  /** Seconds, for Retry-After. */
  retryAfter?: number | undefined;
}
