import type { Request } from 'express';
import { authOf } from './context.ts';

/**
 * Who is asking: a person opening a page, a person posting a form, or a script (also an image, a frame, a
 * prefetch), which a redirect to a sign-in page would only harm.
 */
export function requestKind(req: Request): 'page' | 'form' | 'script' {
  if (!authOf(req).context.isNavigation(req)) return 'script';
  return req.method === 'GET' || req.method === 'HEAD' ? 'page' : 'form';
}
