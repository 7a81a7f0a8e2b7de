import { AuthError } from '../errors/auth-error.ts';
import { type Apis, type Provider, RefreshError } from '../provider/index.ts';
import type { AccessToken, TokenRecord } from '../store/index.ts';
import { isEnding, stillServes } from './token-life.ts';
import { tokenFor, type Wanted, withToken } from './wanted.ts';

/** Who gets an API's token, for whom, and what it may use. The session's refresh lock is held. */
interface Surroundings {
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
export function getApiToken(at: Surroundings, old: TokenRecord): Promise<TokenRecord> {
  return at.wanted.token.exchange ? exchangeFor(at, old) : refreshFor(at, old);
}

async function refreshFor(at: Surroundings, old: TokenRecord): Promise<TokenRecord> {
  const { provider, owner, apis, wanted, store } = at;
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
    if (error.reason === 'invalid_grant') throw await failedFor(at, await at.plain(), error);
    throw await failedFor(at, { ...old, refresh_token: error.rotated ?? old.refresh_token }, error);
  }
  // Of the answer only the access token and a rotated refresh token count: who the user is, a recheck finds out (R12).
  const record = { ...old, refresh_token: answer.refresh_token };
  return store(withToken(record, wanted, { token: gotten(at, answer) }, apis));
}

/** RFC 8693. The subject token is the sign-in's access token, refreshed before where it is about to end. */
async function exchangeFor(at: Surroundings, old: TokenRecord): Promise<TokenRecord> {
  const subject = isEnding(old) && old.refresh_token !== undefined ? await freshSubject(at, old) : old;
  if (!stillServes(subject)) {
    const hint = 'the access token to exchange has run out and there is no refresh token';
    throw new AuthError('sign_in_again', { hint });
  }
  try {
    const token = await at.provider.exchange(subject, at.wanted.token);
    return await at.store(withToken(subject, at.wanted, { token: gotten(at, token) }, at.apis));
  } catch (error) {
    throw error instanceof RefreshError ? await failedFor(at, subject, error) : error;
  }
}

async function freshSubject(at: Surroundings, old: TokenRecord): Promise<TokenRecord> {
  try {
    return await at.plain();
  } catch (error) {
    if (!(error instanceof RefreshError) || error.ends || !stillServes(old)) throw error;
    // One that was used up is stored as that by now, and does not come back.
    return error.spent ? { ...old, refresh_token: undefined, spent: true } : old;
  }
}

/** Remembers what the provider refuses: neither it nor the person is asked again at once. */
async function failedFor(at: Surroundings, record: TokenRecord, error: RefreshError): Promise<RefreshError> {
  const again = error.reason === 'sign_in_again';
  if (!again && !/^(api_token_refused|invalid_grant)$/.test(error.reason)) return error;
  const { name } = at.wanted;
  const hint = `${error.hint ?? error.reason}; check the \`scope\`, \`resource\` or \`audience\` of the API '${name}' in site.ts, and that this client may have them at the provider`;
  const token = tokenFor(record, at.wanted);
  const failed = { at: Date.now(), hint, ...(again && { again }) };
  await at.store(withToken(record, at.wanted, { ...(token && { token }), failed }, at.apis));
  return new RefreshError(again ? 'sign_in_again' : 'api_token_refused', { cause: error, hint });
}

function gotten({ refused }: Surroundings, answer: AccessToken): AccessToken {
  const { access_token, expires_at, obtained_at } = answer;
  const refused_at = refused === undefined ? undefined : obtained_at;
  return { access_token, expires_at, obtained_at, ...(refused_at !== undefined && { refused_at }) };
}
