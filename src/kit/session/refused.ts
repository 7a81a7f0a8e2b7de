import type { Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import type { Action } from '../errors/message.ts';
import type { Provider } from '../provider/index.ts';
import { otherAccount } from './other-account.ts';
import { getUser } from './user-session.ts';

/**
 * The page for somebody whom `signIn` in site.ts refused, or whom a page refused by `refuse()`: they may have another
 * account, or want to leave the provider, which would only let them in with this one again. Undefined for another error.
 *
 * @param at.path where another account is to lead
 * @param at.provider where they signed in
 */
export function refused(
  req: Request,
  error: unknown,
  { path, provider }: { path: string; provider: Provider | undefined },
): AuthError | undefined {
  if (!(error instanceof AuthError) || error.reason !== 'not_admitted') return undefined;
  const { cause, hint, page, about } = error;
  const name = about?.name ?? getUser(req)?.name;
  const facts =
    name === undefined ? undefined : [{ label: { key: 'error.signed-in-as' } as const, value: name }];
  return new AuthError('not_admitted', {
    ...{ cause, hint, about },
    page: { ...page, facts, action: otherAccount(req, path), other: signOutThere(provider) },
  });
}

/** Undefined where the provider offers no sign-out. */
function signOutThere(provider: Provider | undefined): Action | undefined {
  if (!provider?.offersSignOut()) return undefined;
  const label = { key: 'button.sign-out-there', values: { provider: provider.label } } as const;
  const fields: [string, string][] = [
    ['at', 'provider'],
    ['provider', provider.name],
  ];
  return { label, post: '/auth/logout', fields };
}
