import type { Request } from 'express';
import { isNavigation } from './navigation.ts';

/**
 * Who is asking: a person opening a page, a person posting a form, or a script (also an image, a frame, a
 * prefetch, a HEAD), which a redirect to a sign-in page would only harm: nobody would finish that sign-in, and it would
 * push out one that somebody wants to finish (R3).
 */
export function requestKind(req: Request): 'page' | 'form' | 'script' {
  if (req.method === 'HEAD' || !isNavigation(req)) return 'script';
  return req.method === 'GET' ? 'page' : 'form';
}
