import { dateTime, definePage, layOutClaims, rawJson } from '#kit';

/** What the identity provider says about the user: every claim, readable, and the raw JSON one click away. */
export const profilePage = definePage({
  path: '/profile',
  title: 'Your profile',
  access: 'signed-in',
  view: 'profile',
  nav: 'Profile',
  model: ({ user, language }) => ({
    email: user.email,
    roles: user.roles.slice(0, 20),
    groups: layOutClaims(user.claims, language),
    raw: rawJson(user.claims, language),
    session: [
      { label: 'Signed in', time: dateTime(user.signedInAt, language) },
      { label: 'Session expires', time: dateTime(user.expiresAt, language) },
    ],
  }),
});
