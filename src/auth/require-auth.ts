import type { Request, RequestHandler, Response } from 'express';
import { type AuthContext, authOf, demandStore, neverCache, redirect } from './context.ts';
import { AuthError } from './errors.ts';
import { startLogin } from './login.ts';
import { forgetSignIns } from './loop-guard.ts';
import { requestKind } from './request-kind.ts';
import { localPath } from './return-path.ts';
import { checkRule, judge, type Rule } from './rules.ts';
import { lacking, leadingBack, switchUser } from './texts.ts';
import { getUser, signedIn, type User } from './user-session.ts';

/**
 * Lets only those through who are signed in and whom the rule allows. Three different answers (R18):
 * nobody signed in, a sign-in or 401; not allowed, 403; not fresh or strong enough, a step-up at the provider.
 * Works alone on any Express route: `app.get('/reports', requireAuth({ roles: 'admin' }), handler)`.
 *
 * @param options.returnTo where a person goes on after signing in; for forms, the page that holds the form
 */
export function requireAuth(rule: Rule = {}, options: { returnTo?: string } = {}): RequestHandler {
  checkRule(rule);
  return async (req, res, next) => {
    const { context } = demandStore(req);
    neverCache(res);
    const user = getUser(req);
    if (!user) return whoAreYou(req, res, options.returnTo);
    const verdict = judge(user, rule, context.provider.settings);
    if (typeof verdict === 'object' && 'stepUp' in verdict) {
      return stepUp(req, res, { ...verdict.stepUp, returnTo: options.returnTo });
    }
    forgetSignIns(req, res, context.cookies);
    if (verdict === 'allowed') return next();
    if (verdict === 'unproven') throw unproven(req, context, user);
    throw youMayNot(req, context, user, verdict.forbidden);
  };
}

/** Nobody is signed in. Only a person opening a page is sent anywhere. */
async function whoAreYou(req: Request, res: Response, returnTo = req.originalUrl): Promise<void> {
  const kind = requestKind(req);
  const path = localPath(returnTo);
  if (kind === 'script') throw new AuthError('sign_in_first');
  if (kind === 'form') throw new AuthError('work_not_saved', { page: leadingBack('work_not_saved', path) });
  // Somebody whose session is gone is told why first, and goes on from there.
  if (authOf(req).formerSession)
    return redirect(res, 302, `/signed-out?returnTo=${encodeURIComponent(path)}`);
  await startLogin(req, res, { returnTo: path });
}

/** A page, and no further step-up: it would come back in the same way (R18). */
function unproven(req: Request, context: AuthContext, { iss, sub }: User): AuthError {
  const hint =
    'the ID token has no auth_time: have the provider add it, or accept a fresh sign-in without it by OIDC_STEP_UP_WITHOUT_AUTH_TIME=true';
  const reason = 'auth_time_missing';
  context.audit('access.denied', { iss, sub, session: signedIn(req)?.id, reason, hint }, req);
  return new AuthError(reason, { hint });
}

function youMayNot(
  req: Request,
  context: AuthContext,
  user: User,
  lack: { needed: string; held: string },
): AuthError {
  const { iss, sub } = user;
  context.audit('access.denied', { iss, sub, session: signedIn(req)?.id, reason: lack.needed }, req);
  const fields = {
    iss: context.provider.settings.issuer,
    target_link_uri: localPath(req.originalUrl),
    switch: 'yes',
  };
  const facts = [
    { label: lacking.needed, value: lack.needed },
    { label: lacking.signedInAs, value: user.name },
  ];
  if (context.explain) facts.push({ label: lacking.held, value: lack.held });
  const other = { label: switchUser, post: '/auth/initiate-login', fields };
  return new AuthError('forbidden', { page: { facts, other } });
}

/** Asks the provider for a fresher or stronger sign-in (RFC 9470). A script is only told so. */
async function stepUp(
  req: Request,
  res: Response,
  demands: { maxAge?: number | undefined; acr?: readonly string[] | undefined; returnTo: string | undefined },
): Promise<void> {
  const kind = requestKind(req);
  const { maxAge, acr } = demands;
  const returnTo = localPath(demands.returnTo ?? req.originalUrl);
  // A form is sent off only where we know the page that holds it, so that its sender comes back to it.
  if (kind === 'script' || (kind === 'form' && !demands.returnTo)) {
    throw new AuthError('stronger_sign_in', { page: leadingBack('stronger_sign_in', returnTo) });
  }
  await startLogin(req, res, { returnTo, maxAge, acr });
}
