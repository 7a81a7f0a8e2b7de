import type { DatabaseSync } from 'node:sqlite';
import type { Owner } from './users.ts';

export const noteKinds = ['idea', 'task', 'question'] as const;

/** What a person writes. */
export interface NoteFields {
  title: string;
  text: string;
  kind: (typeof noteKinds)[number];
  /** A day, such as `2026-12-31`. */
  remindOn?: string | undefined;
  pinned: boolean;
}

export interface Note extends NoteFields {
  id: number;
  createdAt: Date;
}

/** Notes. Each query names their owner, so nobody reaches those of somebody else. */
export function createNotes(database: DatabaseSync) {
  const own = 'WHERE iss = :iss AND sub = :sub';
  const some = database.prepare(
    `SELECT * FROM notes ${own} ORDER BY pinned DESC, id DESC LIMIT :limit OFFSET :offset`,
  );
  const one = database.prepare(`SELECT * FROM notes ${own} AND id = :id`);
  const insert = database.prepare(
    `INSERT INTO notes (iss, sub, title, text, kind, remind_on, pinned, created_at, key)
     VALUES (:iss, :sub, :title, :text, :kind, :remindOn, :pinned, :createdAt, :key)
     ON CONFLICT (iss, sub, key) DO NOTHING
     RETURNING *`,
  );
  const update = database.prepare(
    `UPDATE notes SET title = :title, text = :text, kind = :kind, remind_on = :remindOn, pinned = :pinned
     ${own} AND id = :id`,
  );
  const remove = database.prepare(`DELETE FROM notes ${own} AND id = :id`);

  return {
    /** A page of them, the newest first after those that are pinned, and whether there are more behind it. */
    async list(
      { iss, sub }: Owner,
      { page = 1, size = 20 } = {},
    ): Promise<{ notes: Note[]; hasMore: boolean }> {
      const rows = some.all({ iss, sub, limit: size + 1, offset: (page - 1) * size });
      return { notes: rows.slice(0, size).map(toNote), hasMore: rows.length > size };
    },
    /** Undefined where there is no note with that id, or it is somebody else's. */
    async find({ iss, sub }: Owner, id: string): Promise<Note | undefined> {
      const row = isId(id) ? one.get({ iss, sub, id }) : undefined;
      return row && toNote(row);
    },
    /** @param key of the form that was sent: one that is sent twice adds one note. The second gets undefined */
    async add({ iss, sub }: Owner, fields: NoteFields, key?: string): Promise<Note | undefined> {
      const row = insert.get({ iss, sub, ...columns(fields), createdAt: Date.now(), key: key ?? null });
      return row && toNote(row);
    },
    /** False where there is no note with that id, or it is somebody else's. */
    async change({ iss, sub }: Owner, id: string, fields: NoteFields): Promise<boolean> {
      return isId(id) && update.run({ iss, sub, id, ...columns(fields) }).changes > 0;
    },
    /** False where there is no note with that id, or it is somebody else's. */
    async remove({ iss, sub }: Owner, id: string): Promise<boolean> {
      return isId(id) && remove.run({ iss, sub, id }).changes > 0;
    },
  };
}

/** A database takes `1e3`, ` 1` and `01` for numbers too, but a note has one address. */
function isId(text: string): boolean {
  return /^[1-9]\d{0,14}$/.test(text);
}

function columns({ title, text, kind, remindOn, pinned }: NoteFields) {
  return { title, text, kind, remindOn: remindOn ?? null, pinned: Number(pinned) };
}

function toNote(row: Record<string, unknown>): Note {
  return {
    id: Number(row.id),
    title: String(row.title),
    text: String(row.text),
    kind: row.kind as Note['kind'],
    remindOn: (row.remind_on as string | null) ?? undefined,
    pinned: row.pinned === 1,
    createdAt: new Date(Number(row.created_at)),
  };
}
