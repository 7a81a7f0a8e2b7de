import { hash } from 'node:crypto';
import { AuthError } from '../errors/auth-error.ts';
import { authTimeOf } from './auth-time.ts';
import { boundClaims } from './bounds.ts';
import { clockHint } from './failures.ts';
import { said } from './hint-text.ts';
import type { ProviderSettings } from './settings.ts';
import { unverifiedClaims } from './unverified.ts';

/** What a sign-in demanded of the provider beyond who the user is. */
export interface Demands {
  /** Seconds since the user last proved who they are, at most. */
  maxAge?: number | undefined;
  /** One of these authentication context classes. */
  acr?: readonly string[] | undefined;
}

/**
 * The values that can come back as acr. Those that begin with `idp:` or `tenant:` say where to send the user
 * (IdentityServer); no acr in the answer confirms it.
 */
export function checkableAcr(values: readonly string[] | undefined): readonly string[] {
  return (values ?? []).filter((value) => !/^(idp|tenant):/.test(value));
}

/**
 * Checks of an ID token that openid-client leaves to us (OpenID Connect Core §3.1.3.7): at_hash, a foreign azp,
 * times in the future, and whether acr and auth_time answer what was asked. An answer without auth_time is refused
 * only where OIDC_MAX_AGE is set: what it means to a rule, the guard decides (R18).
 *
 * @throws AuthError
 */
export function checkIdToken(
  claims: Record<string, unknown>,
  { clientId, idTokenAlg, clockToleranceSeconds: tolerance }: ProviderSettings,
  { accessToken, acr, maxAge, authTimeNeeded }: { accessToken: string; authTimeNeeded?: boolean } & Demands,
): void {
  boundClaims(claims, 'the ID token');
  const now = Math.floor(Date.now() / 1000);
  if (
    typeof claims.sub !== 'string' ||
    claims.sub === '' ||
    claims.sub.length > 255 ||
    !claims.sub.isWellFormed()
  ) {
    throw new AuthError('id_token_claims', {
      hint: 'sub in the ID token is empty, longer than 255 characters, or no text that a database can keep (half a surrogate pair)',
    });
  }
  if (claims.at_hash !== undefined && claims.at_hash !== tokenHash(accessToken, idTokenAlg)) {
    throw new AuthError('id_token_claims', {
      hint: 'at_hash in the ID token is not that of the access token',
    });
  }
  if (claims.azp !== undefined && claims.azp !== clientId) {
    throw new AuthError('id_token_claims', { hint: 'azp in the ID token names another client' });
  }
  if (Number(claims.iat) > now + tolerance) {
    throw new AuthError('clock', { hint: `iat is in the future: ${clockHint(Number(claims.iat) - now)}` });
  }
  // All that makes it theirs is checked by here.
  const about = { iss: String(claims.iss), sub: claims.sub };
  const authTime = authTimeOf(claims);
  const stale = authTimeComplaint(authTime, now, { maxAge, authTimeNeeded, tolerance });
  if (stale) throw new AuthError('not_fresh', { hint: stale, about });
  const expected = checkableAcr(acr);
  if (expected.length > 0 && !expected.includes(String(claims.acr))) {
    throw new AuthError('acr_not_met', {
      about,
      hint: `acr was asked for (${expected.join(' ')}), and ${claims.acr === undefined ? 'none' : said(claims.acr)} came`,
    });
  }
}

function authTimeComplaint(
  authTime: number | undefined,
  now: number,
  asked: { maxAge: number | undefined; authTimeNeeded: boolean | undefined; tolerance: number },
): string | undefined {
  const { maxAge = Infinity, authTimeNeeded, tolerance } = asked;
  if (authTime === undefined) {
    return authTimeNeeded
      ? 'OIDC_MAX_AGE is set, and the ID token has no auth_time: have the provider add it, or remove the setting'
      : undefined;
  }
  if (authTime > now + tolerance) return 'auth_time in the ID token is in the future';
  return authTime + maxAge < now - tolerance ? 'auth_time is older than max_age' : undefined;
}

/**
 * A refreshed ID token is for the same audience as the one before it (OpenID Connect Core §12.2).
 *
 * @throws AuthError
 */
export function checkSameAudience(audience: string | string[], former: string | undefined): void {
  const before = unverifiedClaims(former).aud;
  if (!before || audienceList(before) === audienceList(audience)) return;
  throw new AuthError('id_token_claims', { hint: 'aud in the new ID token is not what it was before' });
}

function audienceList(audience: unknown): string {
  return JSON.stringify([...new Set([audience].flat())].sort());
}

/** The left half of the hash that the token's algorithm uses (OpenID Connect Core §3.1.3.6). */
function tokenHash(accessToken: string, alg: string): string {
  const algorithm = alg.startsWith('Ed') ? 'sha512' : `sha${alg.slice(-3)}`;
  const digest = hash(algorithm, accessToken, 'buffer');
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

/** The header and the claims of a JWT that nobody has verified yet: good for choosing a key, for nothing else. */
export function peek(jwt: unknown): { kid?: string; tid?: string } {
  const [header, payload] = typeof jwt === 'string' ? jwt.split('.') : [];
  return { ...pick(header, 'kid'), ...pick(payload, 'tid') };
}

function pick(part: string | undefined, name: string): Record<string, string> {
  try {
    const value = JSON.parse(Buffer.from(part ?? '', 'base64url').toString())[name];
    return typeof value === 'string' ? { [name]: value } : {};
  } catch {
    return {};
  }
}
