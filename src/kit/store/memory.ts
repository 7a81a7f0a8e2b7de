import type { Log } from '../log/index.ts';
import { higher, nextOf, reachedBy, wholeNumber } from './numbers.ts';
import { ownCopy } from './own-copy.ts';
import type { Records } from './records.ts';
import { endOfHead } from './session-form.ts';

export interface MemoryEntry {
  value: Buffer | Map<string, number>;
  endsAt: number;
  /** Counts up over all uses of all records: the lowest was used longest ago. */
  used: number;
}

export interface MemoryOptions {
  most?: number;
  /** Where the records are: the development server looks into it, to save them over a restart. */
  entries?: Map<string, MemoryEntry>;
}

/**
 * Records in this process: for developing, and for tests. They end with the process, and they are bounded:
 * when full, the sessions used longest ago go first, and the log says so once an hour.
 */
export function createMemoryRecords(
  log: Log,
  { most = 100_000, entries = new Map() }: MemoryOptions = {},
): Records {
  const turn = sharedTurn();
  let uses = 0;
  let toldFullAt = Number.NEGATIVE_INFINITY;

  function live(key: string): MemoryEntry | undefined {
    const entry = entries.get(key);
    if (!entry) return undefined;
    if (entry.endsAt > Date.now()) {
      entry.used = ++uses;
      return entry;
    }
    entries.delete(key);
    return undefined;
  }

  function value(key: string): Buffer | undefined {
    return live(key)?.value as Buffer | undefined;
  }

  function put(key: string, value: MemoryEntry['value'], endsAt: number): void {
    entries.set(key, { value, endsAt, used: ++uses });
    if (entries.size > most) makeRoom();
  }

  /**
   * A tenth at once: looking through all of them for each new one would cost more than it saves. What bears one hash
   * tag (a session, its tokens) goes together, and its name leaves the sets; the names of the living stay in theirs,
   * or nobody could end them (R15).
   */
  function makeRoom(): void {
    sweep();
    if (entries.size <= most) return;
    const records = [...entries].filter(([, { value }]) => Buffer.isBuffer(value));
    const families = [...Map.groupBy(records, ([key]) => /{(.*)}/.exec(key)?.[1] ?? key)]
      .map(([name, family]) => ({ name, family, used: Math.max(...family.map(([, { used }]) => used)) }))
      .sort((a, b) => a.used - b.used);
    const gone = new Set<string>();
    for (const { name, family } of families.slice(0, Math.ceil(families.length / 10))) {
      gone.add(name);
      for (const [key] of family) entries.delete(key);
    }
    for (const [key, { value }] of entries) {
      if (Buffer.isBuffer(value)) continue;
      for (const name of value.keys()) if (gone.has(name)) value.delete(name);
      if (value.size === 0) entries.delete(key);
    }
    if (Date.now() - toldFullAt < 3_600_000) return;
    toldFullAt = Date.now();
    log.warn({ most }, 'The memory store is full: the sessions used longest ago end early. Set REDIS_URL.');
  }

  function sweep(): void {
    const now = Date.now();
    for (const [key, entry] of entries) if (entry.endsAt <= now) entries.delete(key);
  }

  function names(key: string): Map<string, number> {
    return (live(key)?.value as Map<string, number> | undefined) ?? new Map();
  }

  const sweeping = setInterval(sweep, 60_000).unref();

  return {
    async getEx(key, seconds) {
      await turn();
      const entry = live(key);
      if (entry) entry.endsAt = after(seconds);
      return entry?.value as Buffer | undefined;
    },
    async get(key) {
      return value(key);
    },
    async getDel(key, note) {
      const found = value(key);
      entries.delete(key);
      if (found && note) put(note.key, ownCopy(note.value), after(note.seconds));
      return found;
    },
    async msLeft(key) {
      return (live(key)?.endsAt ?? Date.now()) - Date.now();
    },
    async set(key, text, only, end) {
      const old = live(key);
      if ((only === 'NX') === (old !== undefined)) return false;
      put(key, ownCopy(text), end === 'KEEPTTL' ? (old as MemoryEntry).endsAt : after(end));
      return true;
    },
    async create(records) {
      if (live(records[0].key)) return false;
      for (const { key, value, seconds } of records) put(key, ownCopy(value), after(seconds));
      return true;
    },
    async replaceTail(key, tail, seconds) {
      const old = value(key);
      const end = old && endOfHead(old);
      if (!old || end === undefined) return false;
      put(key, ownCopy(Buffer.concat([old.subarray(0, end), tail])), after(seconds));
      return true;
    },
    async replaceHead(key, head, was) {
      const old = live(key);
      const record = old?.value as Buffer | undefined;
      const end = record && endOfHead(record);
      if (!old || !record || end === undefined) return 'gone';
      if (!record.subarray(0, end).equals(was)) return 'changed';
      put(key, ownCopy(Buffer.concat([head, record.subarray(end)])), old.endsAt);
      return 'done';
    },
    async del(...keys) {
      for (const key of keys) entries.delete(key);
    },
    async deleteIf(key, text) {
      if (value(key)?.equals(Buffer.from(text))) entries.delete(key);
    },
    async extendIf(key, text, seconds) {
      const entry = live(key);
      if (entry && (entry.value as Buffer).equals(Buffer.from(text))) entry.endsAt = after(seconds);
    },
    async nextNumber(key, seconds) {
      const next = nextOf(value(key), Date.now());
      put(key, ownCopy(`${next}`), after(seconds));
      return next;
    },
    async createNumbered({ key, value: text, seconds }, row, rowSeconds) {
      if (live(key)) return undefined;
      put(key, ownCopy(text), after(seconds));
      const number = reachedBy(value(row), Date.now());
      put(row, ownCopy(`${number}`), after(rowSeconds));
      return number;
    },
    async raise(key, number, seconds) {
      put(key, ownCopy(`${higher(value(key), number)}`), after(seconds));
    },
    async addMember(sets, member, endsAt, numbers = []) {
      const now = Date.now();
      for (const key of sets) {
        const kept = [...names(key), [member, endsAt] as const].filter(([, end]) => end > now);
        put(key, new Map(kept), Math.max(...kept.map(([, end]) => end), now));
      }
      return numbers.map((key) => wholeNumber(value(key) ?? '0'));
    },
    async members(key) {
      return [...names(key).keys()];
    },
    async latestMembers(key, from, most) {
      const latest = [...names(key)].sort(([, one], [, other]) => other - one);
      return latest.slice(from, from + most).map(([name]) => name);
    },
    async countMembers(key) {
      const now = Date.now();
      return [...names(key).values()].filter((end) => end > now).length;
    },
    async removeMembers(key, members) {
      const left = names(key);
      for (const member of members) left.delete(member);
      if (left.size === 0) entries.delete(key);
    },
    async *scan(prefix) {
      yield [...entries.keys()].filter((key) => key.startsWith(prefix) && live(key));
    },
    async check() {},
    async close() {
      clearInterval(sweeping);
      entries.clear();
    },
  };
}

/**
 * Gives all reads of one turn of the event loop the same promise, so that their requests go on together, as they do when
 * Redis answers them in one packet. Each alone, a page takes 2.2 × the CPU (bench, November 2026).
 */
export function sharedTurn(): () => Promise<void> {
  let turn: Promise<void> | undefined;
  return () => {
    turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = undefined;
        resolve();
      });
    });
    return turn;
  };
}

function after(seconds: number): number {
  return Date.now() + seconds * 1000;
}
