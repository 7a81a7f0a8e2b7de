import { randomUUID } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Log } from '../log/index.ts';
import type { Sessions, TokenRecord } from './contract.ts';
import type { Keys } from './keys.ts';
import type { Records } from './records.ts';
import type { Sealer } from './sealing.ts';

/** Expires if its holder dies (R13). */
const lockSeconds = 15;
/** Its holder extends it, because a refresh may take longer: two keys, nonces, and a key set that rotates, 5 s each. */
const extendMs = 5_000;
const mostExtensions = 9;

/** The tokens stand beside the session, so that a page which writes the session puts back no old ones (R12). */
export function createTokenRecords(
  records: Records,
  keys: Keys,
  sealer: Sealer,
  log: Log,
): Sessions['tokens'] {
  return {
    async read(id) {
      const key = keys.tokens(id);
      const sealed = await records.get(key);
      if (!sealed) return undefined;
      const plain = sealer.open(sealed, key);
      if (plain) return unpack(plain);
      log.warn('A token record in the store does not open with our secrets. It counts as none.');
      return undefined;
    },
    async create(id, tokens, expiresAt) {
      const seconds = Math.ceil((expiresAt - Date.now()) / 1000);
      if (seconds < 1) return;
      const key = keys.tokens(id);
      await records.set(key, sealer.seal(pack(tokens), key), 'NX', seconds);
    },
    async replace(id, tokens) {
      const key = keys.tokens(id);
      return records.set(key, sealer.seal(pack(tokens), key), 'XX', 'KEEPTTL');
    },
    async lock(id) {
      const holder = randomUUID();
      if (!(await records.set(keys.lock(id), holder, 'NX', lockSeconds))) return undefined;
      let extensions = 0;
      // A store that is gone by now cannot hold the result back: the lock expires.
      const extending = setInterval(() => {
        if (++extensions > mostExtensions) clearInterval(extending);
        else records.extendIf(keys.lock(id), holder, lockSeconds).catch(() => {});
      }, extendMs).unref();
      return () => {
        clearInterval(extending);
        return records.deleteIf(keys.lock(id), holder).catch(() => {});
      };
    },
  };
}

/** A window and a memory of the records' size: a quarter of the time, and no byte more. */
const deflating = { windowBits: 12, memLevel: 5 };

function pack(tokens: TokenRecord): Buffer {
  return deflateRawSync(JSON.stringify(tokens), deflating);
}

function unpack(packed: Buffer): TokenRecord {
  return JSON.parse(inflateRawSync(packed).toString());
}
