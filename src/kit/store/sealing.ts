import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

export interface Sealer {
  seal(plain: Buffer | string, name: string): Buffer;
  /** Undefined for whatever was not sealed under this name with one of our secrets. Never throws. */
  open(sealed: Buffer, name: string): Buffer | undefined;
}

/**
 * Seals with AES-256-GCM under a key made from the secret for one use (R11): a record of another use, or
 * moved to another name, does not open. The first secret seals; every one of them opens.
 */
export function createSealer(secrets: readonly string[], use: string): Sealer {
  const keys = secrets.map((secret) => deriveKey(secret, use));
  const current = keys[0];
  if (!current) throw new TypeError('sealing needs a secret');
  return {
    seal: (plain, name) => seal(current, plain, name),
    open(sealed, name) {
      if (sealed.length < head + tag || sealed[0] !== version) return undefined;
      for (const key of keys) {
        const plain = open(key, sealed, name);
        if (plain) return plain;
      }
      return undefined;
    },
  };
}

/** Names that only the holder of the secret can compute, one for each secret, the current one first. */
export function createNamer(secrets: readonly string[], use: string): (...parts: string[]) => string[] {
  const keys = secrets.map((secret) => deriveKey(secret, use));
  return (...parts) => {
    const text = JSON.stringify(parts);
    return keys.map((key) => createHmac('sha256', key).update(text).digest('base64url'));
  };
}

// version | nonce | ciphertext | tag. A random nonce is safe for 2^32 records under one key (SP 800-38D).
const version = 1;
const nonce = 12;
const head = 1 + nonce;
const tag = 16;

function deriveKey(secret: string, use: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `session store: ${use}`, 32)));
}

function seal(key: KeyObject, plain: Buffer | string, name: string): Buffer {
  const iv = randomBytes(nonce);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(name));
  const body = typeof plain === 'string' ? cipher.update(plain, 'utf8') : cipher.update(plain);
  cipher.final();
  return Buffer.concat([Buffer.of(version), iv, body, cipher.getAuthTag()]);
}

function open(key: KeyObject, sealed: Buffer, name: string): Buffer | undefined {
  try {
    const end = sealed.length - tag;
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, head), { authTagLength: tag });
    decipher.setAAD(Buffer.from(name)).setAuthTag(sealed.subarray(end));
    const plain = decipher.update(sealed.subarray(head, end));
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}
