import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { AuthError } from '../errors/auth-error.ts';
import { loggedCauses } from '../errors/error-cause.ts';
import { isKitText } from '../errors/language.ts';
import { requestKind } from '../http/request-kind.ts';
import { languageOf } from '../http/request-language.ts';
import type { Sessions } from '../store/index.ts';
import { type AuthContext, authOf } from './context.ts';
import { applied, audit, needsSignIn } from './recheck-result.ts';
import { type Due, gather } from './recheck-sources.ts';
import { forPerson } from './refresh-ended.ts';
import { refused } from './refused.ts';
import type { UserSession } from './user.ts';
import { endUserSession, letGo, providerOf, signedIn, useUser } from './user-session.ts';

/** How long a request waits for a recheck, in milliseconds. Then the old values count, and the recheck goes on. */
const patienceMs = 3_000;
/** After an attempt without success the next one comes so much later. */
const againMs = 60_000;
const pollMs = 50;

/** What came of an attempt: the user as stored now, or why there is none. */
type Outcome =
  | { is: 'current'; user: UserSession; signInAgain?: boolean | undefined }
  | { is: 'gone' }
  | { is: 'over'; error: unknown };

/** Attempts under way in this instance, by session: its requests share one without asking the store. */
const underWay = new WeakMap<Sessions, Map<string, Promise<Outcome>>>();

/**
 * Asks the provider and `signIn` in site.ts again about the user of this request, where that is due: once however many
 * requests and instances ask.
 *
 * @param back where a person goes on after a sign-in
 * @returns `'answered'` where the browser was sent to sign in again; `'sign_in_again'` for a form or a script that is not
 *   to be carried out before a new sign-in
 * @throws AuthError where the session has ended by it
 */
export async function recheckIfDue(
  req: Request,
  res: Response,
  back: string,
): Promise<'answered' | 'sign_in_again' | undefined> {
  if (dueFor(req) && (await recheck(req, res, back)) === 'answered') return 'answered';
  const own = signedIn(req);
  if (!own || !needsSignIn(own.user)) return undefined;
  return requestKind(req) === 'page' ? signInFor(req, res, back) : 'sign_in_again';
}

/**
 * The same for a session whose answers go on without a request, such as event streams.
 *
 * @param user as the store has it now
 * @returns whether they may
 */
export async function recheckWhileOpen(context: AuthContext, due: Due, user: UserSession): Promise<boolean> {
  if (Date.now() < dueAt(user, context)) return !needsSignIn(user);
  const outcome = await share(context, due);
  return outcome.is === 'current' && !needsSignIn(outcome.user);
}

async function recheck(req: Request, res: Response, back: string): Promise<'answered' | undefined> {
  const { context } = authOf(req);
  const late = Promise.withResolvers<undefined>();
  const patience = setTimeout(late.resolve, patienceMs, undefined).unref();
  try {
    // A second time where somebody has asked for one while an earlier one was under way.
    for (let round = 0; round < 2; round++) {
      const own = dueFor(req);
      if (!own) return undefined;
      const outcome = await Promise.race([
        share(context, { id: own.id, language: languageOf(req) }),
        late.promise,
      ]);
      if (outcome === undefined) return undefined;
      if ((await take(req, res, own, { outcome, back })) === 'answered') return 'answered';
    }
    return undefined;
  } finally {
    clearTimeout(patience);
  }
}

/** Resolves when no recheck is under way any more: a rotated refresh token must be stored before the store closes. */
export async function rechecksDone(sessions: Sessions): Promise<void> {
  await Promise.allSettled(underWay.get(sessions)?.values() ?? []);
}

/** The session of this request, where its recheck is due or under way. */
function dueFor(req: Request): ReturnType<typeof signedIn> {
  const own = signedIn(req);
  if (!own) return undefined;
  const isDue = Date.now() >= dueAt(own.user, authOf(req).context);
  return isDue || hasJustBegun(own.user) ? own : undefined;
}

/** Seen by the clock of an instance that may be behind. */
function hasJustBegun({ recheck }: UserSession): boolean {
  return recheck?.beganAt !== undefined && Math.abs(Date.now() - recheck.beganAt) < patienceMs;
}

