import { createHmac } from 'node:crypto';

/** The Cookie header of a session, as express-session signs it. */
export function cookieOf(id: string, secret: string): string {
  const mac = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '');
  return `session=${encodeURIComponent(`s:${id}.${mac}`)}`;
}
