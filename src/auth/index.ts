import type { RequestHandler, Router } from 'express';
import session from 'express-session';
import type { AuthContext, AuthOptions } from './context.ts';
import { CookieJar } from './cookies.ts';
import { LoginTransactions } from './login-transaction.ts';
import { authRoutes } from './routes.ts';
import { newSessionId } from './user-session.ts';

// The door of the auth part: what the rest of the app may use. Everything else in this folder is its own business.
export { fetchApi, getAccessToken, tokenState } from './access-token.ts';
export { type AuthOptions, redirect } from './context.ts';
export { type Device, endAllSessions, endOtherSessions, endSession, listSessions } from './devices.ts';
export { AuthError } from './errors.ts';
export { type SignedOutNotice, takeSignedOutNotice } from './farewell.ts';
export { createProvider, type Provider, type ProviderCall, type ProviderSettings } from './provider/index.ts';
export { requireAuth } from './require-auth.ts';
export type { Rule } from './rules.ts';
export { getUser, type User, type UserSession } from './user-session.ts';

export interface Auth {
  /** Reads the session of each request after it. Mount it after static files and probes, which need none. */
  sessions: RequestHandler[];
  /** To be mounted at /auth. */
  routes: Router;
}

/**
 * Builds the auth part. Does no I/O: the provider and the stores are handed in, connected or not.
 *
 * @param guards.frameable lets the front-channel page be framed by the provider
 */
export function createAuth(options: AuthOptions, guards: { frameable: RequestHandler }): Auth {
  const secure = options.baseUrl.startsWith('https:');
  // A form post from the provider is cross-site: Lax cookies do not follow it.
  const cookies = new CookieJar(
    secure,
    options.provider.settings.responseMode === 'form_post' ? 'none' : 'lax',
  );
  const logins = new LoginTransactions(cookies, options.sealer('login'));
  const farewells = options.sealer('signed-out');
  const context: AuthContext = { ...options, secure, cookies, logins, farewells };
  return { sessions: [openRequest(context), readSession(context)], routes: authRoutes(guards) };
}

function openRequest(context: AuthContext): RequestHandler {
  return (req, _res, next) => {
    req.auth = { context };
    // Users come by BASE_URL, whatever this hop looks like: only then does express-session set its Secure cookie.
    if (context.secure) Object.defineProperty(req, 'secure', { value: true });
    next();
  };
}

/** express-session, tuned: nothing is written unless something changed, and a store that fails is remembered (R14). */
function readSession(context: AuthContext): RequestHandler {
  const { cookies, sessions, secrets, secure } = context;
  const express = session({
    name: cookies.name('session'),
    store: sessions.store,
    secret: [...secrets],
    resave: false,
    saveUninitialized: false,
    rolling: false,
    cookie: { httpOnly: true, secure, sameSite: 'lax', path: '/' },
    genid(req) {
      // Here the id of a cookie that we signed, but whose session is gone, can still be seen.
      if (req.sessionID && req.auth) req.auth.formerSession = req.sessionID;
      return newSessionId();
    },
  });
  return (req, res, next) => {
    let read = false;
    express(req, res, (error?: unknown) => {
      // express-session calls back a second time when a save at the end of the answer fails.
      if (read) return context.log.error(error, 'a changed session could not be saved');
      read = true;
      if (error !== undefined && req.auth) req.auth.storeError = error;
      next();
    });
  };
}
