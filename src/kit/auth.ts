import type { Express, RequestHandler, Router } from 'express';
import type { AuthContext, AuthOptions } from './session/context.ts';
import { CookieJar } from './http/cookies.ts';
import { LoginTransactions } from './sign-in/login-transaction.ts';
import { readSession } from './session/read-session.ts';
import { roleReader } from './session/roles.ts';
import { authRoutes } from './sign-in/routes.ts';

// What the rest of the app may use of this folder.
export { fetchApi, getAccessToken, tokenState, withoutToken } from './tokens/access-token.ts';
export { goOnAfter } from './pages/after-form.ts';
export { claimBounds, excess } from './session/bounds.ts';
export type { AuthOptions } from './session/context.ts';
export { type Device, endAllSessions, endOtherSessions, endSession, listSessions } from './sign-out/devices.ts';
export { AuthError } from './errors/errors.ts';
export { type SignedOutNotice, takeSignedOutNotice } from './sign-out/farewell.ts';
export { leadBack } from './pages/lead-back.ts';
export { userWasKnown } from './session/loop-guard.ts';
export { pageMark } from './session/own-page.ts';
export { createProvider, type Provider, type ProviderCall, type ProviderSettings } from './provider/index.ts';
export { requireAuth } from './guard/require-auth.ts';
export { pageOf } from './http/return-path.ts';
export type { Rule } from './guard/rules.ts';
export { getUser, type User, type UserSession } from './session/user-session.ts';

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
