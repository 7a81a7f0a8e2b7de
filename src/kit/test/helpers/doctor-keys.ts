import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import { makeFolder, privateKeyText } from './key-files.ts';

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
  const { write, remove } = makeFolder('doctor-keys');
  return {
    /** A new private key in PEM; as a JWK where that has other members, too. */
    async make(kind: Kind, members?: Record<string, string>): Promise<KeyFile> {
      const { privateKey, publicKey } = generate(kind);
      const file = write(privateKeyText(privateKey, members));
      const jwk = await exportJWK(publicKey);
      return { file, jwk, kid: await calculateJwkThumbprint(jwk), privateKey, publicKey };
    },
    write: (name: string, text: string) => write(text, name),
    remove,
  };
}

function generate(kind: Kind) {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (kind === 'ec') return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519');
}
