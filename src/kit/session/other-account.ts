import type { Request } from 'express';
import type { Action } from '../errors/message.ts';
import { authOf } from './context.ts';

/** A button that signs in with another account and then leads to `path`. */
export function otherAccount(req: Request, path: string): Action {
  const iss = authOf(req).context.provider.settings.issuer;
  const fields = { iss, target_link_uri: path, switch: 'yes' };
  return {
    label: { key: 'button.use-another-account' },
    post: '/auth/initiate-login',
    fields: Object.entries(fields),
  };
}
