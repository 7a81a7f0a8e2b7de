import { definePage } from '../kit/pages/page.ts';

/** Shows a rule at work: whoever lacks the role gets the 403 page. */
export const adminPage = definePage({
  path: '/admin',
  title: 'Administration',
  access: { roles: 'admin' },
  view: 'admin',
  nav: 'Admin',
  about: 'Only for people with the role “admin”. Others see how a refusal looks.',
  model: ({ user }) => ({ roles: user.roles.slice(0, 20) }),
});
