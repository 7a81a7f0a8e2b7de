import type { IncomingMessage } from 'node:http';
import type { Asker } from '../log/index.ts';
import type { RequestAuth } from './context.ts';

/**
 * Who asked, for the log: whose session the request came with, also if it ended with it, or the one that a sign-in has
 * got. Undefined for visitors, and for what is answered before the session is read, such as files. Reads no store.
 */
export function askerOf(req: IncomingMessage & { auth?: RequestAuth }): Asker | undefined {
  const { id, data: { user } = {} } = req.auth?.found ?? req.auth?.left ?? {};
  return id === undefined || !user ? undefined : { session: id, iss: user.iss, sub: user.sub };
}
