import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { Remembered } from '../store/index.ts';

/** A session cookie that one of our secrets has signed. */
export interface SignedCookie {
  /** The session's id. */
  id: string;
  /** The cookie without its escapes. */
  text: string;
}

/** A session cookie of ours has about 75 characters, and under 200 with each one of its signature escaped. */
const longestCookie = 256;
/** At most 5 MB. */
const bounds = { entries: 10_000, bytes: 5_000_000 };

/**
 * Reads session cookies, which express-session writes as `s:`, id, `.`, HMAC. Those that were found good before are known
 * by their text (what that is worth: store/opened-records.ts). Anybody may send anything here: its length is looked at
 * first, and what no secret of ours has signed is never remembered (R23). Neither is another spelling of a good one, of
 * which one person could send thousands.
 *
 * @param secrets each counts
 * @param idleMinutes how long a session may go unused
 */
export function signedCookies(secrets: readonly string[], idleMinutes: number) {
  const keys = secrets.map((secret) => createSecretKey(secret, 'utf8'));
  const known = new Remembered<SignedCookie>({ ...bounds, unusedMs: idleMinutes * 60_000 });
  return {
    read(cookie: string): SignedCookie | undefined {
      if (cookie.length > longestCookie) return undefined;
      const before = known.get(cookie);
      if (before) return before;
      // A copy: cut out of a header, it would keep all of that alive.
      const own = Buffer.from(cookie, 'latin1').toString('latin1');
      const signed = verified(own, keys);
      if (signed && encodeURIComponent(signed.text) === own) known.set(own, signed, 4 * own.length);
      return signed;
    },
    /** Its session has ended. */
    forget(cookie: string): void {
      known.delete(cookie);
    },
  };
}

function verified(cookie: string, keys: readonly KeyObject[]): SignedCookie | undefined {
  const text = decoded(cookie);
  const cut = text.lastIndexOf('.');
  if (!text.startsWith('s:') || cut < 3) return undefined;
  const id = text.slice(2, cut);
  const given = Buffer.from(text.slice(cut + 1));
  const isSignedWith = (key: KeyObject) => {
    const mac = createHmac('sha256', key).update(id).digest('base64');
    const expected = Buffer.from(mac.replaceAll('=', ''));
    return expected.length === given.length && timingSafeEqual(expected, given);
  };
  return keys.some(isSignedWith) ? { id, text } : undefined;
}

/** As it is where it cannot be decoded: then it is none of ours. */
function decoded(cookie: string): string {
  try {
    return decodeURIComponent(cookie);
  } catch {
    return cookie;
  }
}
