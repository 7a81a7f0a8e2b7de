import { dateTime, definePage } from '#kit';

/** What this app is for and how to sign in, or a greeting. */
export const homePage = definePage({
  path: '/',
  title: 'Home',
  access: 'everyone',
  view: 'home',
  nav: 'Home',
  model: ({ user, language }) => (user ? { signedInUntil: dateTime(user.expiresAt, language) } : {}),
});
