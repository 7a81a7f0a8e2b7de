import type { Request } from 'express';

/** Requests for what only scripts may ask for. */
const forScripts = new WeakSet<Request>();

/** Has a request answered as a script's, whatever asks: JSON, and never a page or a redirect to sign in. */
export function onlyForScripts(req: Request): void {
  forScripts.add(req);
}

/**
 * Is a person looking at the answer, or is it a script, an image, a frame or a prefetch that asked? Browsers say so
 * (Fetch metadata); where one says nothing, Accept and X-Requested-With do: a page is asked for by its type, a script
 * takes anything.
 */
export function isNavigation(req: Request): boolean {
  if (forScripts.has(req)) return false;
  const said = saidByBrowser(req);
  if (said !== undefined) return said;
  if (req.get('X-Requested-With') !== undefined) return false;
  return /text\/html|application\/xhtml\+xml/.test(req.get('Accept') ?? 'text/html');
}

/**
 * The same where a wrong guess would cost a person their sign-in: only what the browser itself says is no navigation
 * is none. A HEAD never is: nobody sees its answer.
 */
export function mayBeNavigation(req: Request): boolean {
  return req.method !== 'HEAD' && saidByBrowser(req) !== false;
}

/** Undefined where the browser says nothing. */
function saidByBrowser(req: Request): boolean | undefined {
  if (isPrefetch(req)) return false;
  const mode = req.get('Sec-Fetch-Mode');
  const dest = req.get('Sec-Fetch-Dest');
  if (mode === undefined && dest === undefined) return undefined;
  return (mode ?? 'navigate') === 'navigate' && (dest ?? 'document') === 'document';
}

/** The standard's header, and what browsers sent before there was one. */
const purposes = ['Sec-Purpose', 'Purpose', 'X-Purpose', 'X-Moz'];

/** Whether the browser asks before a person has, as a link of a page may have it do. */
export function isPrefetch(req: Request): boolean {
  return purposes.some((name) => /prefetch|prerender|preview/i.test(req.get(name) ?? ''));
}

/** Whether another site, or a sibling of ours, led the browser here. Those before 2023 do not say. */
export function comesFromElsewhere(req: Request): boolean {
  const site = req.get('Sec-Fetch-Site');
  return site === 'cross-site' || site === 'same-site';
}
