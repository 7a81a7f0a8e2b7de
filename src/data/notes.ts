import type { DatabaseSync } from 'node:sqlite';

export interface Note {
  id: number;
  text: string;
  createdAt: Date;
}

/** Whose notes: users are known by issuer and subject, never by an email address, which may change hands. */
interface Owner {
  iss: string;
  sub: string;
}

/** A person's own notes. Each call names the owner, so nobody can reach those of somebody else. */
export function createNotes(database: DatabaseSync) {
  const select = 'SELECT id, text, created_at FROM notes WHERE iss = ? AND sub = ?';
  const all = database.prepare(`${select} ORDER BY id DESC LIMIT 100`);
  const one = database.prepare(`${select} AND id = ?`);
  const insert = database.prepare('INSERT INTO notes (iss, sub, text, created_at) VALUES (?, ?, ?, ?)');
  const remove = database.prepare('DELETE FROM notes WHERE iss = ? AND sub = ? AND id = ?');

  return {
    list: ({ iss, sub }: Owner): Note[] => all.all(iss, sub).map(toNote),
    /** Undefined where there is none by that id, or it is somebody else's. */
    find({ iss, sub }: Owner, id: string): Note | undefined {
      const row = one.get(iss, sub, id);
      return row && toNote(row);
    },
    add: ({ iss, sub }: Owner, text: string) => void insert.run(iss, sub, text, Date.now()),
    remove: ({ iss, sub }: Owner, id: string) => void remove.run(iss, sub, id),
  };
}

function toNote(row: Record<string, unknown>): Note {
  return { id: Number(row.id), text: String(row.text), createdAt: new Date(Number(row.created_at)) };
}
