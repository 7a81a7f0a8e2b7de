import { setTimeout as delay } from 'node:timers/promises';
import type { Request, Response } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { neverCache, redirect } from '../http/answers.ts';
import { mayBeNavigation } from '../http/navigation.ts';
import { languageOf } from '../http/request-language.ts';
import type { Provider } from '../provider/index.ts';
import { rememberChoice } from '../session/chosen-provider.ts';
import { authOf, demandStore } from '../session/context.ts';
import { loginAddress, loginPath } from '../session/login-address.ts';
import { countSignIn } from '../session/loop-guard.ts';
import { placeOf } from '../session/place.ts';
import { forgetFailure, sayNext } from '../session/said.ts';
import type { UserSession } from '../session/user.ts';
import { getUser, signedIn, startUserSession } from '../session/user-session.ts';
import { admitAtSignIn } from './admit-at-sign-in.ts';
import type { Answer } from './answer.ts';
import { askedForApis } from './asked-for-apis.ts';
import { bringsNoCookie, keepFailure, showAgain, strangersPage } from './kept-failure.ts';
import { auditFailure, isStepUp, startLogin } from './login.ts';
import { dropLogin, findLogin, type LoginTransaction, longestSignInSeconds } from './login-transaction.ts';

/** How long an answer that came twice waits for what becomes of the first (R3). */
const longestWaitMs = 5_000;
const lookEveryMs = 50;

/**
 * The provider's answer: checked, turned into a session, and answered by a redirect to the page asked for, on an
 * address without the code (RFC 9700 §4.2).
 */
export async function finishLogin(req: Request, res: Response, answer: Answer): Promise<void> {
  neverCache(res);
  // A prefetch, a frame or a HEAD uses nothing up: the person who then opens the answer still needs it (R3).
  if (!mayBeNavigation(req)) throw new AuthError('sign_in_first');
  const { provider, state, clean, problem } = answer;
  const found = state === undefined ? undefined : findLogin(req, state);
  const transaction = found === 'late' ? undefined : found;
  const asked = authOf(req).context.providers.named(transaction?.provider);
  const { returnTo } = transaction ?? clean ?? { returnTo: '/' };
  let expired = false;
  try {
    if (transaction && asked !== provider) throw atWrongAddress(req, res, transaction);
    if (transaction && provider && problem === undefined) {
      const since = await takeUp(req, res, transaction);
      if (since === 'second') return await awaitFirst(req, res, transaction);
      try {
        expired = (await finish(req, res, { ...answer, provider }, { transaction, since })) === 'expired';
      } finally {
        letSecondGoOn(req, res, transaction);
      }
    } else {
      if (state !== undefined) dropLogin(req, res, state);
      showAgain(req, answer);
      if (problem !== undefined) throw new AuthError('callback_parameters', { hint: problem });
      // Whoever has signed in meanwhile is led to a page (R4).
      if (found === 'late' && !signedIn(req)) throw new AuthError('login_expired');
      return answerStranger(req, res, answer);
    }
  } catch (error) {
    throw keepFailure(req, res, error, { answer, returnTo, provider: asked ?? provider });
  }
  if (expired && transaction) await startAgain(req, res, transaction);
}

/**
 * The answer came to the address of another provider than the one that was asked: one of them has sent the browser on to
 * the other, to get a code that is not for it (mix-up, RFC 9700 §4.4). Nobody gets the code, and this sign-in is over.
 */
function atWrongAddress(req: Request, res: Response, { state, provider }: LoginTransaction): AuthError {
  dropLogin(req, res, state);
  return new AuthError('issuer_mismatch', {
    hint: `the sign-in was started at the provider "${provider}", and the answer came to another address than that one's`,
  });
}

/**
 * Uses this answer up, before its code is sent. A store that fails does not: then the cookie stays, and a reload signs
 * in (R14).
 */
async function takeUp(req: Request, res: Response, { state }: LoginTransaction): Promise<number | 'second'> {
  const { sessions } = demandStore(req).context;
  const since = await sessions.answers.takeUp(state, longestSignInSeconds);
  dropLogin(req, res, state);
  return since ?? 'second';
}

/**
 * What becomes of this answer is known, also where its browser has given up waiting. As soon as it has left, its cookies
 * are on their way, which the second needs.
 */
function letSecondGoOn(req: Request, res: Response, { state }: LoginTransaction): void {
  const { sessions } = authOf(req).context;
  const goOn = () => void sessions.answers.finish(state).catch(() => {});
  if (res.destroyed) goOn();
  else res.once('close', goOn);
}

/**
 * Signs in. `'expired'`: the provider's own sign-in page was left open too long (Keycloak), and nothing was wrong.
 */
