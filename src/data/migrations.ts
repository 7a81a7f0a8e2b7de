import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Migration {
  /** Such as `0001-users.sql`. */
  name: string;
  statements: string;
  /** By which a file is known to be as it was when it ran. */
  hash: string;
}

/** What a database says of a migration that it ran. */
export type Ran = Pick<Migration, 'name' | 'hash'>;

/**
 * The SQL files of a folder in the order of their numbers, which begin at 0001 and leave none out: of two branches that
 * both added 0003, whoever merges second sees it here and not in production.
 *
 * @throws Error that names the file
 */
export function readMigrations(folder = join(import.meta.dirname, './migrations/')): Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name, index) => {
    const number = String(index + 1).padStart(4, '0');
    if (!new RegExp(`^${number}-[a-z0-9-]+\\.sql$`).test(name)) {
      throw new Error(`migrations/${name} must be number ${number}, as in ${number}-what-it-does.sql`);
    }
    // Git on Windows may end lines in another way.
    const statements = readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n');
    return { name, statements, hash: createHash('sha256').update(statements).digest('hex') };
  });
}

/**
 * Those that are still to run. `newer` are those that the database ran and this version does not know: it is older than
 * the one before, as after a deploy was taken back. That goes on, or nobody could take one back; so let a migration only
 * add, and remove what no version uses any more in a later deploy.
 *
 * @throws Error where a file is another one than the database ran
 */
export function pendingOf(migrations: readonly Migration[], ran: readonly Ran[]) {
  for (const [index, { name, hash }] of ran.slice(0, migrations.length).entries()) {
    const file = migrations[index];
    if (file?.name !== name) {
      throw new Error(`this database ran migrations/${name}, and now there is ${file?.name}: rename it back`);
    }
    if (file.hash !== hash) {
      throw new Error(
        `migrations/${name} was changed after it ran: put it back, and write the change as a new file`,
      );
    }
  }
  return {
    pending: migrations.slice(ran.length),
    newer: ran.slice(migrations.length).map(({ name }) => name),
  };
}
