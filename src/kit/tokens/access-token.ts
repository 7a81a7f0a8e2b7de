import type { Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { type ApiAnswer, type ApiRequest, apiAddress, withoutEcho } from '../provider/index.ts';
import { demandStore } from '../session/context.ts';
import { neededProvider } from '../session/needed-provider.ts';
import { otherAccount } from '../session/other-account.ts';
import type { ApiName } from '../session/register.ts';
import type { UserSession } from '../session/user.ts';
import { providerOf, signedIn } from '../session/user-session.ts';
import { pageOf } from '../session/way-back.ts';
import type { TokenRecord } from '../store/index.ts';
import { isEnding, isYoung, refreshTokens, stillServes } from './token-refresh.ts';

/** How long a token that still serves is not refreshed again after that has failed, in seconds. */
const pauseSeconds = 5;

/** Sessions whose refresh has just failed while their token still serves. */
const paused = new Set<string>();

/**
 * An access token of this request's user that does not end at once. Where the provider does not give a new one, the old
 * one serves to its end.
 *
 * @throws AuthError `invalid_grant` or `session_over` (401) when the provider will not refresh it: the session has then ended;
 *   `sign_in_again` (401) when only a new sign-in helps; `provider_unreachable` or `client_refused` (503) when there is
 *   no answer, or none for this app: nothing has ended
 */
export async function getAccessToken(req: Request): Promise<string> {
  return (await currentTokens(req, demandOwn(req))).access_token;
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
 * A text without what it has in common with the user's access token. For pages that print what an API said: it was
 * sent the token, and may send it back (R20).
 */
export async function withoutToken(req: Request, text: string): Promise<string> {
  const { context } = demandStore(req);
  const own = signedIn(req);
  const tokens = own && (await context.sessions.tokens.read(own.id));
  return tokens ? withoutEcho(text, [tokens.access_token]) : text;
}

/**
 * Calls one of the site's `apis` with the user's access token, in the Authorization header and nowhere else. Follows no
 * redirect; the whole answer within 5 seconds. A token that the API takes for invalid is refreshed once, and the call
 * made again: a 401 says that nothing was done.
 *
 * @param name as `apis` in site.ts has it
 * @param path what follows the API's address: begins with "/", or is empty. Encode what comes from people:
 *   `/notes/${encodeURIComponent(id)}`
 * @throws AuthError as `getAccessToken` does; `forbidden` (403) when the user comes from a provider whose tokens this API
 *   does not take; `api_unreachable` (503) when the API does not answer
 */
export async function fetchApi(
  req: Request,
  name: ApiName,
  path: string,
  init?: ApiRequest,
): Promise<Response> {
  const { apis, providers } = demandStore(req).context;
  const url = apiAddress(apis, name, path);
  const own = demandOwn(req);
  const provider = providerOf(req);
  if (!provider) throw new AuthError('sign_in_first');
  const taken = apis.get(name)?.providers ?? [];
  if (!taken.includes(provider.name)) {
    const page = { text: [neededProvider(taken, providers)], other: otherAccount(req, pageOf(req)) };
    throw new AuthError('forbidden', {
      page,
      hint: `the API '${name}' takes tokens of ${taken.join(', ')} only`,
    });
  }
  const tokens = await currentTokens(req, own);
  let answer = await provider.fetchApi(tokens, url, init);
  if (answer.refused) {
    const fresh = await afterRefusal(req, own, tokens);
    if (fresh) answer = await provider.fetchApi(fresh, url, init);
  }
  if (answer.refused) logRefusal(req, url, { ...answer.refused, hint: provider.inFull(refusalHint) });
  return answer.response;
}

function demandOwn(req: Request): Own {
  const own = signedIn(req);
  if (own) return own;
  demandStore(req);
  throw new AuthError('sign_in_first');
}

type Own = { id: string; user: UserSession };

async function currentTokens(req: Request, own: Own): Promise<TokenRecord> {
  const { context } = demandStore(req);
  const { id } = own;
  const tokens = await context.sessions.tokens.read(id);
  if (!tokens) throw new AuthError('sign_in_again', { hint: 'the session has no token record' });
  if (!isEnding(tokens) || (stillServes(tokens) && paused.has(id))) return tokens;
  try {
    const fresh = tokens.refresh_token ? await refreshTokens(req, own) : tokens;
    // One that has just been got is used, however short its life.
    if (fresh.access_token !== tokens.access_token || stillServes(fresh)) return fresh;
  } catch (error) {
    if (!stillServes(tokens) || !endsNothing(error)) throw error;
    paused.add(id);
    setTimeout(() => paused.delete(id), (error.retryAfter ?? pauseSeconds) * 1000).unref();
    return tokens;
  }
  throw new AuthError('sign_in_again', {
    hint: 'the access token has run out and there is no refresh token',
  });
}

function endsNothing(error: unknown): error is AuthError {
  return error instanceof AuthError && !/^(invalid_grant|session_over|sign_in_first)$/.test(error.reason);
}

/**
 * Newer tokens for those that an API has refused; undefined where there are none, and no new sign-in would help: an API
 * that refuses a token younger than a minute refuses the next one too, and sign-ins would go in circles.
 *
 * @throws AuthError `sign_in_again` for an older one that cannot be refreshed
 */
async function afterRefusal(req: Request, own: Own, tokens: TokenRecord): Promise<TokenRecord | undefined> {
  const refused = tokens.access_token;
  try {
    const fresh = tokens.refresh_token ? await refreshTokens(req, own, refused) : tokens;
    if (fresh.access_token !== refused) return fresh;
  } catch (error) {
    if (!(error instanceof AuthError) || error.reason !== 'sign_in_again' || !isYoung(tokens)) throw error;
  }
  if (isYoung(tokens)) return undefined;
  throw new AuthError('sign_in_again', {
    hint: 'the API refused the access token, and it could not be refreshed',
  });
}

const refusalHint =
  "ask for the API's scope in OIDC_SCOPE, or name the API in OIDC_AUDIENCE or OIDC_RESOURCE, so that its tokens are meant for it; at OpenIddict, DisableAccessTokenEncryption";

function logRefusal(
  req: Request,
  url: URL,
  refused: NonNullable<ApiAnswer['refused']> & { hint: string },
): void {
  const log = req.log ?? demandStore(req).context.log;
  log.error({ api: url.origin, ...refused }, "the API refuses this app's access tokens");
}
