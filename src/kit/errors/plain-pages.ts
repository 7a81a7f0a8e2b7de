import type { Action, Message } from './message.ts';
import type { TextName, Words } from './texts.ts';

const home: Action = { label: { key: 'button.home' }, href: '/' };

type PageName = TextName extends infer K ? (K extends `error.${infer Name}.title` ? Name : never) : never;

const notFound = page('not_found');
const notUnderstood = page('not_understood');
const tooLarge = page('too_large');

/** What a person reads about failures that have nothing to do with signing in. */
export const plainPages = {
  notFound,
  notUnderstood,
  tooLarge,
  wrongMethod: page('wrong_method'),
  otherSite: page('other_site'),
  broken: page('broken'),
  storeAway: page('store_away'),
  unavailable: page('unavailable'),

  tooMany: (seconds: number): Message => ({
    title: { key: 'error.too_many.title' },
    text: [{ key: 'error.too_many.text', values: { count: seconds } }],
    action: home,
  }),

  /** What is wrong with a form that has no page to be printed on. */
  invalid: (sentences: readonly Words[]): Message => ({
    title: { key: 'error.invalid.title' },
    text: sentences,
    action: home,
  }),

  byStatus: {
    400: notUnderstood,
    404: notFound,
    408: page('too_slow'),
    413: tooLarge,
    415: page('wrong_type'),
    417: notUnderstood,
    // Each link of ours would only be answered by this page again.
    431: { ...page('too_many_cookies'), action: undefined },
  } as Readonly<Record<number, Message>>,
};

function page(name: Exclude<PageName, 'too_many' | 'invalid'>): Message {
  return { title: { key: `error.${name}.title` }, text: [{ key: `error.${name}.text` }], action: home };
}
