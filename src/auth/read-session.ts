import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import session, { type Store } from 'express-session';
import { type AuthContext, authOf, type RequestAuth } from './context.ts';
import { newSessionId } from './user-session.ts';

/**
 * Reads the session of each request: one command to the store, and no more for a page that only asks who is signed in
 * (`signedIn`, `getUser`). `req.session` is express-session's, as everybody knows it, but made only when something asks
 * for it: of each request that has one it hashes the session twice and wraps the answer, a third of a page's time.
 *
 * @param app whose `request` all its requests inherit from
 */
export function readSession(context: AuthContext, app: { request: object }): RequestHandler {
  const { cookies, sessions } = context;
  const keys = context.secrets.map((secret) => createSecretKey(secret, 'utf8'));
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
    const id = cookie && signedId(cookie, keys);
    if (!id) return next();
    sessions.store.get(id, (error, data) => {
      if (error) auth.storeError = error;
      else if (data) auth.found = { id, data };
      else auth.formerSession = id;
      next();
    });
  };
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
  const handler = session({
    name: cookies.name('session'),
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
    try {
      handler(req, req.res as Response, (error?: unknown) => {
        if (error === undefined) return;
        // It calls back a second time when a save at the end of the answer fails.
        if (telling === undefined) log.error(error, 'a changed session could not be saved');
        else throw error;
      });
    } finally {
      telling = undefined;
    }
  };
}

/** The id in a session cookie that one of our secrets has signed. express-session writes it as `s:`, id, `.`, HMAC. */
function signedId(cookie: string, keys: readonly KeyObject[]): string | undefined {
  const [id, signature] = /^s:(.+)\.(.+)$/.exec(decoded(cookie))?.slice(1) ?? [];
  if (id === undefined || signature === undefined) return undefined;
  const given = Buffer.from(signature);
  const isSignedWith = (key: KeyObject) => {
    const mac = createHmac('sha256', key).update(id).digest('base64');
    const expected = Buffer.from(mac.replace(/=+$/, ''));
    return expected.length === given.length && timingSafeEqual(expected, given);
  };
  return keys.some(isSignedWith) ? id : undefined;
}

/** As it is where it cannot be decoded: then it is none of ours. */
function decoded(cookie: string): string {
  try {
    return decodeURIComponent(cookie);
  } catch {
    return cookie;
  }
}
