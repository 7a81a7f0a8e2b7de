import type { CryptoKeyPair } from 'openid-client';

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
