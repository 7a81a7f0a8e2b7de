import type { DatabaseSync } from 'node:sqlite';

/** By what a user is known. Never an email address, which may belong to somebody else next year. */
export interface Owner {
  iss: string;
  sub: string;
}

export type Role = 'editor';

export interface Person extends Owner {
  id: number;
  name: string;
  email: string | undefined;
  role: Role | undefined;
  blocked: boolean;
}

/** Everybody who has signed in, with their role. */
export function createUsers(database: DatabaseSync) {
  // One statement: two tabs that sign in at once make one row, also in two processes.
  const upsert = database.prepare(
    `INSERT INTO users (iss, sub, name, email) VALUES (?, ?, ?, ?)
     ON CONFLICT (iss, sub) DO UPDATE SET name = excluded.name, email = excluded.email
     RETURNING *`,
  );
  const all = database.prepare('SELECT * FROM users ORDER BY name, id LIMIT 200');
  const one = database.prepare('SELECT * FROM users WHERE id = ?');
  const role = database.prepare('UPDATE users SET role = ? WHERE iss = ? AND sub = ?');
  const blocked = database.prepare('UPDATE users SET blocked = ? WHERE iss = ? AND sub = ?');

  return {
    /** Adds somebody who is new, and brings the name and email of somebody known up to date. */
    async enter({
      iss,
      sub,
      name,
      email,
    }: Owner & { name: string; email?: string | undefined }): Promise<Person> {
      return toPerson(upsert.get(iss, sub, name, email ?? null));
    },
    /** The first 200, by name. */
    async list(): Promise<Person[]> {
      return all.all().map(toPerson);
    },
    async find(id: number): Promise<Person | undefined> {
      const row = one.get(id);
      return row && toPerson(row);
    },
    /** False where there is no such user. */
    async setRole({ iss, sub }: Owner, value: Role | undefined): Promise<boolean> {
      return role.run(value ?? null, iss, sub).changes > 0;
    },
    /** False where there is no such user. */
    async block({ iss, sub }: Owner, value: boolean): Promise<boolean> {
      return blocked.run(Number(value), iss, sub).changes > 0;
    },
  };
}

function toPerson(row: Record<string, unknown> = {}): Person {
  return {
    id: Number(row.id),
    iss: String(row.iss),
    sub: String(row.sub),
    name: String(row.name),
    email: (row.email as string | null) ?? undefined,
    role: (row.role as Role | null) ?? undefined,
    blocked: row.blocked === 1,
  };
}
