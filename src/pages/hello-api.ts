import { Router } from 'express';
import { getUser, requireAuth } from '../kit/auth.ts';

/**
 * A small JSON route behind the same guard as the pages: for scripts of your own pages. Nobody signed in
 * gets a 401 as `application/problem+json`, never a redirect. Copy it, or leave it out of the app.
 */
export const helloApi: Router = Router();

helloApi.get('/api/hello', requireAuth(), (req, res) => {
  res.json({ hello: getUser(req)?.name });
});
