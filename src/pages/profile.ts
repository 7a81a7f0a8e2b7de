import { layOutClaims, rawJson } from '../kit/pages/claims.ts';
import { definePage } from '../kit/pages/page.ts';
import { dateTime } from '../kit/pages/time.ts';

/** What the provider says about the user: every claim, readable, and the raw JSON one click away. */
export const profilePage = definePage({
  path: '/profile',
  title: 'Your profile',
  access: 'signed-in',
  view: 'profile',
  nav: 'Profile',
  about: 'What your provider says about you.',
  model: ({ user }) => ({
    email: user.email,
    roles: user.roles.slice(0, 20),
    groups: layOutClaims(user.claims),
    raw: rawJson(user.claims),
    session: [
      { label: 'Signed in here', time: dateTime(user.signedInAt) },
      { label: 'Ends at the latest', time: dateTime(user.expiresAt) },
    ],
  }),
});
