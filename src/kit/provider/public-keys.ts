import { createPrivateKey, createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';

interface PrivateKeyText {
  /** PKCS #8. */
  pem: string;
  kid?: string | undefined;
}

/**
 * The public key of a private one (RFC 7517), as it is registered at a provider. Its name is the thumbprint (RFC 7638),
 * unless it has a `kid` of its own.
 */
export async function publicJwk({ pem, kid }: PrivateKeyText): Promise<JWK & { kid: string }> {
  const jwk = await exportJWK(createPublicKey(createPrivateKey(pem)));
  return { ...jwk, kid: kid ?? (await calculateJwkThumbprint(jwk)) };
}

/** The same for a key that a provider encrypts with. */
export async function encryptionJwk(key: PrivateKeyText) {
  const jwk = await publicJwk(key);
  return { ...jwk, use: 'enc', alg: jwk.kty === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES' };
}
