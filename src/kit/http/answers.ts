import type { Response } from 'express';

/** Redirects without a body: Express would print the address, and whatever it holds, into a page (R20). */
export function redirect(res: Response, status: 302 | 303, address: string): void {
  res.status(status).location(address).end();
}

/** Whatever depends on a session is never kept by a cache (ASVS 14.3.2). */
export function neverCache(res: Response): void {
  res.setHeader('Cache-Control', 'no-store');
}
