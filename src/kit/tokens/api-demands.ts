import type { Request } from 'express';
import type { Demands, Provider } from '../provider/index.ts';
import { getUser } from '../session/user-session.ts';
import { isRecent } from './token-life.ts';

/**
 * Whether the user's sign-in is what an API demands already (RFC 9470): then another one would change nothing, and
 * sign-ins would go in circles. A demand that says nothing is met by who has just signed in.
 */
export function isMet(req: Request, { settings }: Provider, { acr, maxAge }: Demands): boolean {
  const user = getUser(req);
  if (!user) return false;
  if (acr && !acr.includes(user.acr ?? '')) return false;
  if (maxAge === undefined) return acr !== undefined || isRecent(user.signedInAt.getTime());
  const provenAt = (user.authTime ?? user.freshAt ?? new Date(0)).getTime();
  // Nobody comes back from a sign-in much faster: an API that wants a second at most would refuse the next one too.
  if (isRecent(provenAt)) return true;
  // The API goes by its own clock, so what may be too old by that is not what it demands.
  return Date.now() - provenAt <= (maxAge - settings.clockToleranceSeconds) * 1000;
}
