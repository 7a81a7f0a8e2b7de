import { setTimeout as sleep } from 'node:timers/promises';
import type { Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { type Provider, RefreshError } from '../provider/index.ts';
import { type AuthContext, demandStore } from '../session/context.ts';
import { forPerson } from '../session/refresh-ended.ts';
import type { UserSession } from '../session/user.ts';
import type { TokenRecord } from '../store/index.ts';
import { getApiToken } from './api-token.ts';
import { isEnding, isRecent } from './token-life.ts';
import { failureOf, newestIn, tokenFor, type Wanted } from './wanted.ts';

/** How long a request waits for one refresh that another one is doing; then it does without. */
const patienceMs = 8_000;
const pollMs = 50;

export type Own = { id: string; user: UserSession };
type Owner = { provider: string; iss: string; sub: string };

/** Why a refresh: a token is about to end or not there yet, an API has refused it, or a recheck wants to know. */
type Why = 'ends' | { refused: string } | 'now';

/** What is to be refreshed. */
interface Refresh {
  why: Why;
  /** For an API that has an access token of its own. */
  wanted?: Wanted | undefined;
}

/** Refreshes under way in this process: the requests of one process share one without asking the store. */
const underWay = new Map<string, Promise<TokenRecord>>();

/** Only those that want the same token for the same API, asked for in the same way, share an answer (R13). */
function nameOf(id: string, { why, wanted }: Refresh): string {
  return JSON.stringify([id, refusedIn(why), wanted?.name, wanted?.token]);
}

/**
 * The session's tokens after a refresh, once however many ask (R13). Ends the session where the provider's answer
 * says so.
 *
 * @param refused an access token that an API has refused: it is refreshed once. Without it, one that ends soon, or that
 *   is not there yet
 * @returns the tokens as they are where there is nothing to refresh, or no refresh token to do it with
 */
export async function refreshTokens(
  req: Request,
  own: Own,
  { refused, wanted }: { refused?: string | undefined; wanted?: Wanted | undefined } = {},
): Promise<TokenRecord> {
  const { context } = demandStore(req);
  const { id, user } = own;
  const asked: Refresh = { why: whyOf(refused), wanted };
  const name = nameOf(id, asked);
  try {
    let refresh = underWay.get(name);
    if (!refresh) {
      const owner = { provider: user.provider, iss: user.iss, sub: user.sub };
      refresh = refreshAudited(context, id, owner, asked).finally(() => underWay.delete(name));
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
  return refreshAudited(context, id, { provider, iss, sub }, { why: 'now' });
}

/** The session's tokens with one for this API that does not end at once, or is another than the refused one. Ends nothing. */
export function refreshFor(
  context: AuthContext,
  id: string,
  { provider, iss, sub }: Owner,
  { wanted, refused }: { wanted: Wanted; refused: string | undefined },
): Promise<TokenRecord> {
  return refreshAudited(context, id, { provider, iss, sub }, { why: whyOf(refused), wanted });
}

/** However many requests wait for a refresh, its failure is logged once. */
async function refreshAudited(
  context: AuthContext,
  id: string,
  owner: Owner,
  asked: Refresh,
): Promise<TokenRecord> {
  try {
    return await refreshOnce(context, id, owner, asked);
  } catch (error) {
    // A session that somebody ended meanwhile is logged there.
    if (error instanceof AuthError && error.reason !== 'sign_in_first') {
      const { reason, hint } = error;
      const api = asked.wanted?.name;
      context.audit('token.refresh_failed', { ...about(owner), session: id, api, reason, hint });
      if (reason === 'client_refused')
        context.log.error({ hint }, 'the client authentication of this app does not work');
    }
    throw error;
  }
}

/** One refresh over all instances: who holds the lock asks the provider, who does not waits for the result. */
async function refreshOnce(
  context: AuthContext,
  id: string,
  owner: Owner,
  asked: Refresh,
): Promise<TokenRecord> {
  const { tokens } = context.sessions;
  let giveUpAt = Date.now() + patienceMs;
  let latest = Number.POSITIVE_INFINITY;
  for (;;) {
    const unlock = await tokens.lock(id);
    try {
      // Read again: whoever held the lock before may have done the work, or rotated the refresh token for another API.
      const old = await tokens.read(id);
      if (!old) throw new AuthError('sign_in_first', { hint: 'the session ended meanwhile' });
      if (!isDue(old, asked) || !canRefresh(old, asked.wanted)) return old;
      if (unlock) return await refreshLocked(context, id, owner, { old, asked });
      // Another API's refresh has come to its end: the turn of this one comes nearer. There are twenty at most.
      const newest = newestIn(old);
      if (newest > latest) giveUpAt = Date.now() + patienceMs;
      latest = newest;
    } finally {
      await unlock?.();
    }
    if (Date.now() > giveUpAt)
      throw new AuthError('provider_unreachable', { hint: 'another instance holds the refresh lock' });
    await sleep(pollMs);
  }
}

/** An exchange needs no refresh token. */
export function canRefresh(record: TokenRecord, wanted: Wanted | undefined): boolean {
  if (wanted?.token.exchange) return true;
  return record.refresh_token !== undefined && !(wanted && lacksResource(record, wanted));
}

/**
 * A refresh may ask only for a resource that the sign-in has asked for (RFC 8707 §2.2), and one of an older deploy of
 * this app may not have. Some servers use the refresh token up before they say so (oidc-provider), and the session would
 * end by that.
 */
export function lacksResource({ asked_for }: TokenRecord, { name, token }: Wanted): boolean {
  return token.resource !== undefined && !token.exchange && !asked_for?.includes(name);
}

async function refreshLocked(
  context: AuthContext,
  id: string,
  owner: Owner,
  { old, asked: { why, wanted } }: { old: TokenRecord; asked: Refresh },
): Promise<TokenRecord> {
  const { providers, sessions, audit, apis } = context;
  const provider = providers.ofSession(owner);
  if (!provider) throw new AuthError('sign_in_first', { hint: 'the provider of the session is gone' });
  // Stored before it is used: a rotated refresh token that gets lost ends the session (RFC 9700 §4.14).
  const store = async (fresh: TokenRecord): Promise<TokenRecord> => {
    if (!(await sessions.tokens.replace(id, fresh)))
      throw new AuthError('sign_in_first', { hint: 'the session ended meanwhile' });
    return fresh;
  };
  const refused = refusedIn(why);
  const plain = async (refused: string | undefined) => {
    const fresh = await refreshSignIn(provider, owner, { old, refused }).catch(async (error) => {
      await rememberFailure(context, id, { old, refused, error });
      throw error;
    });
    return store(fresh);
  };
  const fresh = wanted
    ? await getApiToken({ provider, owner, apis, wanted, refused, store, plain: () => plain(undefined) }, old)
    : await plain(refused);
  audit('token.refreshed', { ...about(owner), session: id, api: wanted?.name });
  return fresh;
}

/** The access token of the sign-in. What APIs have of their own stays. */
async function refreshSignIn(
  provider: Provider,
  owner: Owner,
  { old, refused }: { old: TokenRecord; refused: string | undefined },
): Promise<TokenRecord> {
  const { apis, asked_for } = old;
  const answer = await provider.refresh(old, owner);
  const refused_at = refused === undefined ? old.refused_at : answer.obtained_at;
  return {
    ...answer,
    ...(refused_at !== undefined && { refused_at }),
    ...(apis && { apis }),
    ...(asked_for && { asked_for }),
  };
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

function whyOf(refused: string | undefined): Why {
  return refused === undefined ? 'ends' : { refused };
}

function refusedIn(why: Why): string | undefined {
  return typeof why === 'object' ? why.refused : undefined;
}

function isDue(record: TokenRecord, { why, wanted }: Refresh): boolean {
  if (why === 'now') return true;
  if (wanted && failureOf(record, wanted)) return false;
  const token = tokenFor(record, wanted);
  const refused = refusedIn(why);
  if (!token || refused === undefined) return !token || isEnding(token);
  // Somebody else has refreshed it already, or tried to.
  if (token.access_token !== refused || token.dead) return false;
  // The one before it was refused too: the API refuses whatever it is given.
  return token.refused_at === undefined || !isRecent(token.refused_at);
}
