import type { Request, Response } from 'express';
import { type AuthContext, authOf, demandStore, neverCache, redirect } from './context.ts';
import { AuthError, type SignInFailure, signInFailures } from './errors.ts';
import { leaveForProvider } from './leave.ts';
import { countSignIn, isLooping } from './loop-guard.ts';
import { hasRepeats } from './parameters.ts';
import type { Demands, SignInAnswer } from './provider/index.ts';
import { leadingBack } from './texts.ts';
import { signedIn, startUserSession } from './user-session.ts';

const loopHint =
  'three sign-ins within a minute led back to a sign-in: the browser refuses cookies, a proxy speaks http to users, or a clock is off';

export interface LoginRequest extends Demands {
  /** A path that `localPath` has let through. */
  returnTo: string;
  prompt?: string | undefined;
  login_hint?: string | undefined;
}

/** Sends the browser to the provider to sign in. Nothing is written on the server (R3). */
export async function startLogin(req: Request, res: Response, login: LoginRequest): Promise<void> {
  const { context } = authOf(req);
  neverCache(res);
  const { returnTo, prompt, login_hint, maxAge, acr } = login;
  if (isLooping(req, res, context.cookies))
    throw told(req, new AuthError('loop', { hint: loopHint }), returnTo);
  try {
    const transaction = context.logins.begin(req, res, returnTo, { maxAge, acr });
    const url = await context.provider.authorizationUrl({ ...transaction, prompt, login_hint });
    context.audit('sign_in.started', { iss: context.provider.settings.issuer }, req);
    leaveForProvider(req, res, url, 'signIn');
  } catch (error) {
    // No sign-in is on its way, so no cookie for one either.
    if (!res.headersSent) res.removeHeader('Set-Cookie');
    throw told(req, error, returnTo);
  }
}

/**
 * The provider's answer: checked, turned into a session, and answered by a redirect to the page asked for, on an
 * address without the code (RFC 9700 §4.2).
 */
export async function finishLogin(req: Request, res: Response, answer: URLSearchParams): Promise<void> {
  const { context } = authOf(req);
  neverCache(res);
  let returnTo = '/';
  try {
    // Taken before anything is judged: whatever comes of this answer, its sign-in is used up.
    const [state, ...moreStates] = answer.getAll('state');
    const transaction = state && moreStates.length === 0 ? context.logins.take(req, res, state) : undefined;
    refuseUnclear(answer);
    if (transaction === 'late') throw new AuthError('login_expired');
    if (!transaction) {
      // The back button or a reload brings an old answer again: somebody who is signed in just goes on (R4).
      if (signedIn(req)) return redirect(res, 303, '/');
      throw new AuthError(state ? 'state_unknown' : 'state_missing');
    }
    returnTo = transaction.returnTo;
    demandStore(req);
    const since = await context.sessions.markSignIn();
    const callback = new URL('/auth/callback', context.baseUrl);
    callback.search = answer.toString();
    const signIn = await context.provider.finishSignIn(callback, transaction);
    await startUserSession(req, signIn, since, transaction.former);
    succeeded(req, res, context, signIn);
    redirect(res, 303, returnTo);
  } catch (error) {
    throw told(req, error, returnTo);
  }
}

function succeeded(req: Request, res: Response, context: AuthContext, { claims }: SignInAnswer): void {
  countSignIn(req, res, context.cookies);
  const { iss, sub, acr } = claims;
  context.audit('sign_in.succeeded', { iss, sub, session: signedIn(req)?.id, acr }, req);
}

/** Each parameter of an answer comes once, and it says something. */
function refuseUnclear(answer: URLSearchParams): void {
  if (hasRepeats(answer)) {
    throw new AuthError('callback_parameters', { hint: 'a parameter of the answer came twice' });
  }
  if (answer.has('state') && !answer.get('code') && !answer.get('error')) {
    throw new AuthError('callback_parameters', { hint: 'the answer holds neither code nor error' });
  }
}

/** One audit event for each failed sign-in, and a page whose button starts again for the same path. */
function told(req: Request, error: unknown, returnTo: string): unknown {
  if (!(error instanceof AuthError) || !isSignInFailure(error.reason)) return error;
  const { context } = authOf(req);
  const { reason, hint } = error;
  context.audit('sign_in.failed', { iss: context.provider.settings.issuer, reason, hint }, req);
  error.page = { ...error.page, ...leadingBack(reason, returnTo) };
  return error;
}

function isSignInFailure(reason: string): reason is SignInFailure {
  return Object.hasOwn(signInFailures, reason);
}
