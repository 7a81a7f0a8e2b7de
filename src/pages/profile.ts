import { dateTime, definePage, layOutClaims, rawJson } from '#kit';

/** Who the user is, in a few rows. Every claim is one click away, readable, and as raw JSON. */
export const profilePage = definePage({
  path: '/profile',
  title: 'Your account',
  access: 'signed-in',
  view: 'profile',
  nav: 'Account',
  model: ({ user, language }) => ({
    email: user.email,
    emailVerified: user.email ? yesOrNo(user.claims.email_verified) : undefined,
    username: text(user.claims.preferred_username),
    roles: user.roles.slice(0, mostRoles),
    moreRoles: user.roles.length - mostRoles,
    signedInAt: dateTime(user.signedInAt, language),
    sessionExpires: dateTime(user.expiresAt, language),
    groups: layOutClaims(user.claims, language),
    raw: rawJson(user.claims, language),
  }),
});

const mostRoles = 20;

/** A claim may be missing, or be something else than what its name says. Some providers send "true" as a text. */
function yesOrNo(claim: unknown): boolean | undefined {
  if (claim === true || claim === 'true') return true;
  return claim === false || claim === 'false' ? false : undefined;
}

function text(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim.slice(0, 200) : undefined;
}
