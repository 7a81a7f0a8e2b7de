import type { CryptoKeyPair, TokenEndpointResponse } from 'openid-client';
import { AuthError } from '../errors/auth-error.ts';

// The key that a session's access tokens are bound to (RFC 9449). It is made at sign-in and kept, sealed, with them.

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };

export function makeDpopKey(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

/** The private key as JWK, which holds the public one too. */
export function exportDpopKey(pair: CryptoKeyPair): Promise<object> {
  return crypto.subtle.exportKey('jwk', pair.privateKey);
}

export async function importDpopKey(jwk: object): Promise<CryptoKeyPair> {
  const { d: _private, key_ops: _ops, ...publicJwk } = jwk as Record<string, unknown>;
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign']),
    crypto.subtle.importKey('jwk', publicJwk, algorithm, true, ['verify']),
  ]);
  return { privateKey, publicKey };
}

/**
 * A Bearer token would open everything without the key: who asked for a bound one does not take it (RFC 9449 §5).
 *
 * @throws AuthError
 */
export function demandBoundToken(answer: TokenEndpointResponse, key: object | undefined): void {
  if (!key || answer.token_type.toLowerCase() === 'dpop') return;
  throw new AuthError('provider_answer', {
    hint: `OIDC_DPOP is true, but the provider gave a ${answer.token_type} token: switch DPoP on for this client there, or set OIDC_DPOP=false`,
  });
}
