import { AuthError } from '../errors/auth-error.ts';
import { type Apis, type Provider, RefreshError } from '../provider/index.ts';
import type { AccessToken, TokenRecord } from '../store/index.ts';
import { isEnding, isUsable } from './token-life.ts';
import { tokenFor, type Wanted, withToken } from './wanted.ts';

/** Which token is to be got, for whom, and how its record is stored. The session's refresh lock is held. */
interface TokenRequest {
  provider: Provider;
  owner: { iss: string; sub: string };
  apis: Apis;
  wanted: Wanted;
  /** The API's access token that it has refused. */
  refused: string | undefined;
  /** Stores the record, or throws where the session has ended meanwhile. */
  store: (record: TokenRecord) => Promise<TokenRecord>;
  /** Refreshes and stores the access token of the sign-in. */
  plain: () => Promise<TokenRecord>;
}

/**
 * Gets an access token for one API, by the refresh token or by token exchange, and stores it. What the provider refuses
 * for this API only ends no session (R13).
 *
 * @returns the stored record
 * @throws AuthError `api_token_refused` where it is for this API only; else as a refresh does
 */
export function getApiToken(request: TokenRequest, old: TokenRecord): Promise<TokenRecord> {
  return request.wanted.token.exchange ? byExchange(request, old) : byRefresh(request, old);
}

async function byRefresh(request: TokenRequest, old: TokenRecord): Promise<TokenRecord> {
  const { provider, owner, apis, wanted, store } = request;
  let answer: TokenRecord;
  try {
    answer = await provider.refresh(old, owner, wanted.token);
  } catch (error) {
    if (!(error instanceof RefreshError)) throw error;
    if (error.spent) {
      await store({ ...old, refresh_token: undefined, spent: true });
      throw error;
    }
    // The plain refresh says whether the refresh token is gone, or only refused for this API. It throws what ends the session.
    if (error.reason === 'invalid_grant') throw await rememberRefusal(request, await request.plain(), error);
    throw await rememberRefusal(
      request,
      { ...old, refresh_token: error.rotated ?? old.refresh_token },
      error,
    );
  }
  // Of the answer only the access token and a rotated refresh token count: who the user is, a recheck finds out (R12).
  const record = { ...old, refresh_token: answer.refresh_token };
  return store(withToken(record, wanted, { token: toAccessToken(request, answer) }, apis));
}

/** RFC 8693. The subject token is the sign-in's access token, refreshed before where it is about to end. */
async function byExchange(request: TokenRequest, old: TokenRecord): Promise<TokenRecord> {
  const { provider, wanted, apis, store } = request;
  const subject = isEnding(old) && old.refresh_token !== undefined ? await freshSubject(request, old) : old;
  if (!isUsable(subject)) {
    const hint = 'the access token to exchange has expired and there is no refresh token';
    throw new AuthError('sign_in_again', { hint });
  }
  try {
    const answer = await provider.exchange(subject, wanted.token);
    return await store(withToken(subject, wanted, { token: toAccessToken(request, answer) }, apis));
  } catch (error) {
    throw error instanceof RefreshError ? await rememberRefusal(request, subject, error) : error;
  }
}

async function freshSubject(request: TokenRequest, old: TokenRecord): Promise<TokenRecord> {
  try {
    return await request.plain();
  } catch (error) {
    if (!(error instanceof RefreshError) || error.ends || !isUsable(old)) throw error;
    // A refresh token that was used up is stored as that by now, and must not be stored again as a good one.
    return error.spent ? { ...old, refresh_token: undefined, spent: true } : old;
  }
}

/** Remembers what the provider refuses: neither it nor the person is asked again at once. */
async function rememberRefusal(
  { wanted, apis, store }: TokenRequest,
  record: TokenRecord,
  error: RefreshError,
): Promise<RefreshError> {
  const again = error.reason === 'sign_in_again';
  if (!again && !/^(api_token_refused|invalid_grant)$/.test(error.reason)) return error;
  const hint = `${error.hint ?? error.reason}; check the \`scope\`, \`resource\` or \`audience\` of the API '${wanted.name}' in site.ts, and that this client may have them at the provider`;
  const token = tokenFor(record, wanted);
  const failed = { at: Date.now(), hint, ...(again && { again }) };
  await store(withToken(record, wanted, { ...(token && { token }), failed }, apis));
  return new RefreshError(again ? 'sign_in_again' : 'api_token_refused', { cause: error, hint });
}

/** With `refused_at` where the API has refused the one before: it is not given a third at once if it refuses this too. */
function toAccessToken({ refused }: TokenRequest, answer: AccessToken): AccessToken {
  const { access_token, expires_at, obtained_at } = answer;
  const refused_at = refused === undefined ? undefined : obtained_at;
  return { access_token, expires_at, obtained_at, ...(refused_at !== undefined && { refused_at }) };
}