async function finish(
  req: Request,
  res: Response,
  { provider, parameters }: Answer & { provider: Provider },
  { transaction, since }: { transaction: LoginTransaction; since: number },
): Promise<'expired' | undefined> {
  const { context } = authOf(req);
  const callback = new URL(provider.callbackPath, context.baseUrl);
  callback.search = parameters.toString();
  let who: AuthError['about'];
  try {
    const forApis = askedForApis(context.apis, provider.name, transaction.apis);
    const signIn = await provider.redeemCode(callback, { ...transaction, forApis });
    const { iss, sub, acr } = signIn.claims;
    who = { iss, sub };
    if (forApis.names.length > 0) signIn.tokens.asked_for = forApis.names;
    const admission = await admitAtSignIn(req, provider, signIn, transaction.former);
    const place = await placeOf(req);
    const before = signedIn(req)?.user;
    await startUserSession(req, provider, signIn, admission, { since, place, unseen: transaction.former });
    countSignIn(req, res, context, before !== undefined && !isStepUp(transaction));
    rememberChoice(req, res, provider);
    if (isStepUp(transaction)) sayCarryOn(req, res, before, transaction.returnTo);
    else forgetFailure(req, res);
    context.audit('sign_in.succeeded', { iss, sub, session: signedIn(req)?.id, acr }, req);
  } catch (error) {
    if (error instanceof AuthError) error.about ??= who;
    const again = error instanceof AuthError && error.reason === 'authentication_expired';
    if (!again || transaction.restarted) throw error;
    auditFailure(req, error, provider);
    return 'expired';
  }
  redirect(res, 303, transaction.returnTo);
}

/**
 * Has the page that asked for a step-up say once that its person may go on: it looks as it did before, and a form that
 * they sent is to be sent again. Not where the cookies of our pages stayed behind: what else waits there would be lost.
 */
function sayCarryOn(req: Request, res: Response, before: UserSession | undefined, path: string): void {
  const user = getUser(req);
  if (!user || !before || before.iss !== user.iss || before.sub !== user.sub) return;
  sayNext(req, res, user, path, languageOf(req).text('said.signed-in-again'));
}

/** The same sign-in once more, or none where somebody is signed in by now (R4). */
async function startAgain(req: Request, res: Response, transaction: LoginTransaction): Promise<void> {
  const { provider, returnTo, parameters, maxAge, acr, former, apis } = transaction;
  const anyUser = !isStepUp(transaction) && parameters?.prompt === undefined;
  if (anyUser && signedIn(req)) return redirect(res, 303, returnTo);
  // The session's cookie does not come along with a form of another site (Lax). There it does.
  if (anyUser && req.method === 'POST') {
    const path = loginPath(authOf(req).context.providers.named(provider));
    return redirect(
      res,
      303,
      loginAddress(path, { returnTo, ...parameters, restarted: '1', api: apis?.[0] }),
    );
  }
  await startLogin(req, res, { provider, returnTo, parameters, maxAge, acr, former, apis, restarted: true });
}

/**
 * This answer came already, and its code is on its way. A browser shows only the answer to the later request, which
 * was sent without the cookies that the earlier one gets. So both lead on to where these can be seen.
 */
async function awaitFirst(req: Request, res: Response, { state, returnTo }: LoginTransaction): Promise<void> {
  const { sessions } = authOf(req).context;
  const end = performance.now() + longestWaitMs;
  while (!res.destroyed && performance.now() < end && (await sessions.answers.isUnderWay(state))) {
    await delay(lookEveryMs);
  }
  redirect(res, 303, cleanAddress(returnTo));
}

/** An answer to no sign-in of this browser that is on its way: used already, too old, pushed out, or made up (R4). */
function answerStranger(req: Request, res: Response, { clean, state, hintWithoutState }: Answer): void {
  demandStore(req);
  const returnTo = clean?.returnTo ?? '/';
  // Whoever comes from another site may have a session whose cookie stayed behind, as it does with each form (Lax).
  const site = req.get('Sec-Fetch-Site') ?? (req.method === 'POST' ? 'cross-site' : 'none');
  const ahead = signedIn(req) ? returnTo : !clean && site === 'cross-site' ? cleanAddress('/') : undefined;
  if (ahead !== undefined) {
    redirect(res, 303, ahead);
    return;
  }
  const reason = clean || state !== undefined ? 'state_unknown' : 'state_missing';
  const page = strangersPage(reason, bringsNoCookie(req));
  throw new AuthError(reason, { hint: hintWithoutState, page });
}

/** The callback without an answer: there all cookies come along, and a reload repeats nothing. */
function cleanAddress(returnTo: string): string {
  return `/auth/callback?returnTo=${encodeURIComponent(returnTo)}`;
}
