import { hash } from 'node:crypto';
import { boundClaims } from '../bounds.ts';
import { AuthError } from '../errors.ts';
import { clockHint } from './failures.ts';
import type { ProviderSettings } from './settings.ts';

/** What a sign-in demanded of the provider beyond who the user is. */
export interface Demands {
  /** Seconds since the user last proved who they are, at most. */
  maxAge?: number | undefined;
  /** One of these authentication context classes. */
  acr?: readonly string[] | undefined;
}

/**
 * Checks of an ID token that openid-client leaves to us (OpenID Connect Core §3.1.3.7): at_hash, a foreign azp,
 * times in the future, and whether acr and auth_time answer what was asked.
 *
 * @param acr one of these was demanded
 * @throws AuthError
 */
export function checkIdToken(
  claims: Record<string, unknown>,
  { clientId, idTokenAlg, clockToleranceSeconds: tolerance }: ProviderSettings,
  { accessToken, acr }: { accessToken: string; acr?: readonly string[] | undefined },
): void {
  boundClaims(claims, 'the ID token');
  const now = Math.floor(Date.now() / 1000);
  if (typeof claims.sub !== 'string' || claims.sub === '' || claims.sub.length > 255) {
    throw new AuthError('id_token_claims', {
      hint: 'sub in the ID token is empty or longer than 255 characters',
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
    throw new AuthError('clock', { hint: `iat lies in the future: ${clockHint(Number(claims.iat) - now)}` });
  }
  if (claims.auth_time !== undefined && !(Number(claims.auth_time) <= now + tolerance)) {
    throw new AuthError('not_fresh', {
      hint: 'auth_time in the ID token lies in the future or is no number',
    });
  }
  if (acr && !acr.includes(String(claims.acr))) {
    throw new AuthError('acr_not_met', {
      hint: `acr was asked for (${acr.join(' ')}) and not given`,
    });
  }
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
