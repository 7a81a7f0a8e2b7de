import type { Router } from 'express';
import { definePage, getUser, notFound } from '#kit';
import { type AppData, hasDatabase } from '../data/database.ts';
import type { Note } from '../data/notes.ts';

/** The user's own notes, a page at a time. */
export const notesPage = definePage({
  path: '/notes',
  title: 'Your notes',
  access: 'signed-in',
  view: 'notes',
  nav: 'Notes',
  when: hasDatabase,
  script: '/notes.js',
  model: async ({ req, user, data }) => {
    const page = numberOf(req.query.page);
    const { notes, hasMore } = await data.notes.list(user, { page });
    return { notes, newer: page > 1 ? page - 1 : undefined, older: hasMore ? page + 1 : undefined };
  },
});

/** The same list for public/notes.js, which adds the older ones to the page. */
export function noteRoutes(router: Router, { data, settings }: { data: AppData; settings: object }): void {
  if (!hasDatabase({ settings })) return;
  router.get('/api/notes', async (req, res) => {
    const user = getUser(req);
    if (!user) throw notFound(); // Not reached: routes ask for the sign-in first.
    const { notes, hasMore } = await data.notes.list(user, { page: numberOf(req.query.page) });
    res.json({
      notes: notes.map(({ id, title, kind, pinned }: Note) => ({ id, title, kind, pinned })),
      hasMore,
    });
  });
}

/** From the address, where anything may have been typed: `?page=2`. */
function numberOf(page: unknown): number {
  return typeof page === 'string' && /^[1-9]\d{0,5}$/.test(page) ? Number(page) : 1;
}
