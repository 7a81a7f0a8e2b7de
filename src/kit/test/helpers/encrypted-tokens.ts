import {
  constants,
  createCipheriv,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { CompactEncrypt, calculateJwkThumbprint, type JWK } from 'jose';
import { expect, vi } from 'vitest';
import type { TestApp } from './app.ts';
import { makeFolder, privateKeyText } from './key-files.ts';

export const kinds = ['RSA', 'P-256', 'P-384', 'P-521', 'X25519'] as const;
export type Kind = (typeof kinds)[number];

/** A key pair that tokens are encrypted for. */
export interface EncryptionKey {
  kind: Kind;
  kid: string;
  /** As it is registered at a provider. */
  jwk: JWK;
  alg: 'RSA-OAEP-256' | 'ECDH-ES';
  publicKey: KeyObject;
  privateKey: KeyObject;
}

/** Made once for a test file: RSA keys take a while. */
const made = new Map<string, EncryptionKey>();

/** @param name tells keys of one kind apart */
export async function encryptionKey(kind: Kind, name = ''): Promise<EncryptionKey> {
  const known = made.get(kind + name);
  if (known) return known;
  const { publicKey, privateKey } = pairOf(kind);
  const jwk = publicKey.export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(jwk);
  const alg = kind === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES';
  const key: EncryptionKey = { kind, kid, jwk: { ...jwk, kid, use: 'enc' }, alg, publicKey, privateKey };
  made.set(kind + name, key);
  return key;
}

function pairOf(kind: Kind) {
  if (kind === 'RSA') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (kind === 'X25519') return generateKeyPairSync('x25519');
  return generateKeyPairSync('ec', { namedCurve: kind });
}

/** A folder for key files, as long as the test file runs. */
export function keyFolder() {
  const { write, remove } = makeFolder('keys');
  return {
    write: (name: string, content: string) => write(content, name),
    /** As OIDC_DECRYPTION_KEY_FILE names them. */
    files: (...keys: EncryptionKey[]) =>
      keys.map(({ kid, privateKey }) => write(privateKeyText(privateKey), `${kid}.pem`)).join(','),
    remove,
  };
}

/** Header members to replace; undefined takes one out. */
type Header = Record<string, unknown>;

/** Encrypts as a provider does, by any algorithm that jose has. */
export function encryptFor(
  key: { jwk?: JWK; kid?: string | undefined; alg?: string; secret?: Uint8Array },
  text: string,
  header: Header = {},
): Promise<string> {
  const whole = { alg: key.alg, enc: 'A256GCM', kid: key.kid, cty: 'JWT', ...header };
  const jwe = new CompactEncrypt(Buffer.from(text)).setProtectedHeader(defined(whole) as never);
  const { kid: _, use: __, ...jwk } = key.jwk ?? {};
  return jwe.encrypt(key.secret ?? { ...jwk, alg: String(whole.alg) });
}

/**
 * Encrypts for an RSA key with any header at all, as no library does.
 *
 * @param how.oaepHash none: by the padding of PKCS #1 v1.5
 * @param how.part changes one of the five parts
 */
export function encryptByHand(
  { publicKey: key, kid }: EncryptionKey,
  text: string | Buffer,
  header: Header = {},
  how: { oaepHash?: string | undefined; part?: (parts: string[]) => string[] } = { oaepHash: 'sha256' },
): string {
  const [contentKey, iv] = [randomBytes(32), randomBytes(12)];
  const { oaepHash, part = (parts) => parts } = how;
  const padding = oaepHash ? constants.RSA_PKCS1_OAEP_PADDING : constants.RSA_PKCS1_PADDING;
  const encryptedKey = publicEncrypt({ key, padding, ...(oaepHash && { oaepHash }) }, contentKey);
  const head = encode(JSON.stringify(defined({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid, ...header })));
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv).setAAD(Buffer.from(head));
  const ciphertext = Buffer.concat([cipher.update(text), cipher.final()]);
  const parts = [encryptedKey, iv, ciphertext, cipher.getAuthTag()].map(encode);
  return part([head, ...parts]).join('.');
}

/** The same token with other members in its header, which its tag does not cover. */
export function withHeader(token: string, changes: (header: Header) => Header): string {
  const [head = '', ...rest] = token.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url').toString());
  return [encode(JSON.stringify(changes(header))), ...rest].join('.');
}

export function encode(content: string | Buffer): string {
  return Buffer.from(content).toString('base64url');
}

function defined(header: Header): Header {
  return Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined));
}

/** Not ten characters of these are in the log (R20). */
export function expectNothingLogged({ lines }: TestApp, texts: readonly string[]): void {
  const log = JSON.stringify(lines);
  for (const text of texts) {
    for (let at = 0; at + 10 <= text.length; at += 1) {
      // The middle of a very long one is like the rest of it.
      if (at === 10_000 && text.length > 20_000) at = text.length - 10_000;
      const ten = text.slice(at, at + 10);
      if (log.includes(ten)) expect.fail(`"${ten}" of a token is in the log`);
    }
  }
}

/**
 * How often a private key was used to decrypt meanwhile, by whoever runs in this process: no test may run beside.
 *
 * @param work is handed a function that leaves out what a sender does
 */
export async function countUses(
  work: (uncounted: <T>(send: () => T | Promise<T>) => Promise<T>) => Promise<unknown>,
): Promise<number> {
  const decrypt = vi.spyOn(crypto.subtle, 'decrypt');
  const derive = vi.spyOn(crypto.subtle, 'deriveBits');
  const uses = () => {
    const byRsa = decrypt.mock.calls.filter(([algorithm]) => (algorithm as unknown) === 'RSA-OAEP');
    return byRsa.length + derive.mock.calls.length;
  };
  let left = 0;
  try {
    await work(async (send) => {
      const before = uses();
      const sent = await send();
      left += uses() - before;
      return sent;
    });
    return uses() - left;
  } finally {
    decrypt.mockRestore();
    derive.mockRestore();
  }
}
