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
 * register at the provider. RSA keys sign with PS256 where ID tokens do.
 *
 * @throws TypeError when a text is no private key
 */
export function loadClientKeys(texts: readonly ClientKeyText[], idTokenAlg: string) {
  return Promise.all(
    texts.map(async ({ pem, kid, alg }): Promise<{ key: CryptoKey; kid: string }> => {
      const jwk = await exportJWK(createPrivateKey(pem));
      const key = await importPKCS8(pem, alg ?? algorithmOf(jwk, idTokenAlg));
      return { key, kid: kid ?? (await calculateJwkThumbprint(jwk)) };
    }),
  );
}

function algorithmOf(jwk: JWK, idTokenAlg: string): string {
  if (jwk.kty === 'RSA') return idTokenAlg.startsWith('PS') ? 'PS256' : 'RS256';
  if (jwk.kty === 'OKP') return 'Ed25519';
  return { 'P-384': 'ES384', 'P-521': 'ES512' }[jwk.crv ?? ''] ?? 'ES256';
}