function dueAt({ recheck, signedInAt }: UserSession, { recheckMinutes, site }: AuthContext): number {
  if (recheck?.idle && !site.signIn) return Number.POSITIVE_INFINITY;
  return recheck?.dueAt ?? signedInAt + (recheckMinutes || Number.POSITIVE_INFINITY) * 60_000;
}

function share(context: AuthContext, due: Due): Promise<Outcome> {
  const { sessions, log } = context;
  const { id } = due;
  const here = underWay.get(sessions) ?? new Map<string, Promise<Outcome>>();
  underWay.set(sessions, here);
  let attempt = here.get(id);
  if (!attempt) {
    attempt = once(context, due).finally(() => here.delete(id));
    // Whoever waits gets the error too; where nobody does any more it must not end the process.
    attempt.catch((error) => log.error({ causes: loggedCauses(error) }, 'a recheck was cut short'));
    here.set(id, attempt);
  }
  return attempt;
}

/** Whoever is the first to say so does it; all others wait until it is done. */
async function once(context: AuthContext, due: Due): Promise<Outcome> {
  const { id } = due;
  const claimed = await context.sessions.updateUser(id, (user) => {
    const now = Date.now();
    if (now < dueAt(user, context)) return undefined;
    const beganAt = Math.max(now, (user.recheck?.beganAt ?? 0) + 1);
    return { ...user, recheck: { ...user.recheck, beganAt, dueAt: now + againMs } };
  });
  if (!claimed) return { is: 'gone' };
  return claimed.changed ? attempt(context, due, claimed.user) : awaitOther(context, id, claimed.user);
}

async function awaitOther(context: AuthContext, id: string, first: UserSession): Promise<Outcome> {
  let user = first;
  const end = performance.now() + patienceMs;
  while (hasJustBegun(user) && performance.now() < end) {
    await sleep(pollMs);
    const now = await context.sessions.updateUser(id, () => undefined);
    if (!now) return { is: 'gone' };
    user = now.user;
  }
  return { is: 'current', user };
}

async function attempt(context: AuthContext, due: Due, before: UserSession): Promise<Outcome> {
  const { id } = due;
  const gathered = await gather(context, due, before);
  if (gathered.gone) return { is: 'gone' };
  if (gathered.over !== undefined) {
    await context.sessions.end(id, gathered.over.reason);
    return { is: 'over', error: gathered.over.error };
  }
  const stored = await context.sessions.updateUser(id, (now) =>
    // Another one has begun since, and knows more.
    now.recheck?.beganAt === before.recheck?.beganAt ? applied(now, before, gathered, context) : undefined,
  );
  if (!stored) return { is: 'gone' };
  const { user } = stored;
  if (stored.changed) audit(context, id, before, user, gathered);
  return { is: 'current', user, signInAgain: gathered.signInAgain };
}

/** Behind the site's own words they read that they have been signed out, not only that they may not come in. */
function wasLetIn(error: AuthError): AuthError {
  const { page } = error;
  const own = page.text.filter((words) => !isKitText(words));
  error.page = { ...page, text: [...own, { key: 'ended.not-admitted' }] };
  return error;
}

/** The request goes on with what is known now. */
async function take(
  req: Request,
  res: Response,
  { id }: { id: string },
  { outcome, back }: { outcome: Outcome; back: string },
): Promise<'answered' | undefined> {
  const { context } = authOf(req);
  if (outcome.is === 'gone') {
    letGo(req, id);
    return undefined;
  }
  if (outcome.is === 'over') {
    const { error } = outcome;
    const page = refused(req, error, { path: back, provider: providerOf(req) });
    if (!page) {
      const shown = await forPerson(req, context, error);
      // As for each session that has ended: the guard answers a form with what was typed in it.
      if (requestKind(req) === 'form' && !signedIn(req)) return undefined;
      throw shown;
    }
    await endUserSession(req, res, 'not-admitted');
    throw wasLetIn(page);
  }
  useUser(req, outcome.user);
  // Nobody is sent off in the middle of something: for a while a script or a form goes on with what was known (R13).
  return outcome.signInAgain && requestKind(req) === 'page' ? signInFor(req, res, back) : undefined;
}

async function signInFor(req: Request, res: Response, back: string): Promise<'answered'> {
  const provider = providerOf(req)?.name;
  await authOf(req).context.startLogin(req, res, { returnTo: back, provider });
  return 'answered';
}
