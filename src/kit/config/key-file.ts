import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
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

/**
 * The key, or what is wrong with it.
 *
 * @param use.signs whether it must be able to sign a JWT; for a certificate alone any key will do
 * @param use.pemOnly for a certificate, beside which it must be a PEM file
 */
export function readKey(
  path: string,
  { signs, pemOnly = false, alg: set }: { signs: boolean; pemOnly?: boolean; alg?: string | undefined },
): ClientKey | string {
  const read = readPrivateKey(keyFile, path, pemOnly);
  if (read === undefined) {
    const what = pemOnly ? 'a private key in PEM' : 'one private key, in PEM or as a JWK';
    return `${keyFile} must name a file with ${what}; a public key or a key set does not sign.`;
  }
  if (typeof read === 'string') return read;
  const { key, kid, alg } = read;
  if (signs) {
    const algorithms = algorithmsOf(key);
    if (algorithms.length === 0) {
      return `${keyFile} must name an RSA key of at least 2048 bits, a P-256, P-384 or P-521 key or an Ed25519 key.`;
    }
    const signsWith = set ?? alg;
    if (signsWith !== undefined && !algorithms.includes(signsWith)) return unfit(set, algorithms);
  }
  return { pem: pemOf(key), ...(kid !== undefined && { kid }), ...(alg !== undefined && { alg }) };
}

/** A private key, with what its JWK says about it; a PEM file says nothing. */
interface PrivateKey {
  key: KeyObject;
  kid?: string;
  alg?: string;
  use?: string;
}

/**
 * The one private key of a file, or what is wrong with it; undefined where there is none in it.
 *
 * @param name of the setting that names it
 */
export function readPrivateKey(name: string, path: string, pemOnly = false): PrivateKey | string | undefined {
  const content = readTextFile(path);
  if (content === undefined) return cannotBeRead(name);
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(content)) {
    return `${name} names a key with a passphrase: store it without one, readable by this app only.`;
  }
  if (content.split(/-----BEGIN (?:\w+ )?PRIVATE KEY/, 3).length > 2) {
    return `${name} names a file with several private keys in it: put each into a file of its own, and write both names with a comma between them.`;
  }
  try {
    // Without a byte order mark, which Windows editors write: `trim` takes it for a space, the parser does not.
    const text = content.trim();
    const jwk: unknown = text.startsWith('{') ? JSON.parse(text) : undefined;
    if (jwk !== undefined && pemOnly)
      return `${name} must name a PEM file when the client shows a certificate.`;
    const key = jwk ? createPrivateKey({ key: jwk as object, format: 'jwk' }) : createPrivateKey(content);
    return { key, ...texts(jwk) };
  } catch {
    return undefined;
  }
}

function texts(jwk: unknown): { kid?: string; alg?: string; use?: string } {
  const entries = Object.entries(Object(jwk)).filter(
    ([name, value]) => ['kid', 'alg', 'use'].includes(name) && typeof value === 'string',
  );
  return Object.fromEntries(entries);
}

export function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * The public key of a private one, to compare keys by. Not by `equals` of the keys: where their kinds differ, it leaves an
 * error behind that fails the next use of any key (Node 26).
 */
export function publicPemOf(pem: string): string {
  return createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
}

export function cannotBeRead(name: string): string {
  return `${name} names a file that cannot be read: check its path and permissions.`;
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
