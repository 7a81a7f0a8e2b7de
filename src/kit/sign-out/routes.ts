import { type Request, type RequestHandler, type Response, Router } from 'express';
import { inWords } from '../errors/in-words.ts';
import { confirmLogout } from '../errors/questions.ts';
import { neverCache, redirect } from '../http/answers.ts';
import { readForm } from '../http/parameters.ts';
import { languageOf } from '../http/request-language.ts';
import { demandStore } from '../session/context.ts';
import { providerOf, signedIn } from '../session/user-session.ts';
import { logout } from './logout.ts';
import { backChannelLogout, frontChannelLogout } from './provider-logout.ts';

/**
 * Ending and being ended, below /auth.
 *
 * @param guards.frameable lets the front-channel page be framed by the provider
 */
export function signOutRoutes(guards: { frameable: RequestHandler }): Router {
  const router = Router();
  router.route('/logout').get(askToLogout).post(readForm('1kb'), logout);
  router.route('/backchannel-logout').post(readForm('16kb'), backChannelLogout);
  router.route('/frontchannel-logout').get(guards.frameable, frontChannelLogout);
  return router;
}

/** Where other sites may post to: the provider, with a logout token. */
export const logoutTokensTo = '/auth/backchannel-logout';

/** Ends nothing: a link or an image must not sign anybody out. */
function askToLogout(req: Request, res: Response): void {
  demandStore(req);
  neverCache(res);
  const question = confirmLogout(providerOf(req)?.label);
  // Its own button signs out: a second one in the header would only raise the question of what the difference is.
  const asked = { ...inWords(question, languageOf(req)), asksToSignOut: true };
  if (signedIn(req)) res.render('message', asked);
  else redirect(res, 303, '/signed-out');
}
