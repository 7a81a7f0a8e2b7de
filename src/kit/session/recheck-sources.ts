import { AuthError } from '../errors/auth-error.ts';
import type { EndReason } from '../errors/end-reasons.ts';
import { loggedCauses } from '../errors/error-cause.ts';
import type { Language } from '../errors/language.ts';
import { isForLater, type Provider, RefreshError, unverifiedClaims } from '../provider/index.ts';
import { StoreError, type TokenRecord } from '../store/index.ts';
import { admit } from './admission.ts';
import type { AuthContext } from './context.ts';
import { claimsAfterRecheck, claimsOf } from './kept-claims.ts';
import { createTurns } from './recheck-turns.ts';
import type { UserSession } from './user.ts';

/** A session whose recheck is due, and the language of the request that found it so. */
export interface Due {
  id: string;
  language: Language;
}

/** What a recheck has found out. */
export interface Gathered {
  /** What replaces the old values. */
  found?: Pick<UserSession, 'claims' | 'fromUserinfo' | 'scope' | 'roles' | 'member'>;
  /** The session has to end: the provider or `signIn` said so. */
  over?: { reason: EndReason; error: unknown };
  /** It was no success: somebody did not answer, or gave an answer that cannot be used. */
  problem?: { reason: string; hint?: string | undefined };
  /** Only a new sign-in helps (R13): whoever opens a page is sent there at once. */
  signInAgain?: boolean;
  /**
   * Whether a sign-in would have refused what the provider answered. Undefined where that is not known: it did not answer,
   * or was not asked.
   */
  refused?: boolean;
  /** There is nothing to ask: no refresh token, and no `signIn`. */
  idle?: true;
  /** The session has ended meanwhile: nobody else was asked. */
  gone?: boolean;
}

/**
 * Asks every source again. One that does not answer stops no other: somebody whom `signIn` refuses is out although the
 * provider is away.
 */
export async function gather(
  context: AuthContext,
  { id, language }: Due,
  before: UserSession,
): Promise<Gathered> {
  const tokens = await context.sessions.tokens.read(id);
  if (!tokens && !(await context.sessions.updateUser(id, () => undefined))) return { gone: true };
  // Whoever had one and has it no more is no case for silence: a closed account would stay in.
  const asks = !tokens || tokens.refresh_token !== undefined || tokens.spent;
  if (!asks && !context.site.signIn) return { idle: true };
  const { iss, sub } = before;
  const provider = context.providers.ofSession(before);
  if (!provider) return { gone: true };
  const answer: Asked = asks ? await askInTurn(context, provider, { id, before, tokens }) : { tokens };
  if (answer.over) return { over: answer.over };
  if (answer.gone) return { gone: true };
  const { claims, fromUserinfo, scope = before.scope } = { ...before, ...answer.found };
  const found = { claims, fromUserinfo, scope, roles: before.roles, member: before.member };
  try {
    const said = claimsOf({ ...before, claims });
    const asked = { provider, iss, sub, session: id, claims: said, tokens: answer.tokens };
    const given = await admit(context, { ...asked, reason: 'recheck', language, log: context.log });
    return { ...answer, found: { ...found, roles: given.roles, member: given.member } };
  } catch (error) {
    const refusal = error instanceof AuthError && error.reason === 'not_admitted';
    if (refusal) return { over: { reason: 'not-admitted', error } };
    // The hook has called an API that has an access token of its own: its refresh may say that the session is over.
    const cause = error instanceof AuthError ? error.cause : undefined;
    if (cause instanceof RefreshError && cause.ends) return { over: { reason: cause.ends, error: cause } };
    logFailure(context, before, error);
    return { ...answer, found, problem: problemOf(error) };
  }
}

interface Asked extends Omit<Gathered, 'found'> {
  tokens: TokenRecord | undefined;
  found?: Pick<UserSession, 'claims' | 'fromUserinfo' | 'scope'>;
}

/** Of each provider in this process. */
const turns = new WeakMap<Provider, ReturnType<typeof createTurns>>();

interface Of {
  id: string;
  before: UserSession;
  tokens: TokenRecord | undefined;
}

async function askInTurn(context: AuthContext, provider: Provider, of: Of): Promise<Asked> {
  const { tokens } = of;
  // Where nothing can be asked, nothing is learned about the provider.
  if (!tokens?.refresh_token) return askProvider(context, provider, of);
  const inTurn = turns.get(provider) ?? createTurns();
  turns.set(provider, inTurn);
  const asked = await inTurn(async () => {
    const found = await askProvider(context, provider, of);
    return { ...found, unanswered: found.problem?.reason === 'provider_unreachable' && !found.found };
  });
  if (asked) return asked;
  const hint =
    'the provider was not asked: it does not answer other rechecks, or too many were before this one';
  return { tokens, problem: { reason: 'provider_unreachable', hint } };
}

async function askProvider(
  context: AuthContext,
  provider: Provider,
  { id, before, tokens }: Of,
): Promise<Asked> {
  const { sub } = before;
  if (!tokens?.refresh_token) {
    const hint = 'the session has lost its refresh token';
    return { tokens, problem: { reason: 'sign_in_again', hint }, signInAgain: true, refused: true };
  }
  let fresh: TokenRecord;
  try {
    fresh = await context.refreshTokens(context, id, before);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    if (error instanceof RefreshError && error.ends) return { tokens, over: { reason: error.ends, error } };
    // A hook that makes records would make those of somebody who was taken out while they were signed in.
    if (error instanceof AuthError && error.reason === 'sign_in_first') return { tokens, gone: true };
    const signInAgain = error instanceof AuthError && error.reason === 'sign_in_again';
    return { tokens, problem: problemOf(error), signInAgain, ...(signInAgain && { refused: true }) };
  }
  // Checked when it came. Where the refresh brought none, the one that is there says what it said before.
  const idToken = unverifiedClaims(fresh.id_token);
  let failed: Pick<Asked, 'problem' | 'refused'> = { refused: false };
  const userinfo = await provider.userinfo(fresh, sub).catch((error) => {
    logFailure(context, before, error);
    failed = { problem: problemOf(error), ...(!isForLater(error) && { refused: true }) };
    return undefined;
  });
  try {
    const kept = claimsAfterRecheck(before, { idToken, userinfo });
    return { tokens: fresh, found: { ...kept, scope: fresh.scope }, ...failed };
  } catch (error) {
    logFailure(context, before, error);
    return { tokens: fresh, problem: problemOf(error), refused: true };
  }
}

function problemOf(error: unknown): { reason: string; hint?: string | undefined } {
  return error instanceof AuthError ? { reason: error.reason, hint: error.hint } : { reason: 'unforeseen' };
}

/** A refresh that failed has its audit event. */
function logFailure({ log }: AuthContext, { iss, sub }: UserSession, error: unknown): void {
  const causes = loggedCauses(error, { stack: true });
  log.error({ iss, sub, ...problemOf(error), causes }, 'a recheck failed: the earlier values are kept');
}
