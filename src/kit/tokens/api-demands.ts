import type { Request } from 'express';
import { checkableAcr, type Demands, type Provider } from '../provider/index.ts';
import { getUser } from '../session/user-session.ts';
import { isRecent } from './token-life.ts';

/**
 * Whether the user's sign-in is what an API demands already (RFC 9470): then another one would change nothing, and
 * sign-ins would go in circles. A demand that says nothing is met by who has just signed in.
 */
export function isMet(req: Request, { settings }: Provider, { acr, maxAge }: Demands): boolean {
  const user = getUser(req);
  if (!user) return false;
  const wanted = checkableAcr(acr);
  if (wanted.length > 0 && !wanted.includes(user.acr ?? '')) return false;
  if (maxAge === undefined) return wanted.length > 0 || isRecent(user.signedInAt.getTime());
  const provenAt = user.authTime ?? user.freshAt ?? new Date(0);
  return Date.now() - provenAt.getTime() <= (maxAge + settings.clockToleranceSeconds) * 1000;
}
