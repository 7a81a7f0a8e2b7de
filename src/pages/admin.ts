import { definePage } from '#kit';

/** Shows a rule at work: anyone without the role gets the 403 page. */
export const adminPage = definePage({
  path: '/admin',
  title: 'Administration',
  access: { roles: 'admin' },
  view: 'admin',
  nav: 'Admin',
  model: ({ user }) => ({ roles: user.roles.slice(0, 20) }),
});
