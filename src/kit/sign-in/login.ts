import type { Request, Response } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { leadingBack } from '../errors/failure-pages.ts';
import { type SignInFailure, signInFailures } from '../errors/reasons.ts';
import { neverCache, redirect } from '../http/answers.ts';
import { withoutMark } from '../http/other-host.ts';
import { leaveForProvider } from '../provider/go-on.ts';
import { type Demands, type Provider, whatItSaid } from '../provider/index.ts';
import type { LoginRequest } from '../session/context.ts';
import { authOf } from '../session/context.ts';
import { loginAddress, loginPath } from '../session/login-address.ts';
import { forgetSignIns, isLooping } from '../session/loop-guard.ts';
import { otherAccount } from '../session/other-account.ts';
import { refused } from '../session/refused.ts';
import { signedIn } from '../session/user-session.ts';
import { StoreError } from '../store/index.ts';
import { askedForApis, namedApis } from './asked-for-apis.ts';
import { ledToBaseUrl } from './base-url.ts';
import { beginLogin } from './login-transaction.ts';

const loopHint =
  'three sign-ins within a minute led back to a sign-in: the browser refuses cookies, a proxy speaks http to users, or a clock is off';

/**
 * Sends the browser to the provider to sign in; where there are several and none is named, to the page that asks which.
 * Nothing is written on the server (R3).
 */
export async function startLogin(req: Request, res: Response, login: LoginRequest): Promise<void> {
  const { context } = authOf(req);
  neverCache(res);
  const returnTo = withoutMark(login.returnTo);
  const provider = context.providers.only ?? context.providers.named(login.provider);
  if (ledToBaseUrl(req, res, loginAddress(loginPath(provider), { returnTo }))) return;
  if (!provider) return redirect(res, 302, loginAddress('/auth/login', { returnTo }));
  // A sign-in that holds never counts: who is signed in goes round in circles by step-ups only (R4).
  if (signedIn(req) && !isStepUp(login)) forgetSignIns(req, res, context.cookies);
  else if (isLooping(req, res, context))
    throw withNewStart(req, new AuthError('loop', { hint: loopHint }), { returnTo, provider });
  try {
    const apis = await namedApis(req, login.apis);
    const transaction = beginLogin(req, res, provider, {
      ...login,
      returnTo,
      ...(apis.length > 0 && { apis }),
    });
    const forApis = askedForApis(context.apis, provider.name, apis);
    const url = await provider.authorizationUrl({ ...transaction, forApis });
    context.audit('sign_in.started', { iss: provider.settings.issuer }, req);
    leaveForProvider(req, res, { url, label: provider.label, purpose: 'sign-in' });
  } catch (error) {
    // No sign-in is on its way, so no cookie for one either.
    if (!res.headersSent) res.removeHeader('Set-Cookie');
    throw withNewStart(req, error, { returnTo, provider });
  }
}

/** Asks somebody who is signed in for more. */
export function isStepUp({ maxAge, acr }: Demands): boolean {
  return maxAge !== undefined || acr !== undefined;
}

/** One audit event for each failed sign-in, and a page whose button starts again for the same path. */
export function withNewStart(
  req: Request,
  error: unknown,
  { returnTo, provider }: { returnTo: string; provider: Provider | undefined },
): unknown {
  if (!(error instanceof AuthError) || !isSignInFailure(error.reason)) return error;
  auditFailure(req, error, provider);
  return pageWithNewStart(req, error, { returnTo, provider });
}

/** The failure, with the page that its person reads. */
export function pageWithNewStart(
  req: Request,
  error: AuthError,
  { returnTo, provider }: { returnTo: string; provider: Provider | undefined },
): AuthError {
  error.provider ??= provider?.label;
  const page = refused(req, error, { path: returnTo, provider });
  if (page) return Object.assign(page, { shownFirst: error.shownFirst });
  const { action } = leadingBack(error.reason, returnTo);
  // Where it would fail again it is no more than offered.
  error.page = { ...error.page, ...(error.setUp ? { other: action } : { action }) };
  // Whom the provider turned down may have another account.
  if (error.reason === 'access_denied') error.page = { ...error.page, other: otherAccount(req, returnTo) };
  return error;
}

/**
 * For somebody who wants to sign in while the store is away: nobody has to hear that they have not been signed out. A new
 * attempt leads to the same page. Another error stays as it is.
 */
export function storeAwayAtSignIn(
  req: Request,
  error: unknown,
  at: { returnTo: string; provider: Provider | undefined },
): unknown {
  const away = error instanceof AuthError ? error.reason === 'store_away' : error instanceof StoreError;
  if (!away) return error;
  const cause = error instanceof AuthError ? error.cause : error;
  return pageWithNewStart(req, new AuthError('sign_in_store_away', { cause }), at);
}

export function auditFailure(req: Request, failure: AuthError, provider: Provider | undefined): void {
  const { audit } = authOf(req).context;
  const { reason, hint } = failure;
  const about = { iss: failure.about?.iss ?? provider?.settings.issuer, sub: failure.about?.sub };
  audit('sign_in.failed', { ...about, 'client.address': req.ip, reason, hint, ...whatItSaid(failure) }, req);
}

export function isSignInFailure(reason: string): reason is SignInFailure {
  return Object.hasOwn(signInFailures, reason);
}
