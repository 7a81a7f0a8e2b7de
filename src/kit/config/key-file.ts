import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readTextFile } from './read.ts';

/** A private key of the client, whatever it was written as. */
export interface ClientKey {
  /** PKCS #8. */
  readonly pem: string;
  /** From a JWK that says so; a PEM file cannot. */
  readonly kid?: string;
  readonly alg?: string;
  /** The certificate of this key, in PEM, for private_key_jwt. */
  readonly cert?: string;
}

const keyFile = 'OIDC_CLIENT_KEY_FILE';
const keyAlg = 'OIDC_CLIENT_KEY_ALG';

/** The key, or what is wrong with it. */
export function readKey(
  path: string,
  { pemOnly = false, alg: set }: { pemOnly?: boolean; alg?: string | undefined },
): ClientKey | string {
  const content = readTextFile(path);
  if (content === undefined) return cannotBeRead(keyFile);
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(content)) {
    return `${keyFile} names a key with a passphrase: store it without one, readable by this app only.`;
  }
  try {
    const jwk: unknown = content.trimStart().startsWith('{') ? JSON.parse(content) : undefined;
    if (jwk !== undefined && pemOnly)
      return `${keyFile} must name a PEM file when the client shows a certificate.`;
    const key = jwk ? createPrivateKey({ key: jwk as object, format: 'jwk' }) : createPrivateKey(content);
    const algorithms = algorithmsOf(key);
    if (!pemOnly && algorithms.length === 0) {
      return `${keyFile} must name an RSA key of at least 2048 bits, a P-256, P-384 or P-521 key or an Ed25519 key.`;
    }
    const { kid, alg } = (jwk ?? {}) as { kid?: unknown; alg?: unknown };
    const signsWith = set ?? alg;
    if (!pemOnly && signsWith !== undefined && !algorithms.some((each) => each === signsWith)) {
      return unfit(set, algorithms);
    }
    return {
      pem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      ...(typeof kid === 'string' && { kid }),
      ...(typeof alg === 'string' && { alg }),
    };
  } catch {
    const what = pemOnly ? 'a private key in PEM' : 'one private key, in PEM or as a JWK';
    return `${keyFile} must name a file with ${what}; a public key or a key set does not sign.`;
  }
}

export function cannotBeRead(name: string): string {
  return `${name} names a file that cannot be read: check path and rights.`;
}

function unfit(set: string | undefined, algorithms: readonly string[]): string {
  const fitting = algorithms.join(', ');
  return set
    ? `${keyAlg}=${set} does not fit the key in ${keyFile}, which can sign with: ${fitting}.`
    : `${keyFile} names a JWK whose "alg" does not fit its key, which can sign with: ${fitting}.`;
}

/** What a key can sign with (RFC 7518 §3.1, RFC 8037, RFC 9864); nothing where it is of another kind, or too short. */
function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'rsa' && modulusLength >= 2048) {
    return ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512'];
  }
  if (asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519'];
  const curves: Record<string, string[]> = {
    prime256v1: ['ES256'],
    secp384r1: ['ES384'],
    secp521r1: ['ES512'],
  };
  return (asymmetricKeyType === 'ec' && curves[namedCurve]) || [];
}
