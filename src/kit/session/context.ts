import type { Request, Response } from 'express';
import type { SessionData } from 'express-session';
import type { Audit, Log } from '../log/index.ts';
import type { Sessions } from '../store/index.ts';
import type { CookieJar } from '../http/cookies.ts';
import { AuthError } from '../errors/errors.ts';
import type { LoginTransactions } from '../sign-in/login-transaction.ts';
import type { Provider } from '../provider/index.ts';
import type { User } from './user-session.ts';

/** What seals small texts into cookies; the app makes one from its secret. */
export interface Sealer {
  seal(plain: string, name: string): Buffer;
  open(sealed: Buffer, name: string): Buffer | undefined;
}

/** Whatever the auth part is given from outside: it reads no settings and opens no connections itself. */
export interface AuthOptions {
  /** The origin that users see. The scheme and every redirect come from it, never from a header. */
  baseUrl: string;
  provider: Provider;
  sessions: Sessions;
  sealer: (use: string) => Sealer;
  /** Names that only the holder of the secret can compute, under a key for each use; the current secret's first. */
  namer: (use: string) => (...parts: string[]) => string[];
  /** Current first; signs the session cookie. */
  secrets: readonly string[];
  idleMinutes: number;
  maxHours: number;
  rolesClaim: string;
  /** True while developing: refusals then say which rule failed and what the claims held. */
  explain: boolean;
  /** Did one of our own pages send this request? */
  isSameOrigin: (req: Request) => boolean;
  /** Is a person looking at the answer? */
  isNavigation: (req: Request) => boolean;
  /** The same, but yes where the browser does not say so. */
  mayBeNavigation: (req: Request) => boolean;
  log: Log;
  audit: Audit;
}

/** The options and what is made of them once. */
export interface AuthContext extends AuthOptions {
  secure: boolean;
  cookies: CookieJar;
  logins: LoginTransactions;
  /** Seals what /signed-out is to say. */
  farewells: Sealer;
  /** The roles in a user's claims, by the claim that the settings name. */
  rolesOf: (claims: Record<string, unknown>) => string[];
  /** What the pages of (iss, sub) carry. */
  pageMarks: (iss: string, sub: string) => string[];
  /** Seals the count of the loop guard. */
  trails: Sealer;
}

/** What the auth part knows about one request. */
export interface RequestAuth {
  context: AuthContext;
  /** Set when the store did not answer: then nobody can say who this is (R14). */
  storeError?: unknown;
  /** What the store held for the session cookie, or what this request's sign-in has put there. */
  found?: { id: string; data: SessionData };
  /** The session cookie that one of our secrets has signed, without escapes. express-session is given this one only. */
  cookie?: string;
  /** True once something has asked for `req.session`; from then on that says which session it is, or none. */
  asked: boolean;
  /** The id in a session cookie of ours whose session is gone. */
  formerSession?: string;
  user?: User | undefined;
}

declare global {
  namespace Express {
    interface Request {
      auth?: RequestAuth;
    }
  }
}

/** @throws Error when the app did not mount the auth part before this route */
export function authOf(req: Request): RequestAuth {
  if (!req.auth) throw new Error('mount auth.session before any route that uses the auth part');
  return req.auth;
}

/** @throws AuthError `store_away` (503) when the session could not be read */
export function demandStore(req: Request): RequestAuth {
  const auth = authOf(req);
  if (auth.storeError !== undefined) throw new AuthError('store_away', { cause: auth.storeError });
  return auth;
}

/** Redirects without a body: Express would print the address, and whatever it holds, into a page (R20). */
export function redirect(res: Response, status: 302 | 303, address: string): void {
  res.status(status).location(address).end();
}

/** Whatever depends on a session is never kept by a cache (ASVS 14.3.2). */
export function neverCache(res: Response): void {
  res.setHeader('Cache-Control', 'no-store');
}
