import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { dateTime, definePage, notFound, type PageContext } from '#kit';
import { hasDatabase } from '../data/database.ts';
import { noteKinds } from '../data/notes.ts';

/** The fields of a note's form. The table has the same limits. */
const fields = z.object({
  title: z.string().trim().min(1, 'Enter a title.').max(100),
  text: z.string().max(2_000).default(''),
  kind: z.enum(noteKinds, 'Choose a kind of note.'),
  remindOn: z.iso.date().optional(),
  pinned: z.boolean(),
});

/** Adds a note. */
export const newNotePage = definePage({
  path: '/notes/new',
  title: 'Add a note',
  access: 'signed-in',
  view: 'note-new',
  when: hasDatabase,
  model: () => ({ kinds: noteKinds, key: randomUUID() }),
  actions: {
    add: {
      // A form that is sent twice has the same key both times, and adds one note.
      form: fields.extend({ key: z.uuid() }),
      run: async ({ values: { key, ...note }, user, data }) => {
        const added = await data.notes.add(user, note, key);
        return { to: '/notes', say: added ? `“${note.title}” is saved.` : sentAlready };
      },
    },
  },
});

const sentAlready = 'This form was sent already. To add another note, open a new one.';

/** Shows a note, to read and to change. Somebody else's is not found. */
export const notePage = definePage({
  path: '/notes/:id',
  title: 'Note',
  access: 'signed-in',
  view: 'note',
  when: hasDatabase,
  model: async (at) => {
    const note = await ownNote(at);
    return { title: note.title, note, created: dateTime(note.createdAt, at.language), kinds: noteKinds };
  },
  actions: {
    save: {
      form: fields,
      run: async ({ values, user, params, data }) => {
        if (!(await data.notes.change(user, params.id, values))) throw notFound();
        return { to: `/notes/${params.id}`, say: 'Your changes are saved.' };
      },
    },
  },
});

/** Asks before a note is deleted. */
export const deleteNotePage = definePage({
  path: '/notes/:id/delete',
  title: 'Delete this note?',
  access: 'signed-in',
  view: 'note-delete',
  when: hasDatabase,
  model: async (at) => ({ note: await ownNote(at) }),
  actions: {
    confirm: {
      run: async ({ user, params, data }) => {
        if (!(await data.notes.remove(user, params.id))) throw notFound();
        return { to: '/notes', say: 'The note is deleted.' };
      },
    },
  },
});

async function ownNote({ user, params, data }: Pick<PageContext<'/notes/:id'>, 'user' | 'params' | 'data'>) {
  const note = await data.notes.find(user, params.id);
  if (!note) throw notFound();
  return note;
}
