import { createPublicKey, type KeyObject } from 'node:crypto';
import { readEach } from './file-list.ts';
import { type ClientKey, pemOf, readPrivateKey } from './key-file.ts';

const name = 'OIDC_DECRYPTION_KEY_FILE';

/** A private key that opens what the provider encrypts for this app. */
export type DecryptionKey = Pick<ClientKey, 'pem' | 'kid'>;

/** RSA with more bits takes as long for one token as for hundreds with fewer (R23). */
const mostBits = 4096;
/** Node's names of P-256, P-384 and P-521. */
const curves = ['prime256v1', 'secp384r1', 'secp521r1'];

/** The keys of OIDC_DECRYPTION_KEY_FILE: one, or two while the provider learns a new one. */
export function decryptionKeys(setting: string | undefined): { keys: DecryptionKey[]; problems: string[] } {
  const { found, problems } = readEach(name, setting, readOne);
  const [first, second] = found;
  if (first && second && isSame(first.key, second.key)) problems.push(`${name} names one key twice.`);
  else if (first?.kid !== undefined && first.kid === second?.kid)
    problems.push(`${name} names two keys with one "kid": give each its own.`);
  return {
    keys: found.map(({ key, kid }) => ({ pem: pemOf(key), ...(kid !== undefined && { kid }) })),
    problems,
  };
}

function readOne(path: string): { key: KeyObject; kid?: string } | string {
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
  return { key, ...(kid && { kid }) };
}

function decrypts({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'rsa') return modulusLength >= 2048 && modulusLength <= mostBits;
  return asymmetricKeyType === 'x25519' || (asymmetricKeyType === 'ec' && curves.includes(namedCurve));
}

/** By what is exported: after `equals` of two kinds of key, Node throws at the next use of any other one. */
function isSame(one: KeyObject, other: KeyObject): boolean {
  return publicPart(one).equals(publicPart(other));
}

function publicPart(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}
