/**
 * What the sessions need from a store: a dozen commands on named records, each with an end of its own.
 * `memory.ts` and `redis.ts` both speak it, so that one implementation of the rules is tested on both.
 * Every method rejects with a StoreError when the store cannot answer (R14).
 */
export interface Records {
  /** Reads a record and moves its end, in one command (R9). */
  getEx(key: string, seconds: number): Promise<Buffer | undefined>;
  get(key: string): Promise<Buffer | undefined>;
  /**
   * Reads and deletes in one command: of several callers, one gets the record. Where there was one, the note is
   * written in the same step, so that nobody finds neither; its key has the same hash tag. A store that is full may
   * drop the note.
   */
  getDel(key: string, note?: NewRecord): Promise<Buffer | undefined>;
  /** Milliseconds until the record's end; 0 when there is no record. */
  msLeft(key: string): Promise<number>;
  /** NX only creates, XX only overwrites; false when that was refused. `end` in seconds, or as it was. */
  set(key: string, value: Buffer | string, only: 'NX' | 'XX', end: number | 'KEEPTTL'): Promise<boolean>;
  /**
   * Creates records in one step: all of them, or none; false where the first is there already. Their keys share one hash
   * tag.
   */
  create(records: readonly [NewRecord, ...NewRecord[]]): Promise<boolean>;
  /**
   * Replaces all of a record (session-form.ts) but its head, and sets its end. One command; false where there is no
   * such record.
   */
  replaceTail(key: string, tail: Buffer, seconds: number): Promise<boolean>;
  /**
   * Replaces the head of a record where it is still `was`, and leaves the rest and its end as they are. One command;
   * `'changed'` where another head is there, `'gone'` where there is no such record.
   */
  replaceHead(key: string, head: Buffer, was: Buffer): Promise<'done' | 'changed' | 'gone'>;
  /** The keys share one hash tag. */
  del(...keys: string[]): Promise<void>;
  deleteIf(key: string, value: string): Promise<void>;
  /** Sets the end of a record anew where it holds this value. */
  extendIf(key: string, value: string, seconds: number): Promise<void>;

  /**
   * The next number of a row that never goes back, also when the store lost it or somebody spoilt it. Each use moves the
   * row's end.
   */
  nextNumber(key: string, seconds: number): Promise<number>;
  /**
   * Creates a record and reads which number a row has come to, in one step; undefined where the record is there already.
   * The keys share one hash tag. A row that was lost or spoilt begins anew.
   */
  createNumbered(record: NewRecord, row: string, rowSeconds: number): Promise<number | undefined>;
  /** Keeps the highest of the numbers given, and nothing that is none. */
  raise(key: string, value: number, seconds: number): Promise<void>;

  /**
   * Adds a name to sets of names, each with its end (epoch ms), and sweeps the names whose end has passed. Reads numbers
   * after that; 0 where there is none, NaN for what is no number of ours. In one step where the store is one server. In a
   * cluster, what shares a hash tag is one step, and these steps come in any order.
   */
  addMember(
    sets: readonly string[],
    member: string,
    endsAt: number,
    numbers?: readonly string[],
  ): Promise<number[]>;
  members(key: string): Promise<string[]>;
  /** Those that end last, the last first: so many from the one at `from` on. */
  latestMembers(key: string, from: number, most: number): Promise<string[]>;
  /** How many have not ended. */
  countMembers(key: string): Promise<number>;
  removeMembers(key: string, members: string[]): Promise<void>;

  /** The keys that begin so, page by page. */
  scan(prefix: string): AsyncIterable<string[]>;
  /**
   * Waits, a second at most, until the copies from which the store would go on after a failure have what was written
   * under these keys. Never rejects. Absent where there are none.
   */
  settle?(keys: readonly string[]): Promise<void>;
  /** A raw command, where there is a Redis: for the rate limits' store. */
  command?(key: string | undefined, args: string[]): Promise<unknown>;
  /** Resolves when the store answers and takes writes. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** A record that is to be made. */
export interface NewRecord {
  key: string;
  value: Buffer | string;
  seconds: number;
}

/** The store did not answer. Never to be read as "nobody is signed in" (R14). */
export class StoreError extends Error {
  override name = 'StoreError';
  readonly status = 503;
}
