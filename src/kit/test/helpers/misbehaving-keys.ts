import { createHmac, generateKeyPair, hash, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';

/** The algorithms that the stub signs with honestly. */
export type Alg = 'RS256' | 'PS256' | 'ES256' | 'EdDSA';

/** How a token is signed: honestly by an algorithm, or in one of the ways that a relying party must refuse. */
export type Signing =
  | Alg
  /** By the second key of the key set, and saying so: honest. */
  | 'second-key'
  /** By the second key of the key set, while the header names the first. */
  | 'other-published-key'
  /** By a key that is in no key set, while the header names the first. */
  | 'unpublished-key'
  /** By a key that is in no key set, under a name that is in none either. */
  | 'unknown-kid'
  /** By a key of the other curve that RFC 8037 calls EdDSA. */
  | 'Ed448'
  | 'none'
  | 'broken'
  | 'HS256-secret'
  | 'HS256-public-key';

export interface Key {
  kid: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

const generate = promisify(generateKeyPair) as (
  type: string,
  options?: object,
) => Promise<{ privateKey: KeyObject; publicKey: KeyObject }>;

const made = new Map<string, Promise<Key>>();

/**
 * The key of this name, such as `rsa-1`, `ec-1` or `ed-1`; each is made once for a test file.
 *
 * @param family another one has other keys of the same names
 */
export function keyOf(kid: string, family = ''): Promise<Key> {
  const name = `${family} ${kid}`;
  let key = made.get(name);
  if (!key) {
    key = makeKey(kid);
    made.set(name, key);
  }
  return key;
}

async function makeKey(kid: string): Promise<Key> {
  if (kid.startsWith('ec')) return { kid, ...(await generate('ec', { namedCurve: 'P-256' })) };
  if (kid.startsWith('ed448')) return { kid, ...(await generate('ed448')) };
  if (kid.startsWith('ed')) return { kid, ...(await generate('ed25519')) };
  return { kid, ...(await generate('rsa', { modulusLength: 2048 })) };
}

export function publicJwk(key: Key): Record<string, unknown> {
  // No `alg`: many providers leave it out, and then only the pinned algorithm keeps a token from naming its own.
  return { ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, use: 'sig' };
}

/** Which keys are meant; `turn` counts the rotations. */
interface WhichKeys {
  turn: number;
  family?: string | undefined;
}

/** The key that a token of this algorithm is signed with. */
export function signingKey(alg: Alg, { turn, family }: WhichKeys): Promise<Key> {
  const kind = alg === 'ES256' ? 'ec' : alg === 'EdDSA' ? 'ed' : 'rsa';
  return keyOf(`${kind}-${turn}`, family);
}

export async function publishedKeys({ turn, family }: WhichKeys): Promise<Key[]> {
  return Promise.all(['rsa', 'rsa-second', 'ec', 'ed'].map((kind) => keyOf(`${kind}-${turn}`, family)));
}

export interface SignOptions extends WhichKeys {
  signing: Signing;
  /** The algorithm that an honest token would have. */
  alg: Alg;
  clientSecret: string;
  /** Header members to replace; undefined takes one out. */
  header?: Record<string, unknown> | undefined;
}

/** A JWT of these claims, signed as asked. */
export async function signToken(claims: object, options: SignOptions): Promise<string> {
  const { header, signature } = await signerOf(options);
  const signed = `${encode({ typ: 'JWT', ...header, ...options.header })}.${encode(claims)}`;
  return `${signed}.${signature(signed).toString('base64url')}`;
}

interface Signer {
  header: Record<string, unknown>;
  signature: (signed: string) => Buffer;
}

async function signerOf({ signing, alg, turn, family, clientSecret }: SignOptions): Promise<Signer> {
  const first = await signingKey(alg, { turn, family });
  const second = await keyOf(`rsa-second-${turn}`, family);
  const stranger = await keyOf('rsa-stranger');
  const by = (key: Key, kid = key.kid): Signer => ({
    header: { alg, kid },
    signature: (signed) => signBy(alg, key, signed),
  });
  switch (signing) {
    case 'none':
      return { header: { alg: 'none' }, signature: () => Buffer.alloc(0) };
    case 'broken':
      return { header: { alg, kid: first.kid }, signature: (signed) => flipBit(signBy(alg, first, signed)) };
    case 'second-key':
      return by(second);
    case 'other-published-key':
      return by(second, first.kid);
    case 'unpublished-key':
      return by(stranger, first.kid);
    case 'unknown-kid':
      return by(stranger);
    case 'Ed448':
      return by(await keyOf(`ed448-${turn}`));
    case 'HS256-secret':
      return hmac(clientSecret, undefined);
    case 'HS256-public-key':
      return hmac(first.publicKey.export({ format: 'pem', type: 'spki' }), first.kid);
    default: {
      const key = await signingKey(signing, { turn, family });
      return { header: { alg: signing, kid: key.kid }, signature: (signed) => signBy(signing, key, signed) };
    }
  }
}

function signBy(alg: Alg, { privateKey: key }: Key, signed: string): Buffer {
  const data = Buffer.from(signed);
  if (alg === 'EdDSA') return sign(null, data, key);
  if (alg === 'ES256') return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' });
  // RFC 7518 §3.5: RSASSA-PSS with a salt as long as the hash.
  return sign('sha256', data, alg === 'PS256' ? { key, padding: 6, saltLength: 32 } : key);
}

function hmac(secret: string | Buffer, kid: string | undefined): Signer {
  return {
    header: { alg: 'HS256', ...(kid && { kid }) },
    signature: (signed) => createHmac('sha256', secret).update(signed).digest(),
  };
}

/** The left half of the token's hash (OpenID Connect Core §3.1.3.6). */
export function atHash(accessToken: string, alg: Alg): string {
  const full = hash(alg === 'EdDSA' ? 'sha512' : 'sha256', accessToken, 'buffer');
  return full.subarray(0, full.length / 2).toString('base64url');
}

function flipBit(signature: Buffer): Buffer {
  signature[10] = (signature[10] ?? 0) ^ 1;
  return signature;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
