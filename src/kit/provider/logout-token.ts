import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { DecryptionError, isEncrypted } from './decryption.ts';
import { said } from './hint-text.ts';
import type { Provider } from './index.ts';
import type { Providers } from './providers.ts';
import { unverifiedHeader } from './unverified.ts';

const event = 'http://schemas.openid.net/event/backchannel-logout';
/** A logout token is used at once; an older one is a copy. Seconds. */
const longestAge = 300;
/** Of one that does not say when it ends. */
const longestAgeWithoutEnd = 120;

export interface LogoutToken {
  iss: string;
  sub?: string | undefined;
  sid?: string | undefined;
  jti: string;
  /** Epoch seconds: from here on it is refused for its age. */
  until: number;
}

/** Why a logout token is refused; `message` is for the log. */
export class LogoutTokenError extends Error {
  override name = 'LogoutTokenError';
  /** The provider that it was encrypted for, where nothing else is known about it. */
  readonly from: Provider | undefined;

  constructor(message: string, { from, ...options }: ErrorOptions & { from?: Provider } = {}) {
    super(message, options);
    this.from = from;
  }
}

/**
 * Opens a logout token if it is encrypted, as it is at some providers once ID tokens are. The header says whose key to
 * use: by the issuer, repeated there (RFC 7519 §5.3), or by the id of the key. Anybody can send a token, so where the header
 * names none of ours, it is tried only if a single provider has keys (R23).
 *
 * @returns the signed token and, if it was encrypted, the provider whose key opened it
 * @throws LogoutTokenError
 */
export async function openLogoutToken(
  token: string,
  providers: Providers,
): Promise<{ token: string; encryptedFor?: Provider }> {
  if (!isEncrypted(token)) return { token };
  const encryptedFor = await recipientOf(token, providers);
  if (!encryptedFor)
    throw new LogoutTokenError(
      'it is encrypted, and neither "iss" nor "kid" in its header names a provider of ours',
    );
  try {
    return { token: await encryptedFor.decryption.openInTurn(token, 'the logout token'), encryptedFor };
  } catch (error) {
    if (!(error instanceof DecryptionError)) throw error;
    throw new LogoutTokenError(error.message, { cause: error, from: encryptedFor });
  }
}

async function recipientOf(token: string, { all, only, ofIssuer }: Providers): Promise<Provider | undefined> {
  const { iss, kid } = unverifiedHeader(token);
  const named = typeof iss === 'string' ? ofIssuer(iss) : undefined;
  if (named || only) return named ?? only;
  for (const provider of all) if (await provider.decryption.has(kid)) return provider;
  const [one, ...others] = all.filter(({ decryption }) => decryption.isSet);
  return others.length > 0 ? undefined : one;
}

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6): signature by the pinned algorithm and the
 * provider's own keys, iss, aud, times, the event, sub or sid, no nonce. Whether its jti was seen before is for the
 * caller to ask. Two things are taken as real servers send them: no exp, where iat is at most two minutes old (Hydra,
 * LemonLDAP, Glewlwyd; §2.4 demands one), and a typ other than logout+jwt, which §2.4 only recommends.
 *
 * @param issuer the one that it names, which is the provider's; undefined where it is not, and then it is refused
 * @throws LogoutTokenError
 */
export async function verifyLogoutToken(
  token: string,
  provider: Provider,
  issuer: string | undefined,
): Promise<LogoutToken> {
  const { clientId, clockToleranceSeconds } = provider.settings;
  const findKey: JWTVerifyGetKey = (header, jws) =>
    provider.keys.resolve(header, jws, issuer ?? provider.settings.issuer);
  const { payload, protectedHeader } = await jwtVerify(token, findKey, {
    algorithms: [...provider.algorithms],
    audience: clientId,
    // None at all fits an empty list.
    issuer: issuer ?? [],
    clockTolerance: clockToleranceSeconds,
    maxTokenAge: longestAge,
    requiredClaims: ['iss', 'aud', 'iat', 'jti', 'events'],
  }).catch((error) => {
    if (error instanceof errors.JOSEError)
      // Some of it is the sender's: the names of header parameters, without a bound.
      throw new LogoutTokenError(`${error.code}: ${said(error.message, 120)}`, { cause: error });
    throw error;
  });
  const { iss, sub, jti, iat, exp, sid, nonce, events } = payload;
  // What makes a logout token is the event and that there is no nonce: an ID token or an access token has no event.
  demand(isLogoutType(protectedHeader.typ), 'typ is that of another token');
  demand(nonce === undefined, 'it has a nonce, so it is an ID token');
  demand(
    isObject(events) && isObject(events[event]),
    'events does not contain the back-channel logout event',
  );
  // IdentityServer4 and Duende before 6.3 write at+jwt. A real access token has a client_id (RFC 9068 §2.2).
  const mayBeAccessToken = isType(protectedHeader.typ, 'at+jwt');
  const hasClient = 'client_id' in payload || 'scope' in payload;
  demand(!(mayBeAccessToken && hasClient), 'it has a client_id or a scope, so it is an access token');
  demand(typeof jti === 'string' && jti !== '', 'jti is empty');
  demand(sub === undefined || (typeof sub === 'string' && sub !== ''), 'sub is not a string');
  demand(sid === undefined || (typeof sid === 'string' && sid !== ''), 'sid is not a string');
  demand(sub !== undefined || sid !== undefined, 'it names neither sub nor sid');
  // Without the clock tolerance: a provider's clock that is behind makes a token older, but never by two minutes.
  const age = Math.floor(Date.now() / 1000) - Number(iat);
  const isOver = exp === undefined && age > longestAgeWithoutEnd;
  demand(!isOver, 'it has no exp, and its iat is more than two minutes old');
  const ends = exp ?? Number(iat) + longestAgeWithoutEnd + 1;
  const until = Math.min(ends, Number(iat) + longestAge + 1) + clockToleranceSeconds;
  return { iss: String(iss), sub, sid: sid as string | undefined, jti: String(jti), until };
}

function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new LogoutTokenError(what);
}

function isLogoutType(typ: unknown): boolean {
  return typ === undefined || ['jwt', 'logout+jwt', 'at+jwt'].some((known) => isType(typ, known));
}

/** Media types know no case, and `application/` may be left out (RFC 7515 §4.1.9). */
function isType(typ: unknown, known: string): boolean {
  return typeof typ === 'string' && typ.toLowerCase().replace(/^application\//, '') === known;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
