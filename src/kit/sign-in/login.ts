import type { Request, Response } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { leadingBack } from '../errors/failure-pages.ts';
import { type SignInFailure, signInFailures } from '../errors/reasons.ts';
import { neverCache } from '../http/answers.ts';
import { leaveForProvider } from '../provider/go-on.ts';
import { type Demands, whatItSaid } from '../provider/index.ts';
import type { LoginRequest } from '../session/context.ts';
import { authOf } from '../session/context.ts';
import { forgetSignIns, isLooping } from '../session/loop-guard.ts';
import { otherAccount } from '../session/other-account.ts';
import { refused } from '../session/refused.ts';
import { signedIn } from '../session/user-session.ts';
import { beginLogin } from './login-transaction.ts';

const loopHint =
  'three sign-ins within a minute led back to a sign-in: the browser refuses cookies, a proxy speaks http to users, or a clock is off';

/** Sends the browser to the provider to sign in. Nothing is written on the server (R3). */
export async function startLogin(req: Request, res: Response, login: LoginRequest): Promise<void> {
  const { context } = authOf(req);
  neverCache(res);
  const { returnTo } = login;
  // A sign-in that holds never counts: who is signed in goes round in circles by step-ups only (R4).
  if (signedIn(req) && !isStepUp(login)) forgetSignIns(req, res, context.cookies);
  else if (isLooping(req, res, context)) throw told(req, new AuthError('loop', { hint: loopHint }), returnTo);
  try {
    const transaction = beginLogin(req, res, login);
    const url = await context.provider.authorizationUrl(transaction);
    context.audit('sign_in.started', { iss: context.provider.settings.issuer }, req);
    leaveForProvider(req, res, { url, host: context.provider.host, purpose: 'sign-in' });
  } catch (error) {
    // No sign-in is on its way, so no cookie for one either.
    if (!res.headersSent) res.removeHeader('Set-Cookie');
    throw told(req, error, returnTo);
  }
}

/** Asks somebody who is signed in for more. */
export function isStepUp({ maxAge, acr }: Demands): boolean {
  return maxAge !== undefined || acr !== undefined;
}

/** One audit event for each failed sign-in, and a page whose button starts again for the same path. */
export function told(req: Request, error: unknown, returnTo: string): unknown {
  if (!(error instanceof AuthError) || !isSignInFailure(error.reason)) return error;
  auditFailure(req, error);
  const page = refused(req, error, returnTo);
  if (page) return page;
  error.page = { ...error.page, ...leadingBack(error.reason, returnTo) };
  // Whom the provider turned down may have another account.
  if (error.reason === 'access_denied') error.page = { ...error.page, other: otherAccount(req, returnTo) };
  return error;
}

export function auditFailure(req: Request, failure: AuthError): void {
  const { audit, provider } = authOf(req).context;
  const { reason, hint } = failure;
  const about = { iss: provider.settings.issuer, sub: failure.about?.sub };
  audit('sign_in.failed', { ...about, reason, hint, ...whatItSaid(failure) }, req);
}

function isSignInFailure(reason: string): reason is SignInFailure {
  return Object.hasOwn(signInFailures, reason);
}
