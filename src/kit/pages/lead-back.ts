import type { ErrorRequestHandler, Request } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { isKitText } from '../errors/language.ts';
import type { Action, Message } from '../errors/message.ts';
import type { Words } from '../errors/texts.ts';
import { requestKind } from '../http/request-kind.ts';
import { authOf, type LoginRequest } from '../session/context.ts';
import { loginAddress, loginPath } from '../session/login-address.ts';
import { refused } from '../session/refused.ts';
import { providerOf, signedIn } from '../session/user-session.ts';
import { pageOf, wayBack } from '../session/way-back.ts';
import { whyEnded } from '../session/why-ended.ts';

/**
 * Has each "Sign in" and "Sign in again" on the page of a failure start a sign-in, and come back to the page where it
 * was pressed. For somebody who is signed in, /auth/login without `renew` would only redirect: back to the failure, in
 * a circle. And has the page say which provider it is about, and of a form why nobody is signed in for it any more.
 * Comes before the error pages.
 */
export const leadBack: ErrorRequestHandler = async (error, req, res, next) => {
  if (!(error instanceof AuthError) || !req.auth) return next(error);
  const stepUp = res.headersSent ? undefined : stepUpFor(error, req);
  if (stepUp) return authOf(req).context.startLogin(req, res, stepUp);
  const why = error.reason === 'work_not_saved' ? await whyNobody(req) : undefined;
  next(forPage(error, req, why));
};

/** A store that does not say it now takes no form away. */
async function whyNobody(req: Request): Promise<Words | undefined> {
  try {
    return (await whyEnded(req))?.text;
  } catch {
    return undefined;
  }
}

/**
 * The sign-in that an API demands starts at once, as by a rule of a page. A script gets the 401. Whoever has sent a form
 * is sent to sign in only where we know the page with that form, so that they come back to it (R18).
 */
function stepUpFor({ demands }: AuthError, req: Request): LoginRequest | undefined {
  const returnTo = wayBack(req);
  if (!demands || returnTo === undefined || requestKind(req) === 'script') return undefined;
  const { maxAge = demands.acr ? undefined : 0, acr } = demands;
  return { returnTo, provider: providerOf(req)?.name, maxAge, acr };
}

/** A new error, with the stack of the old: a site may throw the same one to each of its people. */
function forPage(error: AuthError, req: Request, why: Words | undefined): AuthError {
  const { reason, cause, hint, about, retryAfter, stack, page, demands, shownFirst } = error;
  // One that a model, an action or a route has thrown: it still leads to a sign-in, and not yet to that of another account.
  const bare = page.action !== undefined && 'href' in page.action && !asksForAnother(page.action.href);
  const { action, other, ...rest } =
    (bare && refused(req, error, { path: pageOf(req), provider: providerOf(req) })?.page) || page;
  const led = {
    ...rest,
    text: why === undefined ? rest.text : [why, ...rest.text],
    action: action && leading(action, req),
    other: other && leading(other, req),
  };
  const provider = error.provider ?? (providerOf(req) ?? authOf(req).context.providers.only)?.label;
  const copy = new AuthError(reason, {
    cause,
    hint,
    about,
    retryAfter,
    demands,
    page: saying(led, provider),
  });
  return Object.assign(copy, { stack, shownFirst });
}

/** Its texts, where they speak of a provider, with what people call it. */
function saying(page: Message, provider: string | undefined): Message {
  if (provider === undefined) return page;
  const named = (text: Words): Words =>
    isKitText(text) ? { ...text, values: { provider, ...text.values } } : text;
  return { ...page, title: named(page.title), text: page.text.map(named) };
}

function leading(action: Action, req: Request): Action {
  if (!('href' in action) || !/^\/auth\/login(\?|$)/.test(action.href)) return action;
  if (asksForAnother(action.href)) return action;
  const asked = new URLSearchParams(action.href.split('?')[1]);
  const returnTo = asked.get('returnTo') ?? pageOf(req);
  const renew = signedIn(req) ? '1' : undefined;
  const api = asked.get('api') ?? undefined;
  return { ...action, href: loginAddress(loginPath(providerOf(req)), { returnTo, renew, api }) };
}

function asksForAnother(href: string): boolean {
  return new URLSearchParams(href.split('?')[1]).has('switch');
}
