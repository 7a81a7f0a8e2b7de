import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// What a platform such as Kubernetes puts beside an app: a token about it, in a file that it replaces.

export const platformKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const serviceAccount = {
  iss: 'https://kubernetes.default.svc.cluster.local',
  sub: 'system:serviceaccount:web:my-app',
  aud: ['https://login.example.com'],
};

/** A service account's token, good for an hour; `claims` are laid over it. */
export function platformToken(claims: Record<string, unknown> = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: 'ES256', kid: 'cluster-1' };
  const payload = { ...serviceAccount, iat: now, exp: now + 3_600, jti: randomUUID(), ...claims };
  const signed = [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const key = { key: platformKeys.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

export interface TokenVolume {
  /** What OIDC_CLIENT_ASSERTION_FILE names. */
  path: string;
  /** Replaces the token as the kubelet does: a new folder, and then a link to it in one step. */
  put(content: string): void;
  /** Takes the token away. */
  clear(): void;
  remove(): void;
}

/** A projected volume: `token` links to `..data/token`, and `..data` links to the folder of the newest one. */
export function makeTokenVolume(content?: string): TokenVolume {
  const folder = mkdtempSync(join(tmpdir(), 'platform-'));
  symlinkSync(join('..data', 'token'), join(folder, 'token'));
  function swap(fill: (fresh: string) => void): void {
    const name = `..${randomUUID()}`;
    mkdirSync(join(folder, name));
    fill(join(folder, name));
    symlinkSync(name, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  }
  const volume = {
    path: join(folder, 'token'),
    put: (text: string) => swap((fresh) => writeFileSync(join(fresh, 'token'), text)),
    clear: () => swap(() => {}),
    remove: () => rmSync(folder, { recursive: true }),
  };
  if (content !== undefined) volume.put(content);
  return volume;
}
