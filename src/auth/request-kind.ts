import type { Request } from 'express';

/**
 * Who is asking: a person opening a page, a person posting a form, or a script (also an image, a frame, a
 * prefetch), which a redirect to a sign-in page would only harm. Fetch metadata first; where a browser sends
 * none, Accept and X-Requested-With.
 */
export function requestKind(req: Request): 'page' | 'form' | 'script' {
  const reading = req.method === 'GET' || req.method === 'HEAD';
  return isNavigation(req) ? (reading ? 'page' : 'form') : 'script';
}

function isNavigation(req: Request): boolean {
  if (/prefetch|prerender/i.test(req.get('sec-purpose') ?? req.get('purpose') ?? '')) return false;
  const mode = req.get('sec-fetch-mode');
  const dest = req.get('sec-fetch-dest');
  if (mode !== undefined || dest !== undefined) {
    return (mode ?? 'navigate') === 'navigate' && (dest ?? 'document') === 'document';
  }
  if (req.get('x-requested-with') !== undefined) return false;
  return /text\/html|application\/xhtml\+xml/.test(req.get('accept') ?? '');
}
