import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';

type Kind = 'rsa' | 'ec' | 'ed25519' | 'x25519';

export interface KeyFile {
  file: string;
  /** The public part. */
  jwk: JWK;
  /** Its thumbprint (RFC 7638). */
  kid: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** A folder for the private keys of one test file. */
export function makeKeyFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-keys-'));
  return {
    /** A new private key in PEM; as a JWK where that has other members, too. */
    async make(kind: Kind, members?: Record<string, string>): Promise<KeyFile> {
      const { privateKey, publicKey } = generate(kind);
      const file = join(folder, randomUUID());
      const written = members
        ? JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...members })
        : privateKey.export({ type: 'pkcs8', format: 'pem' });
      writeFileSync(file, written);
      const jwk = await exportJWK(publicKey);
      return { file, jwk, kid: await calculateJwkThumbprint(jwk), privateKey, publicKey };
    },
    write(name: string, text: string): string {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function generate(kind: Kind) {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (kind === 'ec') return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519');
}
