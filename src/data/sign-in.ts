import { refuse } from '#kit';
import { type AppData, hasDatabase } from './database.ts';
import type { Owner } from './users.ts';

interface SignIn extends Owner {
  claims: Readonly<Record<string, unknown>>;
  /** Those that the identity provider gives. */
  roles: readonly string[];
  settings: object;
  data: AppData;
}

/**
 * Adds whoever signs in to the users, and gives them their role: at each sign-in, and again at each recheck. For somebody
 * new it may run twice at once, from two tabs or two instances.
 */
export async function signIn({ iss, sub, claims, roles, settings, data }: SignIn) {
  if (!hasDatabase({ settings })) return { roles, member: undefined };
  const { name, email } = claims;
  const user = await data.users.enter({
    iss,
    sub,
    name: typeof name === 'string' && name !== '' ? name : sub,
    email: typeof email === 'string' ? email : undefined,
  });
  if (user.blocked) throw refuse('Your access to this app has been removed.');
  return { roles: user.role ? [...roles, user.role] : roles, member: { id: user.id } };
}
