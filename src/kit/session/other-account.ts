import type { Request } from 'express';
import type { Action } from '../errors/message.ts';
import { authOf } from './context.ts';

/** A button that signs in with another account, of whatever provider, and then leads to `path`. */
export function otherAccount(req: Request, path: string): Action {
  const { providers } = authOf(req).context;
  if (!providers.only) {
    const href = `/auth/login?switch=yes&returnTo=${encodeURIComponent(path)}`;
    return { label: { key: 'button.use-another-account' }, href };
  }
  const iss = providers.only.settings.issuer;
  const fields = { iss, target_link_uri: path, switch: 'yes' };
  return {
    label: { key: 'button.use-another-account' },
    post: '/auth/initiate-login',
    fields: Object.entries(fields),
  };
}
