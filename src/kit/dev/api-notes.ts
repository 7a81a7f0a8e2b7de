import { EventEmitter } from 'node:events';
import { ApiProblem } from './api-problems.ts';

export interface Note {
  id: number;
  text: string;
  done: boolean;
}

/** What can be written of a note. */
export type NoteFields = Omit<Note, 'id'>;

/** What happened to a note, and when. */
export interface Change {
  /** They count up, for each user. */
  id: number;
  what: 'added' | 'changed' | 'deleted';
  at: string;
  note: Note;
}

export type Notes = ReturnType<typeof createNotes>;

const mostNotes = 100;
const mostChanges = 50;
const mostPeople = 1_000;

interface Person {
  notes: Map<number, Note & { version: number }>;
  history: Change[];
  /** Which note a key has added: what is sent twice adds one. */
  keys: Map<string, number>;
}

/**
 * The notes of each user, in memory. A note belongs to the `sub` in the token that it was written with; nobody else finds
 * it.
 */
export function createNotes() {
  const people = new Map<string, Person>();
  const changes = new EventEmitter<Record<string, [Change]>>().setMaxListeners(0);
  let lastId = 0;

  function personOf(sub: string): Person {
    const known = people.get(sub);
    if (known) return known;
    const [oldest] = people.keys();
    if (people.size >= mostPeople && oldest !== undefined) people.delete(oldest);
    const first = ['Water the plants', 'Read RFC 9700 again'].map((text) => made({ text, done: false }));
    const person: Person = {
      notes: new Map(first.map((note) => [note.id, note])),
      history: [],
      keys: new Map(),
    };
    people.set(sub, person);
    return person;
  }

  // An id is never used again, so that no two notes have the same id and version.
  const made = (fields: NoteFields) => ({ id: ++lastId, ...fields, version: 1 });

  function record(sub: string, what: Change['what'], note: Note): void {
    const { history } = personOf(sub);
    const change = { id: (history[0]?.id ?? 0) + 1, what, at: new Date().toISOString(), note };
    history.unshift(change);
    history.splice(mostChanges);
    changes.emit(keyOf(sub), change);
  }

  return {
    list: (sub: string): Note[] => [...personOf(sub).notes.values()].map(plain),
    /** The last changes, the latest first. */
    history: (sub: string): readonly Change[] => personOf(sub).history,
    find(sub: string, id: number): { note: Note; etag: string } | undefined {
      const found = personOf(sub).notes.get(id);
      return found && { note: plain(found), etag: etagOf(found) };
    },
    /** @param key what was sent with the same one before is not added again */
    add(sub: string, fields: NoteFields, key?: string): { note: Note; etag: string } {
      const { notes, keys } = personOf(sub);
      const sent = key === undefined ? undefined : notes.get(keys.get(key) ?? 0);
      if (sent) return { note: plain(sent), etag: etagOf(sent) };
      if (notes.size >= mostNotes)
        throw new ApiProblem(409, `There are ${mostNotes} notes already: delete one first`);
      const note = made(fields);
      notes.set(note.id, note);
      if (key !== undefined) remember(keys, key, note.id);
      record(sub, 'added', plain(note));
      return { note: plain(note), etag: etagOf(note) };
    },
    change(sub: string, id: number, fields: Partial<NoteFields>): { note: Note; etag: string } | undefined {
      const { notes } = personOf(sub);
      const old = notes.get(id);
      if (!old) return undefined;
      const note = { ...old, ...fields, version: old.version + 1 };
      notes.set(id, note);
      record(sub, 'changed', plain(note));
      return { note: plain(note), etag: etagOf(note) };
    },
    remove(sub: string, id: number): void {
      const { notes } = personOf(sub);
      const old = notes.get(id);
      if (!old) return;
      notes.delete(id);
      record(sub, 'deleted', plain(old));
    },
    /** @returns what ends it */
    onChange(sub: string, listener: (change: Change) => void): () => void {
      changes.on(keyOf(sub), listener);
      return () => changes.off(keyOf(sub), listener);
    },
  };
}

/** The last hundred. */
function remember(keys: Map<string, number>, key: string, id: number): void {
  const [oldest] = keys.keys();
  if (keys.size >= mostNotes && oldest !== undefined) keys.delete(oldest);
  keys.set(key, id);
}

/** An event named `error` would be thrown where nobody listens. */
const keyOf = (sub: string) => `of ${sub}`;

const plain = ({ id, text, done }: Note): Note => ({ id, text, done });

/** Strong: If-Match compares no other (RFC 9110 §13.1.1). */
const etagOf = ({ id, version }: { id: number; version: number }) => `"${id}.${version}"`;
