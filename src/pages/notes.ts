import { dateTime, definePage, notFound } from '#kit';

/** A list of one's own notes, and a form that adds one. */
export const notesPage = definePage({
  path: '/notes',
  title: 'Your notes',
  access: 'signed-in',
  view: 'notes',
  nav: 'Notes',
  model: ({ user, data }) => ({ notes: data.notes.list(user) }),
  actions: {
    add: {
      run: ({ req, user, data }) => {
        const text = String(req.body.text ?? '').trim();
        if (text !== '') data.notes.add(user, text.slice(0, 2_000));
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
  model: ({ user, params, data, language }) => {
    const note = data.notes.find(user, params.id);
    if (!note) throw notFound();
    return { note, created: dateTime(note.createdAt, language) };
  },
  actions: {
    delete: {
      run: ({ user, params, data }) => {
        data.notes.remove(user, params.id);
        return '/notes';
      },
    },
  },
});
