import { setTimeout as sleep } from 'node:timers/promises';
import type { Request } from 'express';
import type { TokenRecord } from '../sessions/index.ts';
import { type AuthContext, demandStore } from './context.ts';
import { AuthError } from './errors.ts';
import { endUserSession, signedIn } from './user-session.ts';

/** A token with less than this left is refreshed before it is used. */
const marginMs = 30_000;
/** How long a request waits for a refresh that another one is doing; then it does without. */
const patienceMs = 8_000;
const pollMs = 50;

/** Refreshes under way in this process, by session: the requests of one process share one without asking the store. */
const underWay = new Map<string, Promise<TokenRecord>>();

/**
 * An access token of this request's user that is good for the next half minute.
 *
 * @throws AuthError `invalid_grant` or `session_over` (401) when the provider will not refresh it: the session has then ended;
 *   `provider_unreachable` (503) when it does not answer: nothing has ended;
 *   `stronger_sign_in` (401) when there are no tokens to be had
 */
export async function getAccessToken(req: Request): Promise<string> {
  return (await currentTokens(req)).access_token;
}

/** When the tokens end and when they were last refreshed. Loads them, refreshes nothing. */
export async function tokenState(req: Request): Promise<{ expiresAt?: Date; refreshedAt?: Date }> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  const tokens = own && (await context.sessions.tokens.read(own.id));
  return {
    ...(tokens?.expires_at !== undefined && { expiresAt: new Date(tokens.expires_at) }),
    ...(tokens?.refreshed_at !== undefined && { refreshedAt: new Date(tokens.refreshed_at) }),
  };
}

/**
 * Calls an API with the user's access token, in the Authorization header and nowhere else. Follows no redirect;
 * the whole answer within 5 seconds. Give it only addresses of your own API, never one from a request (ASVS 1.3.6).
 */
export async function fetchApi(
  req: Request,
  url: URL,
  init?: { method?: string; headers?: Record<string, string>; body?: string },
): Promise<Response> {
  const { context } = demandStore(req);
  return context.provider.fetchApi(await currentTokens(req), url, init);
}

async function currentTokens(req: Request): Promise<TokenRecord> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  if (!own) throw new AuthError('sign_in_first');
  const { id, user } = own;
  const tokens = await context.sessions.tokens.read(id);
  if (!tokens) throw new AuthError('stronger_sign_in', { hint: 'the session has no token record' });
  if (!isEnding(tokens)) return tokens;
  if (!tokens.refresh_token) return stillGood(tokens);
  const { iss, sub } = user;
  try {
    let refresh = underWay.get(id);
    if (!refresh) {
      refresh = refreshAudited(context, id, { iss, sub }).finally(() => underWay.delete(id));
      underWay.set(id, refresh);
    }
    return await refresh;
  } catch (error) {
    const over = error instanceof AuthError && /^(invalid_grant|session_over)$/.test(error.reason);
    if (over && req.res) await endUserSession(req, req.res, 'account');
    throw error;
  }
}

/** However many requests wait for a refresh, it is told once. */
async function refreshAudited(
  context: AuthContext,
  id: string,
  owner: { iss: string; sub: string },
): Promise<TokenRecord> {
  try {
    return await refreshOnce(context, id, owner);
  } catch (error) {
    // A session that somebody ended meanwhile is told of there.
    if (error instanceof AuthError && error.reason !== 'sign_in_first') {
      const { reason, hint } = error;
      context.audit('token.refresh_failed', { ...owner, session: id, reason, hint });
    }
    throw error;
  }
}

/** One refresh over all instances (R13): who holds the lock asks the provider, who does not waits for the result. */
async function refreshOnce(
  context: AuthContext,
  id: string,
  owner: { iss: string; sub: string },
): Promise<TokenRecord> {
  const { tokens } = context.sessions;
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const unlock = await tokens.lock(id);
    // Read again: whoever held the lock before may have done the work.
    const old = await tokens.read(id);
    try {
      if (!old) throw new AuthError('sign_in_first', { hint: 'the session ended meanwhile' });
      if (!isEnding(old)) return old;
      if (unlock) {
        const fresh = await context.provider.refresh(old, owner);
        // Stored before it is used: a rotated refresh token that gets lost ends the session (RFC 9700 §4.14).
        if (!(await tokens.replace(id, fresh)))
          throw new AuthError('sign_in_first', { hint: 'the session ended meanwhile' });
        context.audit('token.refreshed', { ...owner, session: id });
        return fresh;
      }
    } finally {
      await unlock?.();
    }
    if (Date.now() > giveUpAt)
      throw new AuthError('provider_unreachable', { hint: 'another instance holds the refresh lock' });
    await sleep(pollMs);
  }
}

function isEnding(tokens: TokenRecord): boolean {
  return tokens.expires_at !== undefined && tokens.expires_at - Date.now() < marginMs;
}

/** Without a refresh token the access token serves to its end, and then a new sign-in is needed. */
function stillGood(tokens: TokenRecord): TokenRecord {
  if ((tokens.expires_at ?? 0) > Date.now()) return tokens;
  throw new AuthError('stronger_sign_in', {
    hint: 'the access token has run out and there is no refresh token',
  });
}
