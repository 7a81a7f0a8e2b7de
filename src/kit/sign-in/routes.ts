import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { authOf, demandStore, neverCache, redirect } from '../session/context.ts';
import { AuthError } from '../errors/errors.ts';
import { finishLogin } from './finish-login.ts';
import { startLogin } from './login.ts';
import { logout } from '../sign-out/logout.ts';
import { isOtherPersonsPage } from '../session/own-page.ts';
import { formOf, queryOf } from '../http/parameters.ts';
import { backChannelLogout, frontChannelLogout } from '../sign-out/provider-logout.ts';
import { requestKind } from '../http/request-kind.ts';
import { localPath } from '../http/return-path.ts';
import { confirmLogout } from '../errors/texts.ts';
import { initiateLogin } from './third-party-start.ts';
import { getUser, signedIn } from '../session/user-session.ts';

/** The addresses of the auth part, below /auth, and their methods, in one place. */
export function authRoutes(guards: { frameable: RequestHandler }): Router {
  const router = Router();
  router.route('/login').get(login);
  router.route('/callback').get(callbackByQuery).post(form('64kb'), callbackByForm);
  router.route('/logout').get(askToLogout).post(logout);
  router.route('/backchannel-logout').post(form('16kb'), backChannelLogout);
  router.route('/frontchannel-logout').get(guards.frameable, frontChannelLogout);
  router.route('/initiate-login').get(initiateLogin).post(form('16kb'), initiateLogin);
  router.route('/session').get(sessionJson);
  return router;
}

async function login(req: Request, res: Response): Promise<void> {
  const returnTo = localPath(req.query.returnTo);
  neverCache(res);
  // An image, a frame, a script or a prefetch would only push out the sign-in of a person.
  if (requestKind(req) === 'script') throw new AuthError('sign_in_first');
  demandStore(req);
  // `renew` comes from the notice shortly before the absolute end: a new sign-in although this one still holds.
  if (signedIn(req) && req.query.renew === undefined) return redirect(res, 302, returnTo);
  await startLogin(req, res, { returnTo, ...(req.query.restarted !== undefined && { restarted: true }) });
}

function callbackByQuery(req: Request, res: Response): Promise<void> {
  return finishLogin(req, res, queryOf(req));
}

/** OIDC_RESPONSE_MODE=form_post: the answer is the body, and only then. */
function callbackByForm(req: Request, res: Response): Promise<void> {
  const expected = authOf(req).context.provider.settings.responseMode === 'form_post';
  return finishLogin(req, res, expected ? formOf(req) : new URLSearchParams());
}

/** Ends nothing: a link or an image must not sign anybody out. */
function askToLogout(req: Request, res: Response): void {
  demandStore(req);
  neverCache(res);
  if (signedIn(req)) res.render('message', confirmLogout);
  else redirect(res, 303, '/signed-out');
}

/** Who is signed in and until when, for scripts of our own pages. Holds no token. */
function sessionJson(req: Request, res: Response): void {
  demandStore(req);
  neverCache(res);
  const user = getUser(req);
  if (!user) throw new AuthError('sign_in_first');
  // The back button may have brought back a page of the person before.
  if (isOtherPersonsPage(req, user)) throw new AuthError('other_persons_page');
  const { iss, sub, name, email, roles, expiresAt, idleExpiresAt } = user;
  res.json({ user: { iss, sub, name, email, roles }, expiresAt, idleExpiresAt });
}

/** A form's body as it came, so that fields given twice can be told. */
function form(limit: string): RequestHandler {
  return express.text({ type: 'application/x-www-form-urlencoded', limit });
}
