import type { Request, Response } from 'express';
import { type AuthContext, demandStore, neverCache, redirect } from './context.ts';
import type { AuthError } from './errors.ts';
import { leaveFarewell, newLogoutState } from './farewell.ts';
import { forgetSignIns } from './loop-guard.ts';
import { endUserSession, signedIn } from './user-session.ts';

/**
 * Signs out: session, tokens and index first, then the refresh token at the provider (2 s at most), then off to its
 * end_session_endpoint (RP-Initiated Logout 1.0), or to /signed-out where it has none or does not answer.
 */
export async function logout(req: Request, res: Response): Promise<void> {
  redirect(res, 303, await leaveAll(req, res));
}

/** Does all of a sign-out but the redirect; returns where it leads. */
export async function leaveAll(req: Request, res: Response): Promise<string> {
  const { context } = demandStore(req);
  neverCache(res);
  // By the cookie of a session that has ended already, /signed-out can still tell how.
  const own = signedIn(req);
  if (!own) return '/signed-out';
  const tokens = await context.sessions.tokens.read(own.id);
  await endUserSession(req, res, 'signed-out');
  forgetSignIns(req, res, context.cookies);
  // Never "cookies": cookies know no ports, so it would reach other apps of this host (ASVS 14.3.1).
  res.setHeader('Clear-Site-Data', '"cache", "storage"');
  const state = newLogoutState();
  const post_logout_redirect_uri = `${context.baseUrl}/signed-out`;
  await revoke(req, context, tokens?.refresh_token);
  const url = await context.provider
    .endSessionUrl({ id_token_hint: tokens?.id_token, state, post_logout_redirect_uri })
    .catch(() => undefined);
  const stateReturns = url?.searchParams.has('state') ?? false;
  leaveFarewell(res, context, { state, sentToProvider: url !== undefined, stateReturns });
  return url?.href ?? '/signed-out';
}

/** A failure is logged, never shown: the session here has ended all the same. */
async function revoke(req: Request, context: AuthContext, refreshToken: string | undefined): Promise<void> {
  if (!refreshToken) return;
  try {
    await context.provider.revoke(refreshToken);
  } catch (error) {
    const { message, hint } = error as AuthError;
    req.log?.warn({ reason: message, hint }, 'the refresh token could not be revoked');
  }
}
