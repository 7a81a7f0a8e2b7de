import type { Request } from 'express';
import { localPath, localTarget } from '../http/return-path.ts';
import { authOf } from './context.ts';

/**
 * The page to come back to; undefined for a form that does not say which page holds it. Never the address of a form's
 * answer: it takes no GET, and whoever has signed in would end on a 405.
 *
 * @param known the page, where the route knows it
 */
export function wayBack(req: Request, known?: string): string | undefined {
  if (known !== undefined) return localPath(known);
  if (req.method === 'GET' || req.method === 'HEAD') return localPath(req.originalUrl);
  const { baseUrl } = authOf(req).context;
  const from = req.get('Referer');
  return from?.startsWith(`${baseUrl}/`) ? localTarget(from, baseUrl) : undefined;
}

/** The page that a person is on: the one that was opened, or the one whose form was sent; home where nothing tells. */
export function pageOf(req: Request): string {
  return wayBack(req) ?? '/';
}
