import type { Sealer } from './sealing.ts';

// A session's record: the length of the first part in four bytes, then two sealed parts, each under a name of its own,
// so that neither passes for the other. The first holds the user, the second what pages keep; most sessions have no
// second one, and reading them opens one seal.

/** How many bytes say how long the first part is. redis-scripts.ts knows it too: the stores replace either part alone. */
const lengthBytes = 4;

/** The head of the record: the length and the user's part, which is JSON. */
export function sealUser(sealer: Sealer, key: string, user: string): Buffer {
  const sealed = sealer.seal(user, userName(key));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(sealed.length);
  return Buffer.concat([length, sealed]);
}

/** The tail of the record: what pages keep, as JSON. Nothing where they keep nothing. */
export function sealOwn(sealer: Sealer, key: string, own: string): Buffer {
  return own === '{}' ? Buffer.alloc(0) : sealer.seal(own, ownName(key));
}

/** The JSON of both parts; no text where pages keep nothing. */
export interface SessionTexts {
  user: string;
  own: string | undefined;
}

/** Undefined for whatever is not whole and ours. Never throws. */
export function openTexts(sealer: Sealer, key: string, record: Buffer): SessionTexts | undefined {
  const end = endOfHead(record);
  if (end === undefined) return undefined;
  const user = sealer.open(record.subarray(lengthBytes, end), userName(key))?.toString();
  if (user === undefined) return undefined;
  if (end === record.length) return { user, own: undefined };
  const own = sealer.open(record.subarray(end), ownName(key))?.toString();
  return own === undefined ? undefined : { user, own };
}

/** Undefined where they are no JSON. */
export function parseSession({ user, own }: SessionTexts): object | undefined {
  try {
    return { ...(own !== undefined && JSON.parse(own)), user: JSON.parse(user) };
  } catch {
    return undefined;
  }
}

/** Where the head ends; undefined for what is no such record. */
export function endOfHead(record: Buffer): number | undefined {
  if (record.length < lengthBytes) return undefined;
  const end = lengthBytes + record.readUInt32BE();
  return end <= record.length ? end : undefined;
}

const userName = (key: string) => `${key} user`;
const ownName = (key: string) => `${key} own`;
