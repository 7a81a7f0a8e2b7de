import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { createNotes } from './notes.ts';

export const databaseSettings = {
  DATABASE_FILE: { default: 'data/app.sqlite', meaning: 'where the notes are kept', schema: z.string() },
};

/**
 * Opens the example's database, a file of SQLite, and brings its tables up to date.
 *
 * @param file a path, or `:memory:`
 */
export function openDatabase(file: string) {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
  const database = new DatabaseSync(file, { timeout: 5_000 });
  migrate(database);
  return { data: { notes: createNotes(database) }, close: () => database.close() };
}

/** Each entry brings the tables from one version to the next. Add to the end; never change what was released. */
const migrations = [
  `CREATE TABLE notes (
     id INTEGER PRIMARY KEY,
     iss TEXT NOT NULL,
     sub TEXT NOT NULL,
     text TEXT NOT NULL,
     created_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX notes_by_owner ON notes (iss, sub);`,
];

/** Alone at it: several processes may start at once. */
function migrate(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE');
  const { user_version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  for (const statements of migrations.slice(user_version)) database.exec(statements);
  database.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
}
