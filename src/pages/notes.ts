import { dateTime, definePage, notFound } from '#kit';
import { hasDatabase } from '../data/database.ts';

/** A list of one's own notes, and a form that adds one. */
export const notesPage = definePage({
  path: '/notes',
  title: 'Your notes',
  access: 'signed-in',
  view: 'notes',
  nav: 'Notes',
  when: hasDatabase,
  model: ({ user, data }) => data.notes.list(user),
  actions: {
    add: {
      run: async ({ req, user, data }) => {
        const title = String(req.body.title ?? '')
          .trim()
          .slice(0, 100);
        if (title !== '') await data.notes.add(user, { title, text: '', kind: 'idea', pinned: false });
        return '/notes';
      },
    },
  },
});

/** One note. An id that is not this user's own leads nowhere. */
export const notePage = definePage({
  path: '/notes/:id',
  title: 'Note',
  access: 'signed-in',
  view: 'note',
  when: hasDatabase,
  model: async ({ user, params, data, language }) => {
    const note = await data.notes.find(user, params.id);
    if (!note) throw notFound();
    return { note, created: dateTime(note.createdAt, language) };
  },
  actions: {
    delete: {
      run: async ({ user, params, data }) => {
        await data.notes.remove(user, params.id);
        return '/notes';
      },
    },
  },
});
