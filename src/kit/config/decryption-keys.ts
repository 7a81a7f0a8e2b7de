import type { KeyObject } from 'node:crypto';
import { readEach } from './file-list.ts';
import { type ClientKey, pemOf, publicPemOf, readPrivateKey } from './key-file.ts';

const name = 'OIDC_DECRYPTION_KEY_FILE';

/** A private key that opens what the provider encrypts for this app. */
export type DecryptionKey = Pick<ClientKey, 'pem' | 'kid'>;

/** With more bits, a single token takes much longer, and anybody can send one (R23). */
const mostBits = 4096;
/** Node's names of P-256, P-384 and P-521. */
const curves = ['prime256v1', 'secp384r1', 'secp521r1'];

/** The keys of OIDC_DECRYPTION_KEY_FILE: one, or two while the provider learns a new one. */
export function decryptionKeys(setting: string | undefined): { keys: DecryptionKey[]; problems: string[] } {
  const { found: keys, problems } = readEach(name, setting, readOne);
  const [first, second] = keys;
  if (first && second && publicPemOf(first.pem) === publicPemOf(second.pem))
    problems.push(`${name} names one key twice.`);
  else if (first?.kid !== undefined && first.kid === second?.kid)
    problems.push(`${name} names two keys with one "kid": give each its own.`);
  return { keys, problems };
}

function readOne(path: string): DecryptionKey | string {
  const read = readPrivateKey(name, path);
  if (typeof read === 'string') return read;
  if (read === undefined) {
    return `${name} must name a file with one private key, in PEM or as a JWK; a public key or a key set does not decrypt.`;
  }
  const { key, kid, alg, use } = read;
  if (!decrypts(key)) {
    return `${name} must name an RSA key of 2048 to ${mostBits} bits, a P-256, P-384 or P-521 key or an X25519 key.`;
  }
  const fitting = key.asymmetricKeyType === 'rsa' ? 'RSA-OAEP-256' : 'ECDH-ES';
  if (alg !== undefined && alg !== fitting)
    return `${name} names a JWK whose "alg" is not the one it is used with, ${fitting}.`;
  if (use === 'sig') return `${name} names a JWK whose "use" is sig: make a key for encryption alone.`;
  return { pem: pemOf(key), ...(kid && { kid }) };
}

function decrypts({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'rsa') return modulusLength >= 2048 && modulusLength <= mostBits;
  return asymmetricKeyType === 'x25519' || (asymmetricKeyType === 'ec' && curves.includes(namedCurve));
}
