import type { Action, Message } from './message.ts';
import type { Refusal, SignInFailure } from './reasons.ts';
import { sameWords } from './texts/failures.ts';
import type { TextName, Words } from './texts.ts';

type Reason = SignInFailure | Refusal;

// `leadBack` has both come back to the page where they were pressed.
const again: Action = { label: { key: 'button.sign-in-again' }, href: '/auth/login' };
const signIn: Action = { label: { key: 'button.sign-in' }, href: '/auth/login' };
const tryAgain: Action = { label: { key: 'button.try-again' }, href: '/auth/login' };
const home: Action = { label: { key: 'button.home' }, href: '/' };

/** The main action, where it is not to sign in again. */
const actions: Partial<Record<Reason, Action>> = {
  sign_in_first: signIn,
  work_not_saved: signIn,
  auth_time_missing: home,
  forbidden: home,
  other_persons_page: home,
  unmarked_page: home,
  issuer_unknown: home,
  store_away: home,
  sign_in_store_away: tryAgain,
  api_unreachable: home,
  api_token_refused: home,
  client_refused: home,
};

/**
 * The page for a failure.
 *
 * @param setUp only the people who run the site can help
 */
export function failurePage(reason: Reason, setUp = isOfSetUp(reason)): Message {
  const name = setUp ? 'set_up' : nameOf(reason);
  const action = setUp ? home : actionOf(reason);
  return {
    title: { key: `error.${name}.title` },
    text: [{ key: `error.${name}.text` }],
    action,
    other: action === home ? undefined : home,
  };
}

/** Whether this failure lasts until the people who run the site have changed something. */
export function isOfSetUp(reason: Reason): boolean {
  return nameOf(reason) === 'set_up';
}

function nameOf(reason: Reason) {
  return reason in sameWords ? sameWords[reason as keyof typeof sameWords] : (reason as OwnWords);
}

type OwnWords = TextName extends infer K
  ? K extends `error.${infer R extends Reason}.title`
    ? R
    : never
  : never;

/** The same failure, with a button that leads back to `path`. */
export function leadingBack(reason: Reason, path: string): { action: { label: Words; href: string } } {
  const href = `/auth/login?returnTo=${encodeURIComponent(path)}`;
  const { label } = actionOf(reason) === home ? again : actionOf(reason);
  return { action: { label, href } };
}

function actionOf(reason: Reason): Action {
  return actions[reason] ?? again;
}
