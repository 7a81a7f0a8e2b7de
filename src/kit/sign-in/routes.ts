import { type Request, type Response, Router } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { neverCache, redirect } from '../http/answers.ts';
import { formOf, queryOf, readForm } from '../http/parameters.ts';
import { requestKind } from '../http/request-kind.ts';
import { localPath } from '../http/return-path.ts';
import { authOf, demandStore } from '../session/context.ts';
import { signedIn } from '../session/user-session.ts';
import { finishLogin } from './finish-login.ts';
import { asksForAnother, linkParameters } from './link-parameters.ts';
import { startLogin } from './login.ts';
import { initiateLogin } from './third-party-start.ts';

/** Starts and callback, below /auth. */
export function signInRoutes(): Router {
  const router = Router();
  router.route('/login').get(login);
  router.route('/callback').get(callbackByQuery).post(readForm('64kb'), callbackByForm);
  router.route('/initiate-login').get(initiateLogin).post(readForm('16kb'), initiateLogin);
  return router;
}

/** Where other sites may post to: whoever starts a sign-in, which leads to a question, and the provider's answer. */
export function postedFromElsewhere(responseMode: string): string[] {
  return ['/auth/initiate-login', ...(responseMode === 'form_post' ? ['/auth/callback'] : [])];
}

async function login(req: Request, res: Response): Promise<void> {
  const returnTo = localPath(req.query.returnTo);
  neverCache(res);
  // An image, a frame, a script or a prefetch would only push out the sign-in of a person.
  if (requestKind(req) === 'script') throw new AuthError('sign_in_first');
  demandStore(req);
  const parameters = linkParameters(req);
  // `renew` comes from the notice shortly before the absolute end: a new sign-in although this one still holds.
  const anew = req.query.renew !== undefined || asksForAnother(req, parameters);
  if (signedIn(req) && !anew) return redirect(res, 302, returnTo);
  const restarted = req.query.restarted !== undefined;
  await startLogin(req, res, { returnTo, parameters, ...(restarted && { restarted }) });
}

function callbackByQuery(req: Request, res: Response): Promise<void> {
  return finishLogin(req, res, queryOf(req));
}

/** OIDC_RESPONSE_MODE=form_post: the answer is the body, and only then. */
function callbackByForm(req: Request, res: Response): Promise<void> {
  const expected = authOf(req).context.provider.settings.responseMode === 'form_post';
  return finishLogin(req, res, expected ? formOf(req) : new URLSearchParams());
}
