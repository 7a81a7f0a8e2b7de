import type { Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { failurePage } from '../errors/failure-pages.ts';
import { demandStore } from '../session/context.ts';
import type { AccessToken, TokenRecord } from '../store/index.ts';
import { isEnding, isRecent, isUsable, isYoung } from './token-life.ts';
import { canRefresh, lacksResource, type Own, refreshTokens } from './token-refresh.ts';
import { failureOf, tokenFor, type Wanted } from './wanted.ts';

/** How long a token that can still be used is not refreshed again after that has failed, in seconds. */
const pauseSeconds = 5;

/** Sessions, and APIs of them, whose refresh has just failed while their token can still be used. */
const paused = new Set<string>();

/** An access token, and the key that it is bound to. */
export type CurrentToken = AccessToken & Pick<TokenRecord, 'dpop_key'>;

/**
 * The access token of a session, or the one that an API wants of its own, which does not end at once. Where the provider
 * does not give a new one, the old one is used to its end.
 *
 * @throws AuthError as `getAccessToken` says
 */
export async function currentToken(
  req: Request,
  own: Own,
  wanted: Wanted | undefined,
): Promise<CurrentToken> {
  const { context } = demandStore(req);
  const record = await context.sessions.tokens.read(own.id);
  if (!record) throw new AuthError('sign_in_again', { hint: 'the session has no token record' });
  const token = tokenFor(record, wanted);
  const name = `${own.id} ${wanted?.name}`;
  if (token && (!isEnding(token) || (isUsable(token) && paused.has(name)))) return bound(record, token);
  try {
    const fresh = canRefresh(record, wanted) ? await refreshTokens(req, own, { wanted }) : record;
    const got = tokenFor(fresh, wanted);
    // One that has just been got is used, however short its life.
    if (got && (got.access_token !== token?.access_token || isUsable(got))) return bound(fresh, got);
    if (wanted) throw noTokenFor(fresh, wanted);
  } catch (error) {
    if (!token || !isUsable(token) || !endsNothing(error)) throw toApiError(error, own, record, wanted);
    paused.add(name);
    setTimeout(() => paused.delete(name), (error.retryAfter ?? pauseSeconds) * 1000).unref();
    return bound(record, token);
  }
  throw new AuthError('sign_in_again', {
    hint: 'the access token has expired and there is no refresh token',
  });
}

/**
 * A newer token for one that an API has refused; undefined where there is none, and no new sign-in would help: an API
 * that refuses a token younger than a minute refuses the next one too, and sign-ins would go in circles.
 *
 * @throws AuthError `sign_in_again` for an older one that cannot be refreshed
 */
export async function afterRefusal(
  req: Request,
  own: Own,
  wanted: Wanted | undefined,
  token: CurrentToken,
): Promise<CurrentToken | undefined> {
  const refused = token.access_token;
  const { context } = demandStore(req);
  const record = await context.sessions.tokens.read(own.id);
  try {
    const fresh =
      record && canRefresh(record, wanted) ? await refreshTokens(req, own, { refused, wanted }) : record;
    const got = fresh && tokenFor(fresh, wanted);
    if (got && got.access_token !== refused) return bound(fresh, got);
    if (isYoung(token)) return undefined;
    if (fresh && wanted && failureOf(fresh, wanted)) throw noTokenFor(fresh, wanted);
    throw new AuthError('sign_in_again', {
      hint: 'the API refused the access token, and it could not be refreshed',
    });
  } catch (error) {
    const noMore = error instanceof AuthError && /^(sign_in_again|api_token_refused)$/.test(error.reason);
    if (noMore && isYoung(token)) return undefined;
    throw record ? toApiError(error, own, record, wanted) : error;
  }
}

function bound({ dpop_key }: TokenRecord, token: AccessToken): CurrentToken {
  return { ...token, dpop_key };
}

export function endsNothing(error: unknown): error is AuthError {
  return error instanceof AuthError && !/^(invalid_grant|session_over|sign_in_first)$/.test(error.reason);
}

/** Nothing was asked: the provider has just refused it, or there is nothing to ask with. */
export function noTokenFor(record: TokenRecord, wanted: Wanted): AuthError {
  const failed = failureOf(record, wanted);
  if (failed)
    return new AuthError(failed.again ? 'sign_in_again' : 'api_token_refused', { hint: failed.hint });
  if (record.spent) {
    return new AuthError('sign_in_again', { hint: 'the refresh token was used up: its answer was refused' });
  }
  if (lacksResource(record, wanted)) {
    const hint = `the sign-in has not asked for the \`resource\` of the API '${wanted.name}'; a new one does`;
    return new AuthError('api_token_refused', { hint });
  }
  const hint = `the API '${wanted.name}' has an access token of its own, which needs a refresh token: ask for offline_access in OIDC_SCOPE, and let this client have it at the provider`;
  return new AuthError('api_token_refused', { hint });
}

/**
 * What the provider refuses for one API may be cured by a sign-in that asks for it: one, and no more (R13). A refusal
 * that needs the person leads to a sign-in, unless they have just signed in.
 */
function toApiError(error: unknown, own: Own, record: TokenRecord, wanted: Wanted | undefined): unknown {
  if (!wanted || !(error instanceof AuthError)) return error;
  const { reason, hint } = error;
  if (reason !== 'api_token_refused' && reason !== 'sign_in_again') return error;
  const asked = record.asked_for?.includes(wanted.name) ?? false;
  const helps = reason === 'sign_in_again' ? !isRecent(own.user.signedInAt) : !asked;
  if (!helps) return new AuthError('api_token_refused', { cause: error, hint });
  const page = failurePage('sign_in_again');
  const href = `/auth/login?api=${encodeURIComponent(wanted.name)}`;
  const action = page.action && { label: page.action.label, href };
  return new AuthError('sign_in_again', { cause: error, hint, page: { action } });
}
