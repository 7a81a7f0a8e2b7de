import type { Request, RequestHandler, Response } from 'express';
import session, { type SessionData, type Store } from 'express-session';
import { type AuthContext, authOf, type RequestAuth } from './context.ts';
import { signedCookies } from './signed-cookie.ts';
import { newSessionId } from './user-session.ts';

/**
 * Reads the session of each request: one command to the store, and no more for a page that only asks who is signed in
 * (`signedIn`, `getUser`). `req.session` is express-session's, as everybody knows it, but made only when something asks
 * for it: of each request that has one it hashes the session twice and wraps the answer. Mounted as usual, a page takes
 * 1.53 × the CPU (bench of November 2026).
 *
 * @param app whose `request` all its requests inherit from
 */
export function readSession(context: AuthContext, app: { request: object }): RequestHandler {
  const { cookies, sessions } = context;
  const ours = signedCookies(context.secrets, context.idleMinutes);
  const makeSession = expressSession(context);
  // For all requests at once, as in `requestLog`.
  for (const part of parts) {
    Object.defineProperty(app.request, part, {
      configurable: true,
      get(this: Request) {
        if (!this.auth || this.auth.asked) return undefined;
        makeSession(this);
        return this[part];
      },
      set(this: Request, value) {
        makeRoom(this);
        Object.assign(this, { [part]: value });
      },
    });
  }

  return (req, _res, next) => {
    const auth: RequestAuth = { context, asked: false };
    req.auth = auth;
    const cookie = cookies.read(req, (plain) => plain === 'session').get('session');
    const signed = cookie === undefined ? undefined : ours.read(cookie);
    if (cookie === undefined || !signed) return next();
    const { id } = signed;
    auth.cookie = signed.text;
    const take = (error: unknown, data?: SessionData | null) => {
      if (error) auth.storeError = error;
      else if (!data) {
        ours.forget(cookie);
        auth.formerSession = id;
      } else if (isOfProvider(data, context)) auth.found = { id, data };
      else return void endForeign(id, auth).then(next);
      next();
    };
    if (!asksForEvents(req)) return sessions.store.get(id, take);
    sessions.look(id).then((data) => take(undefined, data), take);
  };
}

/** An event stream that a page leaves open, and opens again by itself, is no activity of a person (R9). */
function asksForEvents(req: Request): boolean {
  return req.headers.accept?.toLowerCase().includes('text/event-stream') ?? false;
}

/** A session without a user is nobody's. */
function isOfProvider({ user }: SessionData, { providers }: AuthContext): boolean {
  return !user || providers.ofSession(user) !== undefined;
}

/**
 * The provider that this session came from is gone from the settings, or its name stands for another one now: who that
 * one's users are, and whose tokens these are, nobody can say. Its user reads why, and nothing of it is sent anywhere.
 */
async function endForeign(id: string, auth: RequestAuth): Promise<void> {
  try {
    await auth.context.sessions.end(id, 'provider-changed');
    auth.formerSession = id;
  } catch (error) {
    auth.storeError = error;
  }
}

/** What express-session adds to a request. */
const parts = ['session', 'sessionID', 'sessionStore'] as const;

/** From here on the request has these of its own, as if nobody had thought of making them late. */
function makeRoom(req: Request): void {
  authOf(req).asked = true;
  const empty = { value: undefined, writable: true, configurable: true, enumerable: true };
  for (const part of parts) Object.defineProperty(req, part, empty);
}

/** Has express-session make a request's session of what was read, at once. It writes nothing unless something changed. */
function expressSession({ cookies, secure, secrets, sessions, log }: AuthContext) {
  let telling: Request | undefined;
  const store: Store = Object.create(sessions.store);
  store.get = (id, done) => {
    if (!telling) return sessions.store.get(id, done);
    const { found } = authOf(telling);
    // A copy: pages may write into theirs, also deep inside of `user`.
    done(null, found?.id === id ? structuredClone(found.data) : null);
  };
  const name = cookies.name('session');
  const handler = session({
    name,
    store,
    secret: [...secrets],
    resave: false,
    saveUninitialized: false,
    rolling: false,
    cookie: { httpOnly: true, secure, sameSite: 'lax', path: '/' },
    genid: newSessionId,
  });

  return (req: Request): void => {
    makeRoom(req);
    if (authOf(req).storeError !== undefined) return;
    // Users come by BASE_URL, whatever this hop looks like: only then does express-session set its Secure cookie.
    if (secure) Object.defineProperty(req, 'secure', { value: true });
    telling = req;
    // express-session has a parser of its own, which cuts other blanks and takes the first of two cookies. What it
    // sees is what we have read, so that the two can never mean different sessions.
    const { headers } = req;
    const { cookie: given } = headers;
    const { cookie } = authOf(req);
    headers.cookie = cookie === undefined ? '' : `${name}=${encodeURIComponent(cookie)}`;
    try {
      handler(req, req.res as Response, (error?: unknown) => {
        if (error === undefined) return;
        // It calls back a second time when a save at the end of the answer fails.
        if (telling === undefined) log.error(error, 'a changed session could not be saved');
        else throw error;
      });
    } finally {
      telling = undefined;
      if (given === undefined) delete headers.cookie;
      else headers.cookie = given;
    }
  };
}
