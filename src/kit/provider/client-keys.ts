import { createPrivateKey, hash, X509Certificate } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, importPKCS8, type JWK } from 'jose';

/** A private key of this client. */
export interface ClientKeyText {
  /** PKCS #8. */
  pem: string;
  kid?: string | undefined;
  alg?: string | undefined;
  /** PEM. */
  cert?: string | undefined;
}

/** Ready to sign with the algorithm that a provider takes. */
export interface SigningKey {
  key: CryptoKey;
  kid: string;
  alg: string;
  /** SHA-256 of the certificate's DER (RFC 7515 §4.1.8), where the key has one. */
  x5t?: string;
}

/** What is asked of a key at each signature: the algorithms that the provider's metadata lists, if it lists any. */
export type ClientKey = (offered: unknown) => Promise<SigningKey>;

/**
 * The client's private keys. A key id that is not given is the key's thumbprint (RFC 7638), which is what to register
 * at the provider.
 *
 * @param set the algorithm of OIDC_CLIENT_KEY_ALG, which wins over a JWK's own
 * @throws TypeError when a text is no private key
 */
export function loadClientKeys(texts: readonly ClientKeyText[], set: string | undefined): ClientKey[] {
  return texts.map(({ pem, kid, alg, cert }) => {
    const x5t = cert && hash('sha256', new X509Certificate(cert).raw, 'base64url');
    const jwk = exportJWK(createPrivateKey(pem));
    const imported = new Map<string, Promise<SigningKey>>();
    return async (offered) => {
      const signing = set ?? alg ?? algorithmOf(await jwk, offered);
      const ready =
        imported.get(signing) ?? importKey(pem, kid ?? calculateJwkThumbprint(await jwk), signing);
      imported.set(signing, ready);
      return { ...(await ready), ...(x5t && { x5t }) };
    };
  });
}

async function importKey(pem: string, kid: string | Promise<string>, alg: string): Promise<SigningKey> {
  return { key: await importPKCS8(pem, alg), kid: await kid, alg };
}

/**
 * The key decides, and where it leaves a choice, the metadata. An RSA key signs with RS256 where that is listed or
 * nothing is: every provider knows it, and one that lists both may have registered this client with either. Profiles
 * that rule out PKCS #1 v1.5 (FAPI 2.0 §5.4.1) list PS256 and no RS256. What the ID tokens are signed with says
 * nothing about it.
 */
function algorithmOf(jwk: JWK, offered: unknown): string {
  const [usual = '', ...others] = algorithmsOf(jwk);
  return [usual, ...others].find((alg) => Array.isArray(offered) && offered.includes(alg)) ?? usual;
}

/** The usual one first. */
function algorithmsOf({ kty, crv = '' }: JWK): string[] {
  if (kty === 'RSA') return ['RS256', 'PS256', 'PS384', 'PS512', 'RS384', 'RS512'];
  if (kty === 'OKP') return ['EdDSA', 'Ed25519']; // Few providers know the name of RFC 9864 yet.
  return [{ 'P-384': 'ES384', 'P-521': 'ES512' }[crv] ?? 'ES256'];
}
