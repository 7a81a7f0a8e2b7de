import type { Express, RequestHandler, Router } from 'express';
import type { AuthContext, AuthOptions } from './context.ts';
import { CookieJar } from './cookies.ts';
import { LoginTransactions } from './login-transaction.ts';
import { readSession } from './read-session.ts';
import { roleReader } from './roles.ts';
import { authRoutes } from './routes.ts';

// What the rest of the app may use of this folder.
export { fetchApi, getAccessToken, tokenState, withoutToken } from './access-token.ts';
export { goOnAfter } from './after-form.ts';
export { claimBounds, excess } from './bounds.ts';
export type { AuthOptions } from './context.ts';
export { type Device, endAllSessions, endOtherSessions, endSession, listSessions } from './devices.ts';
export { AuthError } from './errors.ts';
export { type SignedOutNotice, takeSignedOutNotice } from './farewell.ts';
export { leadBack } from './lead-back.ts';
export { userWasKnown } from './loop-guard.ts';
export { pageMark } from './own-page.ts';
export { createProvider, type Provider, type ProviderCall, type ProviderSettings } from './provider/index.ts';
export { requireAuth } from './require-auth.ts';
export { pageOf } from './return-path.ts';
export type { Rule } from './rules.ts';
export { getUser, type User, type UserSession } from './user-session.ts';

export interface Auth {
  /** Reads the session of each request after it. Mount it after static files and probes, which need none. */
  session: RequestHandler;
  /** To be mounted at /auth. */
  routes: Router;
}

/**
 * Builds the auth part. Does no I/O: the provider and the stores are handed in, connected or not.
 *
 * @param app whose requests get `req.session`
 * @param guards.frameable lets the front-channel page be framed by the provider
 */
export function createAuth(app: Express, options: AuthOptions, guards: { frameable: RequestHandler }): Auth {
  const secure = options.baseUrl.startsWith('https:');
  // A form post from the provider is cross-site: Lax cookies do not follow it.
  const cookies = new CookieJar(
    secure,
    options.provider.settings.responseMode === 'form_post' ? 'none' : 'lax',
  );
  const logins = new LoginTransactions(cookies, options.sealer('login'));
  const farewells = options.sealer('signed-out');
  const trails = options.sealer('sign-ins');
  const rolesOf = roleReader(options.rolesClaim, options.log);
  const pageMarks = options.namer('page mark');
  const made = { secure, cookies, logins, farewells, trails, rolesOf, pageMarks };
  const context: AuthContext = { ...options, ...made };
  return { session: readSession(context, app), routes: authRoutes(guards) };
}
