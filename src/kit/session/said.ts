import { hash } from 'node:crypto';
import type { Request, Response } from 'express';
import { isNavigation } from '../http/navigation.ts';
import { authOf } from './context.ts';
import type { User } from './user.ts';
import { getUser } from './user-session.ts';

// What is said later in this browser, sealed in a cookie: one sentence after a form, such as "Your table is booked.", which
// waits for its person to open the page that it was said for and is printed there once; and why a sign-in has failed.

const name = 'said';
/** As long as a sign-in may take that comes in between. */
const lifetimeSeconds = 3_600;
const nextSeconds = 60;
const mostNotes = 3;
/** With the 4,700 bytes of sign-ins on their way, all cookies stay under the 8 KB that servers and proxies take. */
const mostBytes = 2_800;
export const mostCharacters = 500;
/** The name under which it is kept why a sign-in has failed. */
export const failureNote = 'failed';

interface Note {
  /** Of a sentence whom it is for and on which page, as a digest: a path alone may be as long as the cookie. */
  for: string;
  say: string;
  /** When it is no longer worth saying; in milliseconds. */
  until: number;
}

/** Has the page at `path` say the sentence to this user, the next time that it is printed for them. */
export function saySoon(
  req: Request,
  res: Response,
  user: User,
  { path, isPage, sentence }: { path: string; isPage: boolean; sentence: string },
): void {
  if (!isPage) {
    const hint = 'have `to` lead to a page of this app: a plain route does not show it';
    req.log.warn({ hint, path: req.path }, 'the sentence that an action returned cannot be shown');
    return;
  }
  const until = Date.now() + lifetimeSeconds * 1_000;
  keep(req, res, [...waiting(req), { for: keyOf(user, withoutQuery(path)), say: sentence, until }]);
}

/** The same on the page that is opened next. Where another sentence waits for that page, it says enough. */
export function sayNext(req: Request, res: Response, user: User, path: string, sentence: string): void {
  const all = waiting(req);
  const key = keyOf(user, withoutQuery(path));
  if (all.some((note) => note.for === key)) return;
  keep(req, res, [...all, { for: key, say: sentence, until: Date.now() + nextSeconds * 1_000 }]);
}

/** Keeps one text under a name, in place of an earlier one; undefined takes it away. */
export function keepNote(
  req: Request,
  res: Response,
  key: string,
  say: string | undefined,
  seconds = 0,
): void {
  const others = waiting(req).filter((note) => note.for !== key);
  const until = Date.now() + seconds * 1_000;
  keep(req, res, say === undefined ? others : [...others, { for: key, say, until }]);
}

/** A sign-in has succeeded, or somebody signs out: what failed before is over, and the next person is not to read it. */
export function forgetFailure(req: Request, res: Response): void {
  if (noteNamed(req, failureNote) !== undefined) keepNote(req, res, failureNote, undefined);
}

/** What was kept under this name. */
export function noteNamed(req: Request, key: string): string | undefined {
  return waiting(req).find((note) => note.for === key)?.say;
}

/**
 * What this page is to say to this person, and from now on no more. Only a person who looks at the page uses it up: no
 * prefetch, HEAD, frame or script, and nobody else.
 */
export function takeSaid(req: Request, res: Response): string | undefined {
  const user = req.method === 'GET' && isNavigation(req) ? getUser(req) : undefined;
  if (!user) return undefined;
  const all = waiting(req);
  if (all.length === 0) return undefined;
  const key = keyOf(user, req.baseUrl + req.path);
  const here = all.filter((note) => note.for === key);
  if (here.length === 0) return undefined;
  keep(
    req,
    res,
    all.filter((note) => note.for !== key),
  );
  return [...new Set(here.map(({ say }) => say))].join(' ');
}

/** What waits in this browser, the oldest first. */
function waiting(req: Request): Note[] {
  const { cookies, sealers } = authOf(req).context;
  const value = cookies.read(req, (plain) => plain === name).get(name);
  if (value === undefined || value.length > mostBytes) return [];
  const opened = sealers.said.open(Buffer.from(value, 'base64url'), name);
  const notes: Note[] = opened ? JSON.parse(opened.toString()) : [];
  const now = Date.now();
  return notes.filter(({ until }) => until > now);
}

function keep(req: Request, res: Response, all: readonly Note[]): void {
  const { cookies, sealers } = authOf(req).context;
  const notes = all.slice(-mostNotes);
  // Three long ones may not fit: the oldest goes. One always fits, as 500 characters have at most 2,000 bytes.
  for (const first of notes.keys()) {
    const kept = notes.slice(first);
    const value = sealers.said.seal(JSON.stringify(kept), name).toString('base64url');
    if (value.length <= mostBytes) {
      const until = Math.max(...kept.map((note) => note.until));
      cookies.set(res, name, value, Math.ceil((until - Date.now()) / 1_000));
      return;
    }
  }
  cookies.clear(res, name);
}

function keyOf({ iss, sub }: User, path: string): string {
  return hash('sha256', JSON.stringify([iss, sub, decoded(path)]), 'base64url').slice(0, 22);
}

/** Browsers do not all escape the same characters of the address that they are sent to. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Without query and fragment: the same page says it, whatever it is asked for. */
function withoutQuery(address: string): string {
  return address.split(/[?#]/, 1)[0] ?? '';
}
