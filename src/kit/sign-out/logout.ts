import type { Request, Response } from 'express';
import type { AuthError } from '../errors/auth-error.ts';
import { neverCache, redirect } from '../http/answers.ts';
import { formOf } from '../http/parameters.ts';
import { leaveForProvider, WayOut } from '../provider/go-on.ts';
import type { Provider } from '../provider/index.ts';
import { type AuthContext, authOf, demandStore } from '../session/context.ts';
import { forgetSignIns } from '../session/loop-guard.ts';
import { forgetFailure } from '../session/said.ts';
import { endUserSession, signedIn } from '../session/user-session.ts';
import type { TokenRecord } from '../store/index.ts';
import { leaveFarewell, newLogoutState } from './farewell.ts';

/** So long a person waits for all that is asked of the provider. */
const patienceMs = 2_000;
/** With less of that left, the revocation goes on without them. */
const tooLittleMs = 500;

/**
 * Signs out: session, tokens and index first, then the refresh token at the provider (2 s at most), then off to its
 * end_session_endpoint (RP-Initiated Logout 1.0), or to /signed-out where it has none or does not answer. Where a
 * revocation would end the provider's session as well (Keycloak), it comes last.
 */
export async function logout(req: Request, res: Response): Promise<void> {
  const next = await leaveAll(req, res);
  if (typeof next === 'string') return redirect(res, 303, next);
  leaveForProvider(req, res, { ...next, purpose: 'sign-out' });
}

/**
 * Does all of a sign-out but the answer; returns where it leads.
 *
 * @param others how many other sessions of the user have ended with it
 */
export async function leaveAll(
  req: Request,
  res: Response,
  { others = 0 }: { others?: number } = {},
): Promise<string | WayOut> {
  const { context } = demandStore(req);
  neverCache(res);
  forgetFailure(req, res);
  // By the cookie of a session that has ended already, /signed-out can still tell how.
  const own = signedIn(req);
  if (!own) return formOf(req).get('at') === 'provider' ? leaveProvider(req, res) : '/signed-out';
  const provider = context.providers.ofSession(own.user);
  const tokens = await context.sessions.tokens.read(own.id);
  await endUserSession(req, res, 'signed-out');
  forgetSignIns(req, res, context.cookies);
  // Never "cookies": cookies know no ports, so it would reach other apps of this host (ASVS 14.3.1). Nor "cache": it
  // makes Chromium wait for seconds, and what depends on a session is no-store.
  res.setHeader('Clear-Site-Data', '"storage"');
  const until = Date.now() + patienceMs;
  const state = newLogoutState();
  if (!provider) return '/signed-out';
  const url = await endSessionUrl(context, provider, { state, id_token_hint: tokens?.id_token });
  let revoked = false;
  if (tokens?.refresh_token) {
    if (url && provider.revokesLate) provider.revokeLater(state, tokens);
    else revoked = await revoke(req, provider, tokens, until - Date.now());
  }
  return sayFarewell(res, context, provider, { state, url, others, revoked });
}

/** For somebody who was not let in here: there is no session and no ID token, so the provider asks them first. */
async function leaveProvider(req: Request, res: Response): Promise<string | WayOut> {
  const { context } = authOf(req);
  const { providers } = context;
  const provider = providers.only ?? providers.named(formOf(req).get('provider') ?? undefined);
  if (!provider) return '/signed-out';
  const state = newLogoutState();
  const url = await endSessionUrl(context, provider, { state });
  return sayFarewell(res, context, provider, { state, url });
}

function endSessionUrl(
  { baseUrl }: AuthContext,
  provider: Provider,
  parameters: { state: string; id_token_hint?: string | undefined },
): Promise<URL | undefined> {
  const post_logout_redirect_uri = `${baseUrl}/signed-out`;
  return provider.endSessionUrl({ ...parameters, post_logout_redirect_uri }).catch(() => undefined);
}

interface Leaving {
  state: string;
  url: URL | undefined;
  others?: number;
  revoked?: boolean;
}

/** @returns where the person goes next */
function sayFarewell(
  res: Response,
  context: AuthContext,
  { name, label }: Provider,
  { state, url, others = 0, revoked = false }: Leaving,
): string | WayOut {
  const stateReturns = url?.searchParams.has('state') ?? false;
  leaveFarewell(res, context, {
    ...{ provider: name, state, sentToProvider: url !== undefined, stateReturns },
    ...(others > 0 && { others }),
    ...(revoked && { revoked }),
  });
  return url ? new WayOut(url, label) : '/signed-out';
}

/**
 * A failure is logged, never shown: the session here has ended all the same.
 *
 * @param leftMs what is left of a person's patience
 * @returns whether the provider has said that it did
 */
async function revoke(
  req: Request,
  provider: Provider,
  tokens: TokenRecord,
  leftMs: number,
): Promise<boolean> {
  const waits = leftMs >= tooLittleMs;
  const signal = waits ? AbortSignal.timeout(leftMs) : undefined;
  const revoked = provider.revoke(tokens, signal).catch(({ message, hint }: AuthError) => {
    req.log?.warn({ reason: message, hint }, 'the refresh token could not be revoked');
    return false;
  });
  return waits && revoked;
}
