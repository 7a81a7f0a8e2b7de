import { dateTime, definePage } from '#kit';

/** What this is, or who is signed in. */
export const homePage = definePage({
  path: '/',
  title: 'Home',
  access: 'everyone',
  view: 'home',
  nav: 'Home',
  model: ({ user, language }) => (user ? { signedInUntil: dateTime(user.expiresAt, language) } : {}),
});
