import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/** Where `npm run dev` keeps what people entered in the example, and where that goes, so that an app of one's own begins empty. */
const file = 'data/app.sqlite';
const aside = 'data/example.sqlite';
/** SQLite keeps what it has not merged yet in files beside it. */
const parts = ['', '-wal', '-shm'];

/**
 * Moves the example's database out of the way where the example's code goes: its tables are not those of the app to come.
 *
 * @returns where it is now; undefined where there was none, or the new place is taken
 */
export function moveExampleData(root: string, deleted: ReadonlySet<string>): string | undefined {
  if (!deleted.has('src/data/database.ts') || !existsSync(join(root, file))) return undefined;
  if (parts.some((part) => existsSync(join(root, aside + part)))) return undefined;
  for (const part of parts) {
    if (existsSync(join(root, file + part))) renameSync(join(root, file + part), join(root, aside + part));
  }
  return aside;
}
