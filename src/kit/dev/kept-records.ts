import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import type { Log } from '../log/index.ts';
import { createSealer, type Sealer } from '../store/index.ts';
import { createMemoryRecords, type MemoryEntry } from '../store/memory.ts';
import type { Records } from '../store/records.ts';

/** Fewer than in memory alone: all of them are written at each change. */
const most = 10_000;

/** What the file is sealed for. Change it with the file's form: an older file then counts as none. */
const sealedFor = 'development sessions 1';

/** A slide of the idle end is written at most so often: whoever loses one loses a second. */
const slideMs = 1_000;

const readOnly = new Set(['get', 'msLeft', 'members', 'scan', 'check', 'close']);

/**
 * The memory store of the development server: all that it holds is also in a file, so that a restart of the app signs
 * nobody out. Written at each change and before the caller hears of it: on Windows a restart ends the process without
 * a signal, and a session that was ended must stay ended (R10). Sealed, because a file may be copied (R11).
 */
export function openKeptRecords(file: string, secrets: readonly string[], log: Log): Records {
  const sealer = createSealer(secrets, sealedFor);
  const entries = read(file, sealer, log);
  const records = createMemoryRecords(log, { most, entries });
  let writtenAt = 0;
  let failing = false;

  function write(): void {
    writtenAt = Date.now();
    try {
      const kept = [...entries].map(([key, { value, endsAt }]) => [key, value, endsAt]);
      writeFileSync(`${file}.new`, sealer.seal(serialize(kept), sealedFor), { mode: 0o600 });
      renameSync(`${file}.new`, file);
      failing = false;
    } catch (error) {
      // The app goes on without: what is lost is lost at the next restart only.
      if (!failing)
        log.warn({ err: error }, 'The sessions could not be saved: a restart will sign everybody out.');
      failing = true;
    }
  }

  function keeping(name: string, command: (...args: unknown[]) => Promise<unknown>) {
    return async (...args: unknown[]) => {
      const result = await command(...args);
      if (name !== 'getEx' || Date.now() - writtenAt >= slideMs) write();
      return result;
    };
  }

  const commands = Object.entries(records).map(([name, command]) => [
    name,
    readOnly.has(name) ? command : keeping(name, command),
  ]);
  return Object.fromEntries(commands);
}

/** Nothing where the file is missing, cut, broken or sealed with another secret: then everybody signs in again. */
function read(file: string, sealer: Sealer, log: Log): Map<string, MemoryEntry> {
  try {
    const plain = sealer.open(readFileSync(file), sealedFor);
    if (plain) {
      const kept = deserialize(plain) as [string, MemoryEntry['value'], number][];
      return new Map(kept.map(([key, value, endsAt]) => [key, { value, endsAt, used: 0 }]));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
  }
  log.warn('The sessions of the last start could not be read: everybody has to sign in again.');
  return new Map();
}
