import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Migration, pendingOf, type Ran, readMigrations } from './migrations.ts';
import { createNotes } from './notes.ts';
import { createUsers } from './users.ts';

type Log = Record<'info' | 'warn', (fields: object, message: string) => void>;

export const databaseSettings = {
  DATABASE_FILE: {
    development: 'data/app.sqlite',
    meaning: 'the SQLite file with users and notes',
    schema: z.string().optional(),
  },
};

interface DatabaseSettings {
  readonly DATABASE_FILE?: string | undefined;
}

/** Whether there is a database: the `when` of each page that needs one. */
export function hasDatabase({ settings }: { settings: DatabaseSettings }): boolean {
  return settings.DATABASE_FILE !== undefined;
}

/** What `open` in site.ts gives. */
export interface AppData {
  users: ReturnType<typeof createUsers>;
  notes: ReturnType<typeof createNotes>;
}

/** Opens the database and brings its tables up to date. In production there is one only where DATABASE_FILE is set. */
export async function openDatabase(
  { DATABASE_FILE: file }: DatabaseSettings,
  log: Log,
  migrations: readonly Migration[] = readMigrations(),
): Promise<{ data: AppData; close: () => void }> {
  if (file === undefined) {
    const hint = 'set it to the path of a file that lasts, such as data/app.sqlite';
    log.info({ hint }, 'DATABASE_FILE is not set: the pages that need a database are not there');
    return { data: withoutDatabase, close: () => {} };
  }
  try {
    const database = await openFile(file);
    migrate(database, migrations, log);
    return {
      data: { users: createUsers(database), notes: createNotes(database) },
      close: () => database.close(),
    };
  } catch (cause) {
    throw new Error(`DATABASE_FILE=${file}: ${(cause as Error).message}`, { cause });
  }
}

const notThere = () => new Error('DATABASE_FILE is not set. Give this page `when: hasDatabase`.');

const withoutDatabase: AppData = {
  get users(): never {
    throw notThere();
  },
  get notes(): never {
    throw notThere();
  },
};

/** Only this user of the system can read it. SQLite gives the files beside it the same rights. */
async function openFile(file: string): Promise<DatabaseSync> {
  if (file !== ':memory:') {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
  }
  // A lock of another process is waited for. Without a timeout it would be an error at once.
  const database = new DatabaseSync(file, { timeout: 5_000 });
  try {
    await writeAhead(database);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** With a write-ahead log, reading never waits for writing. */
async function writeAhead(database: DatabaseSync): Promise<void> {
  for (const end = Date.now() + 5_000; ; await sleep(20)) {
    try {
      return database.exec('PRAGMA journal_mode = WAL');
    } catch (error) {
      // Two processes that create the same file do not wait for each other here, whatever the timeout.
      const { errcode } = error as { errcode?: number };
      if (errcode !== SQLITE_BUSY || Date.now() > end) throw error;
    }
  }
}

const SQLITE_BUSY = 5;

/** Runs all that are pending, or none, in one process at a time. */
function migrate(database: DatabaseSync, migrations: readonly Migration[], log: Log): void {
  // Otherwise dropping a table, which is how SQLite changes one, deletes the rows that refer to it. Checked below.
  database.exec('PRAGMA foreign_keys = OFF');
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(
      'CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, hash TEXT, ran_at TEXT) STRICT',
    );
    const ran = database.prepare('SELECT name, hash FROM migrations ORDER BY name').all() as unknown as Ran[];
    const { pending, newer } = pendingOf(migrations, ran);
    if (newer.length > 0) log.warn({ newer }, 'the database was migrated by a newer version of this app');
    const record = database.prepare("INSERT INTO migrations VALUES (?, ?, datetime('now'))");
    for (const { name, statements, hash } of pending) {
      runFile(database, name, statements);
      record.run(name, hash);
    }
    database.exec('COMMIT');
    if (pending.length > 0) log.info({ ran: pending.map(({ name }) => name) }, 'the database was migrated');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    database.close();
    throw error;
  }
  database.exec('PRAGMA foreign_keys = ON');
}

function runFile(database: DatabaseSync, name: string, statements: string): void {
  try {
    database.exec(statements);
  } catch (cause) {
    throw new Error(`migrations/${name} failed, and nothing was changed: ${(cause as Error).message}`, {
      cause,
    });
  }
  if (!database.isTransaction) throw new Error(`migrations/${name} must not COMMIT or ROLLBACK by itself`);
  if (database.prepare('PRAGMA foreign_key_check').all().length > 0) {
    throw new Error(`migrations/${name} leaves rows that refer to rows that do not exist`);
  }
}
