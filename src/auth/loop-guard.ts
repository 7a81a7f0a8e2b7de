import type { Request, Response } from 'express';
import type { CookieJar } from './cookies.ts';

// Sign-ins that succeed and yet lead back to a sign-in go round in circles (R4). The count stands in a cookie that
// only lives until the first page that knows the user; whoever forges it fools only their own browser.

const name = 'sign-ins';
const windowSeconds = 60;
const mostSignIns = 3;

/** Counts a sign-in that succeeded. */
export function countSignIn(req: Request, res: Response, cookies: CookieJar): void {
  const { count, since } = readTrail(req, cookies);
  cookies.set(res, name, `${count + 1}.${since.toString(36)}`, windowSeconds, cookies.answerSite);
}

/** True when three sign-ins within a minute have led nowhere. The count then starts anew. */
export function isLooping(req: Request, res: Response, cookies: CookieJar): boolean {
  if (readTrail(req, cookies).count < mostSignIns) return false;
  cookies.clear(res, name, cookies.answerSite);
  return true;
}

/** A page has known its user, or the user has left: no loop. Costs a header only once after a sign-in. */
export function forgetSignIns(req: Request, res: Response, cookies: CookieJar): void {
  if (cookies.has(req, name)) cookies.clear(res, name, cookies.answerSite);
}

function readTrail(req: Request, cookies: CookieJar): { count: number; since: number } {
  const [count, since] = (cookies.read(req, (plain) => plain === name).get(name) ?? '').split('.', 2);
  const started = Number.parseInt(since ?? '', 36);
  const now = Math.floor(Date.now() / 1000);
  const fresh = started <= now && now - started < windowSeconds && /^[0-9]$/.test(count ?? '');
  return fresh ? { count: Number(count), since: started } : { count: 0, since: now };
}
