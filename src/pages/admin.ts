import { z } from 'zod';
import { definePage, notFound, recheck } from '#kit';
import { hasDatabase } from '../data/database.ts';

/** Where administrators say who is an editor. Anyone without the role `admin` gets the 403 page. */
export const adminPage = definePage({
  path: '/admin',
  title: 'Administration',
  access: { roles: 'admin' },
  view: 'admin',
  nav: 'Admin',
  model: async ({ settings, data }) => ({ users: hasDatabase({ settings }) ? await data.users.list() : [] }),
  actions: {
    role: {
      form: z.object({ user: z.int(), editor: z.boolean() }),
      run: async ({ values: { user: id, editor }, data }) => {
        const user = await data.users.find(id);
        if (!user) throw notFound();
        await data.users.setRole(user, editor ? 'editor' : undefined);
        // Wherever they are signed in, the change counts from their next page on.
        await recheck(user);
        return { to: '/admin', say: `${user.name} is ${editor ? 'now' : 'no longer'} an editor.` };
      },
    },
  },
});
