import { type Request, type Response, Router } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { neverCache } from '../http/answers.ts';
import { demandStore } from './context.ts';
import { isOtherPersonsPage } from './own-page.ts';
import { getUser } from './user-session.ts';

/** What scripts of our own pages ask, below /auth. */
export function sessionRoutes(): Router {
  const router = Router();
  router.route('/session').get(sessionJson);
  return router;
}

/** Who is signed in and until when. Holds no token. */
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
