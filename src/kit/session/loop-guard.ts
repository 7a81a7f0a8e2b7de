import type { Request, Response } from 'express';
import type { CookieJar } from '../http/cookies.ts';
import { type AuthContext, authOf } from './context.ts';

// Sign-ins that succeed and yet lead back to a sign-in go round in circles (R4). The count is kept in a cookie that
// only lives until the first page that knows the user. It is sealed, so that one which somebody made up counts nothing.

const name = 'sign-ins';
const windowSeconds = 60;
const mostSignIns = 3;

/** Counts a sign-in that succeeded. `held`: the one before it did hold, so it is the first. */
export function countSignIn(req: Request, res: Response, context: AuthContext, held: boolean): void {
  const { count, since } = held ? newTrail() : readTrail(req, context);
  const trail = `${count + 1}.${since.toString(36)}`;
  const seal = context.sealers.trail.seal('', trail).toString('base64url');
  const { cookies } = context;
  cookies.set(res, name, `${trail}.${seal}`, windowSeconds, cookies.answerSite);
}

/** True when three sign-ins within a minute have led nowhere. The count then starts anew. */
export function isLooping(req: Request, res: Response, context: AuthContext): boolean {
  if (readTrail(req, context).count < mostSignIns) return false;
  context.cookies.clear(res, name, context.cookies.answerSite);
  return true;
}

/** For a page that everyone may open, when it has known its user. `requireAuth` does the same for the others. */
export function userWasKnown(req: Request, res: Response): void {
  forgetSignIns(req, res, authOf(req).context.cookies);
}

/** A page has known its user, or the user has left: no loop. Costs a header only once after a sign-in. */
export function forgetSignIns(req: Request, res: Response, cookies: CookieJar): void {
  if (cookies.has(req, name)) cookies.clear(res, name, cookies.answerSite);
}

interface Trail {
  count: number;
  since: number;
}

function newTrail(): Trail {
  return { count: 0, since: Math.floor(Date.now() / 1000) };
}

function readTrail(req: Request, { cookies, sealers }: AuthContext): Trail {
  const none = newTrail();
  const value = cookies.read(req, (plain) => plain === name).get(name) ?? '';
  if (value.length > 100) return none;
  const [count = '', since = '', seal = ''] = value.split('.');
  if (!sealers.trail.open(Buffer.from(seal, 'base64url'), `${count}.${since}`)) return none;
  const started = Number.parseInt(since, 36);
  const fresh = started <= none.since && none.since - started < windowSeconds;
  return fresh ? { count: Number(count), since: started } : none;
}
