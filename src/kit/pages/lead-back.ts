import type { ErrorRequestHandler, Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import type { Action } from '../errors/message.ts';
import { signedIn } from '../session/user-session.ts';
import { pageOf } from '../session/way-back.ts';

/**
 * Has each "Sign in" and "Sign in again" on the page of a failure start a sign-in, and come back to the page where it
 * was pressed. For somebody who is signed in, /auth/login without `renew` would only redirect: back to the failure, in
 * a circle. Comes before the error pages.
 */
export const leadBack: ErrorRequestHandler = (error, req, _res, next) => {
  if (error instanceof AuthError && req.auth) {
    const { action, other } = error.page;
    error.page = {
      ...error.page,
      action: action && leading(action, req),
      other: other && leading(other, req),
    };
  }
  next(error);
};

function leading(action: Action, req: Request): Action {
  if (!('href' in action) || !/^\/auth\/login(\?|$)/.test(action.href)) return action;
  const asked = new URLSearchParams(action.href.split('?')[1]);
  const returnTo = asked.get('returnTo') ?? pageOf(req);
  const renew = signedIn(req) ? '&renew=1' : '';
  return { ...action, href: `/auth/login?returnTo=${encodeURIComponent(returnTo)}${renew}` };
}
