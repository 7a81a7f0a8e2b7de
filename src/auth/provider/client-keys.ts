import { createPrivateKey } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, importPKCS8, type JWK } from 'jose';

/** A private key of this client. */
export interface ClientKeyText {
  /** PKCS #8. */
  pem: string;
  kid?: string | undefined;
  alg?: string | undefined;
}

/**
 * The client's private keys. A key id that is not given is the key's thumbprint (RFC 7638), which is what to
 * register at the provider. Which of its algorithms a key signs with follows the ID tokens', unless a JWK says.
 *
 * @throws TypeError when a text is no private key
 */
export function loadClientKeys(texts: readonly ClientKeyText[], idTokenAlg: string) {
  return Promise.all(
    texts.map(async ({ pem, kid, alg }): Promise<{ key: CryptoKey; kid: string; alg: string }> => {
      const jwk = await exportJWK(createPrivateKey(pem));
      const signing = alg ?? algorithmOf(jwk, idTokenAlg);
      const key = await importPKCS8(pem, signing);
      return { key, kid: kid ?? (await calculateJwkThumbprint(jwk)), alg: signing };
    }),
  );
}

function algorithmOf(jwk: JWK, idTokenAlg: string): string {
  // Who signs ID tokens with anything better takes nothing of PKCS #1 v1.5 either (FAPI 2.0 §5.4.1).
  if (jwk.kty === 'RSA') return idTokenAlg.startsWith('RS') ? 'RS256' : 'PS256';
  if (jwk.kty === 'OKP') return idTokenAlg === 'Ed25519' ? 'Ed25519' : 'EdDSA';
  return { 'P-384': 'ES384', 'P-521': 'ES512' }[jwk.crv ?? ''] ?? 'ES256';
}
