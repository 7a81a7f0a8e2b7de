import { errors, jwtVerify } from 'jose';
import type { Provider } from './provider/index.ts';

const event = 'http://schemas.openid.net/event/backchannel-logout';
/** A logout token is used at once; an older one is a copy. Seconds. */
const longestAge = 300;

export interface LogoutToken {
  iss: string;
  sub?: string | undefined;
  sid?: string | undefined;
  jti: string;
  /** Epoch seconds. */
  exp: number;
}

/** Why a logout token is refused; `message` is for the log. */
export class LogoutTokenError extends Error {
  override name = 'LogoutTokenError';
}

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6): signature by the pinned algorithm and the
 * provider's own keys, iss, aud, times, the event, sub or sid, no nonce. Whether its jti was seen before is for the
 * caller to ask.
 *
 * @throws LogoutTokenError
 */
export async function verifyLogoutToken(token: string, provider: Provider): Promise<LogoutToken> {
  const { clientId, clockToleranceSeconds } = provider.settings;
  const { payload, protectedHeader } = await jwtVerify(token, provider.keys.resolve, {
    algorithms: [...provider.algorithms],
    audience: clientId,
    issuer: issuersOf(provider),
    clockTolerance: clockToleranceSeconds,
    maxTokenAge: longestAge,
    requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti', 'events'],
  }).catch((error) => {
    if (error instanceof errors.JOSEError)
      throw new LogoutTokenError(`${error.code}: ${error.message}`, { cause: error });
    throw error;
  });
  const { iss, sub, jti, exp, sid, nonce, events } = payload;
  const demand = (holds: boolean, what: string) => {
    if (!holds) throw new LogoutTokenError(what);
  };
  // An ID token is no logout token. Providers that leave typ out exist; one that says something must say this.
  demand(isLogoutType(protectedHeader.typ), 'typ is not logout+jwt');
  demand(nonce === undefined, 'it has a nonce, so it is an ID token');
  demand(isObject(events) && isObject(events[event]), 'events does not hold the back-channel logout event');
  demand(typeof jti === 'string' && jti !== '', 'jti is empty');
  demand(sub === undefined || (typeof sub === 'string' && sub !== ''), 'sub is no text');
  demand(sid === undefined || (typeof sid === 'string' && sid !== ''), 'sid is no text');
  demand(sub !== undefined || sid !== undefined, 'it names neither sub nor sid');
  return { iss: String(iss), sub, sid: sid as string | undefined, jti: String(jti), exp: Number(exp) };
}

/** Whose sessions the provider may end: those of its issuer, or of each tenant let in (Microsoft Entra). */
export function issuersOf({ settings: { issuer, allowedTenants } }: Pick<Provider, 'settings'>): string[] {
  if (allowedTenants.length === 0) return [issuer];
  return allowedTenants.map((tenant) => issuer.replace(/\/(common|organizations)\//, `/${tenant}/`));
}

function isLogoutType(typ: string | undefined): boolean {
  return typ === undefined || /^(application\/)?logout\+jwt$/i.test(typ);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
