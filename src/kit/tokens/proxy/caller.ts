import type { Request } from 'express';
import { AuthError } from '../../errors/auth-error.ts';
import { isPrefetch } from '../../http/navigation.ts';
import { authOf } from '../../session/context.ts';
import { isOtherPersonsPage, isOwnPage, markScripts } from '../../session/own-page.ts';
import type { User } from '../../session/user.ts';
import { signedIn } from '../../session/user-session.ts';
import { refusal } from './refusal.ts';

/**
 * Lets only scripts of our own pages through: never a navigation, another site, or what a page can have the browser load
 * without a script (image, script, worker, frame, prefetch). Browsers say what asks (Fetch metadata).
 *
 * @throws an error with a 403 page
 */
export function demandScript(req: Request): void {
  const why = whyNotScript(req);
  if (why === undefined) return;
  const { audit } = authOf(req).context;
  audit('request.cross_origin_refused', { reason: why, method: req.method }, req);
  throw refusal(403, 'an API is reached by scripts of our own pages only');
}

function whyNotScript(req: Request): string | undefined {
  const { site, dest } = fetchMetadata(req);
  const mode = req.get('Sec-Fetch-Mode');
  if (site !== undefined && site !== 'same-origin') return 'Sec-Fetch-Site is not same-origin';
  if (dest !== undefined && dest !== 'empty') return 'Sec-Fetch-Dest is not empty';
  if (mode !== undefined && !/^(cors|same-origin|no-cors)$/.test(mode))
    return 'Sec-Fetch-Mode is not that of a script';
  if (isPrefetch(req)) return 'a prefetch';
  return undefined;
}

/**
 * The page that the script belongs to was printed for this user: always for what changes something, and wherever the
 * browser does not say that one of our own pages asks. EventSource can send no header of ours.
 *
 * @throws AuthError `other_persons_page` or `unmarked_page`
 */
export function demandOwnPage(req: Request, user: User): void {
  const { site, dest } = fetchMetadata(req);
  const isSafe = req.method === 'GET' || req.method === 'HEAD';
  const marked = isOwnPage(req, user);
  const others = !marked && isOtherPersonsPage(req, user);
  if (!others && (marked || (isSafe && site !== undefined && dest !== undefined))) return;
  const reason = others ? 'other_persons_page' : 'unmarked_page';
  const { iss, sub } = user;
  authOf(req).context.audit('access.denied', { iss, sub, session: signedIn(req)?.id, reason }, req);
  throw new AuthError(reason, { hint: others ? undefined : markScripts });
}

function fetchMetadata(req: Request): { site: string | undefined; dest: string | undefined } {
  return { site: req.get('Sec-Fetch-Site'), dest: req.get('Sec-Fetch-Dest') };
}
