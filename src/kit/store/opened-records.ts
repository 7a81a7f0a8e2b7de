import { ownCopy } from './own-copy.ts';
import { Remembered } from './remembered.ts';
import type { Sealer } from './sealing.ts';
import { openTexts, parseSession, type SessionTexts } from './session-form.ts';

/** A session takes about 2 KB of them. */
const bounds = { entries: 10_000, bytes: 20_000_000 };

/**
 * Opens the records of sessions, and remembers those that it has opened: one that comes back with the same bytes holds
 * what it held before, as each seal has a nonce of its own. So nothing here is older than what the store has just said.
 * Without this and the session cookies that are remembered (session/signed-cookie.ts), a page takes 1.1 to 1.2 × the CPU
 * (bench, November 2026).
 */
export class OpenedRecords {
  readonly #sealer: Sealer;
  readonly #known: Remembered<{ record: Buffer; texts: SessionTexts }>;

  /** @param idleSeconds how long a session may go unused */
  constructor(sealer: Sealer, idleSeconds: number) {
    this.#sealer = sealer;
    this.#known = new Remembered({ ...bounds, unusedMs: idleSeconds * 1000 });
  }

  /** Undefined for whatever is not whole and ours. Each call gives an object of its own, which pages may write into. */
  open(key: string, record: Buffer): object | undefined {
    const known = this.#known.get(key);
    if (known?.record.equals(record)) return parseSession(known.texts);
    const texts = openTexts(this.#sealer, key, record);
    if (texts) this.#known.set(key, { record: ownCopy(record), texts }, record.length * 3);
    return texts && parseSession(texts);
  }

  /** The same, and remembers nothing: whoever lists or ends thousands of sessions would have those of pages forgotten. */
  openOnce(key: string, record: Buffer): object | undefined {
    const texts = openTexts(this.#sealer, key, record);
    return texts && parseSession(texts);
  }

  /** Its session has ended. */
  forget(key: string): void {
    this.#known.delete(key);
  }
}
