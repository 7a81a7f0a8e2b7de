import type { Request } from 'express';

/**
 * Is a person looking at the answer, or is it a script, an image, a frame or a prefetch that asked? Browsers say so
 * (Fetch metadata); where one says nothing, Accept and X-Requested-With do: a page is asked for by its type, a script
 * takes anything.
 */
export function isNavigation(req: Request): boolean {
  if (/prefetch|prerender/i.test(req.get('Sec-Purpose') ?? req.get('Purpose') ?? '')) return false;
  const mode = req.get('Sec-Fetch-Mode');
  const dest = req.get('Sec-Fetch-Dest');
  if (mode !== undefined || dest !== undefined) {
    return (mode ?? 'navigate') === 'navigate' && (dest ?? 'document') === 'document';
  }
  if (req.get('X-Requested-With') !== undefined) return false;
  return /text\/html|application\/xhtml\+xml/.test(req.get('Accept') ?? 'text/html');
}
