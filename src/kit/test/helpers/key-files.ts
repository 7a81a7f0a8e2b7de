import type { KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for the files of one test file, which removes it in the end. */
export function makeFolder(prefix: string) {
  const folder = mkdtempSync(join(tmpdir(), `${prefix}-`));
  let count = 0;
  return {
    /** @returns the path */
    write(content: string | Buffer, name = `file-${++count}`): string {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** A private key in PEM; as a JWK where that has members besides. */
export function privateKeyText(key: KeyObject, members?: Record<string, string>): string {
  return members
    ? JSON.stringify({ ...key.export({ format: 'jwk' }), ...members })
    : String(key.export({ type: 'pkcs8', format: 'pem' }));
}
