import { randomUUID } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Log } from '../log/index.ts';
import type { Sessions, TokenRecord } from './contract.ts';
import type { Keys } from './keys.ts';
import type { NewRecord, Records } from './records.ts';
import { createSealer, type Sealer } from './sealing.ts';

/** Expires if its holder dies (R13). */
const lockSeconds = 15;
/** Its holder extends it, because a refresh may take longer: two keys, nonces, and a key set that rotates, 5 s each. */
const extendMs = 5_000;
const mostExtensions = 9;

interface TokenSealers {
  sealer: Sealer;
  /** Of records that were packed without `common`: an instance of then cannot read what is packed with it. */
  former: Sealer;
}

export function tokenSealers(secrets: readonly string[]): TokenSealers {
  return { sealer: createSealer(secrets, 'packed tokens'), former: createSealer(secrets, 'tokens') };
}

/** Of a session that is being made, until its absolute end (epoch ms). */
export function newTokens(
  keys: Keys,
  sealer: Sealer,
): (id: string, tokens: TokenRecord, expiresAt: number) => NewRecord {
  return (id, tokens, expiresAt) => {
    const key = keys.tokens(id);
    const seconds = Math.max(1, Math.ceil((expiresAt - Date.now()) / 1000));
    return { key, value: sealer.seal(pack(tokens), key), seconds };
  };
}

/** The tokens stand beside the session, so that a page which writes the session puts back no old ones (R12). */
export function createTokenRecords(
  records: Records,
  keys: Keys,
  { sealer, former }: TokenSealers,
  log: Log,
): Sessions['tokens'] {
  return {
    async read(id) {
      const key = keys.tokens(id);
      const sealed = await records.get(key);
      if (!sealed) return undefined;
      const plain = sealer.open(sealed, key) ?? former.open(sealed, key);
      if (plain) return unpack(plain);
      log.warn('A token record in the store does not open with our secrets. It counts as none.');
      return undefined;
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

/** How the JWTs of many providers begin. */
const jwt = 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6I';

/**
 * What most records have in common, so that none needs to say it: a twelfth of their bytes. Whoever changes it must seal
 * them for another use (`tokenSealers`): those of before would be misread here, and those from here by an instance of
 * before. Those packed without it do open.
 */
const common = Buffer.from(
  JSON.stringify({
    access_token: jwt,
    expires_at: 17,
    obtained_at: 17,
    refresh_token: '',
    id_token: jwt,
    scope: 'openid profile email offline_access',
  }),
);

/** Tokens are text that stands for bytes, so they shrink: some 35 µs of a sign-in for a quarter of its memory. */
function pack(tokens: TokenRecord): Buffer {
  return deflateRawSync(JSON.stringify(tokens), { dictionary: common });
}

function unpack(packed: Buffer): TokenRecord {
  return JSON.parse(inflateRawSync(packed, { dictionary: common }).toString());
}
