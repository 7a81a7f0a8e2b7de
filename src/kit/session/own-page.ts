import { timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { authOf } from './context.ts';
import type { User } from './user.ts';
import { getUser } from './user-session.ts';

// A page acts only for the person it was printed for: left open by alice, it must change nothing as bob, who has signed
// in in another tab since. So each page carries an HMAC of (iss, sub), which its forms and scripts send along.

const field = 'kit-form';

/** For the developer of a script that does not say whose page it is of. */
export const markScripts =
  'have the script send the content of <meta name="kit-form"> as the header Kit-Form';
const header = 'Kit-Form';

/** What the pages of this request's user carry; undefined where nobody is signed in. */
export function pageMark(req: Request): string | undefined {
  const user = getUser(req);
  return user && marksOf(req, user)[0];
}

/** True when one mark came along, as a header or as a form field, and each that came is this user's. */
export function isOwnPage(req: Request, user: User): boolean {
  const given = marksIn(req);
  return given.length > 0 && given.every((mark) => isMarkOf(req, user, mark));
}

/** True when the request says whose page it comes from, and that is not this user's. */
export function isOtherPersonsPage(req: Request, user: User): boolean {
  return marksIn(req).some((mark) => !isMarkOf(req, user, mark));
}

/** A field is there only where the body was parsed before. One that came twice is a list, and no list is a mark. */
function marksIn(req: Request): unknown[] {
  const body: unknown = req.body;
  const isForm = typeof body === 'object' && body !== null && Object.hasOwn(body, field);
  const inBody = isForm ? (body as Record<string, unknown>)[field] : undefined;
  return [req.get(header), inBody].filter((mark) => mark !== undefined);
}

function isMarkOf(req: Request, user: User, value: unknown): boolean {
  if (typeof value !== 'string') return false;
  return marksOf(req, user).some((mark) => {
    // As long as ours before anything is copied: a form may contain 64 KB.
    if (mark.length !== value.length) return false;
    const [expected, given] = [Buffer.from(mark), Buffer.from(value)];
    return expected.length === given.length && timingSafeEqual(expected, given);
  });
}

/** The current secret's first, then the previous one's. */
function marksOf(req: Request, { iss, sub }: User): string[] {
  return authOf(req).context.pageMarks(iss, sub);
}
