import { setTimeout as sleep } from 'node:timers/promises';
import type { Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { RefreshError } from '../provider/index.ts';
import { type AuthContext, demandStore } from '../session/context.ts';
import { forPerson } from '../session/refresh-ended.ts';
import type { UserSession } from '../session/user.ts';
import type { TokenRecord } from '../store/index.ts';

/** A token is refreshed when a quarter of its life is left, and never earlier than this. */
const longestMarginMs = 30_000;
/** With less than this left it may run out on its way: as good as over. */
const transitMs = 1_000;
/** An API that refused a token is not believed again so soon: what refuses each new token is no matter of tokens. */
const youngMs = 60_000;
/** How long a request waits for a refresh that another one is doing; then it does without. */
const patienceMs = 8_000;
const pollMs = 50;

type Own = { id: string; user: UserSession };
type Owner = { provider: string; iss: string; sub: string };

/** Why a refresh: a token is about to end, an API has refused it, or a recheck wants to know. */
type Why = 'ends' | { refused: string } | 'now';

/** Refreshes under way in this process, by session: the requests of one process share one without asking the store. */
const underWay = new Map<string, Promise<TokenRecord>>();

/** A token that is due: it ends soon. One without an end serves until an API refuses it. */
export function isEnding({ expires_at, obtained_at }: TokenRecord): boolean {
  if (expires_at === undefined) return false;
  const quarter = (expires_at - (obtained_at ?? Number.NEGATIVE_INFINITY)) / 4;
  return expires_at - Date.now() <= Math.max(transitMs, Math.min(longestMarginMs, quarter));
}

export function stillServes({ expires_at = Number.POSITIVE_INFINITY }: TokenRecord): boolean {
  return expires_at - Date.now() > transitMs;
}

export function isYoung({ obtained_at = 0 }: TokenRecord): boolean {
  return Date.now() - obtained_at < youngMs;
}

/**
 * The session's tokens after a refresh, once however many ask (R13). Ends the session where the provider's answer
 * says so.
 *
 * @param refused an access token that an API has refused: it is refreshed once. Without it, a token that ends soon
 * @returns the tokens as they are where there is nothing to refresh, or no refresh token to do it with
 */
export async function refreshTokens(req: Request, own: Own, refused?: string): Promise<TokenRecord> {
  const { context } = demandStore(req);
  const { id, user } = own;
  const name = refused === undefined ? id : `${id} ${refused}`;
  const why = refused === undefined ? 'ends' : { refused };
  try {
    let refresh = underWay.get(name);
    if (!refresh) {
      const owner = { provider: user.provider, iss: user.iss, sub: user.sub };
      refresh = refreshAudited(context, id, owner, why).finally(() => underWay.delete(name));
      underWay.set(name, refresh);
    }
    return await refresh;
  } catch (error) {
    throw await forPerson(req, context, error);
  }
}

/**
 * The session's tokens after a refresh that a recheck wants, whether they are due or not. Ends nothing.
 *
 * @throws AuthError, a RefreshError where the provider's answer says what follows
 */
export function refreshNow(
  context: AuthContext,
  id: string,
  { provider, iss, sub }: Owner,
): Promise<TokenRecord> {
  return refreshAudited(context, id, { provider, iss, sub }, 'now');
}

/** However many requests wait for a refresh, its failure is logged once. */
async function refreshAudited(
  context: AuthContext,
  id: string,
  owner: Owner,
  why: Why,
): Promise<TokenRecord> {
  try {
    return await refreshOnce(context, id, owner, why);
  } catch (error) {
    // A session that somebody ended meanwhile is logged there.
    if (error instanceof AuthError && error.reason !== 'sign_in_first') {
      const { reason, hint } = error;
      context.audit('token.refresh_failed', { ...about(owner), session: id, reason, hint });
      if (reason === 'client_refused')
        context.log.error({ hint }, 'the client authentication of this app does not work');
    }
    throw error;
  }
}

/** One refresh over all instances: who holds the lock asks the provider, who does not waits for the result. */
async function refreshOnce(context: AuthContext, id: string, owner: Owner, why: Why): Promise<TokenRecord> {
  const { tokens } = context.sessions;
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const unlock = await tokens.lock(id);
    try {
      // Read again: whoever held the lock before may have done the work.
      const old = await tokens.read(id);
      if (!old) throw new AuthError('sign_in_first', { hint: 'the session ended meanwhile' });
      if (!isDue(old, why) || !old.refresh_token) return old;
      if (unlock) return await refreshLocked(context, id, owner, { old, refused: refusedIn(why) });
    } finally {
      await unlock?.();
    }
    if (Date.now() > giveUpAt)
      throw new AuthError('provider_unreachable', { hint: 'another instance holds the refresh lock' });
    await sleep(pollMs);
  }
}

async function refreshLocked(
  context: AuthContext,
  id: string,
  owner: Owner,
  { old, refused }: { old: TokenRecord; refused: string | undefined },
): Promise<TokenRecord> {
  const { providers, sessions, audit } = context;
  const provider = providers.ofSession(owner);
  if (!provider) throw new AuthError('sign_in_first', { hint: 'the provider of the session is gone' });
  const answer = await provider.refresh(old, owner).catch(async (error) => {
    await rememberFailure(context, id, { old, refused, error });
    throw error;
  });
  const refused_at = refused === undefined ? old.refused_at : answer.obtained_at;
  const fresh = { ...answer, ...(refused_at !== undefined && { refused_at }) };
  // Stored before it is used: a rotated refresh token that gets lost ends the session (RFC 9700 §4.14).
  if (!(await sessions.tokens.replace(id, fresh)))
    throw new AuthError('sign_in_first', { hint: 'the session ended meanwhile' });
  audit('token.refreshed', { ...about(owner), session: id });
  return fresh;
}

function about({ iss, sub }: Owner): { iss: string; sub: string } {
  return { iss, sub };
}

/**
 * What only a new sign-in cures is not tried again: a refresh token that was used up, whose second use the provider
 * would take for theft, and a refused access token that cannot be refreshed.
 */
async function rememberFailure(
  { sessions }: AuthContext,
  id: string,
  { old, refused, error }: { old: TokenRecord; refused: string | undefined; error: unknown },
): Promise<void> {
  if (!(error instanceof RefreshError) || error.reason !== 'sign_in_again') return;
  if (!error.spent && refused === undefined) return;
  await sessions.tokens.replace(id, {
    ...old,
    ...(error.spent && { refresh_token: undefined, spent: true as const }),
    ...(refused !== undefined && { dead: true as const }),
  });
}

function refusedIn(why: Why): string | undefined {
  return typeof why === 'object' ? why.refused : undefined;
}

function isDue(tokens: TokenRecord, why: Why): boolean {
  if (why === 'now') return true;
  const refused = refusedIn(why);
  if (refused === undefined) return isEnding(tokens);
  // Somebody else has refreshed it already, or tried to.
  if (tokens.access_token !== refused || tokens.dead) return false;
  // The one before it was refused too: the API refuses whatever it is given.
  return tokens.refused_at === undefined || Date.now() - tokens.refused_at >= youngMs;
}
