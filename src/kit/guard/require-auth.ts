import type { Request, RequestHandler, Response } from 'express';
import { AuthError } from '../errors/auth-error.ts';
import { leadingBack } from '../errors/failure-pages.ts';
import type { Message } from '../errors/message.ts';
import type { Text } from '../errors/texts.ts';
import { neverCache, redirect } from '../http/answers.ts';
import { wasLedHere, withoutMark } from '../http/other-host.ts';
import { requestKind } from '../http/request-kind.ts';
import type { Demands } from '../provider/index.ts';
import { type AuthContext, authOf, demandStore } from '../session/context.ts';
import { forgetSignIns } from '../session/loop-guard.ts';
import { otherAccount } from '../session/other-account.ts';
import { isOtherPersonsPage, isOwnPage, markScripts } from '../session/own-page.ts';
import { recheckIfDue } from '../session/recheck.ts';
import type { User } from '../session/user.ts';
import { getUser, providerOf, signedIn } from '../session/user-session.ts';
import { wayBack } from '../session/way-back.ts';
import { checkRule, judge, type Lack, type Rule } from './rules.ts';

/** What a route of its own may ask for. A page's forms always come from its person's own page. */
export interface RouteRule extends Rule {
  /**
   * The request must come from a page that was printed for this person: its forms hold `/kit/form`, its scripts send
   * the header `Kit-Form`. A form's body has to be parsed before this guard.
   */
  ownPage?: boolean;
}

interface FormHolder {
  returnTo?: string | ((req: Request) => string);
  view?: string;
  unsaved?: (req: Request, back: string) => Partial<Message> | undefined;
}

/**
 * Lets only those through who are signed in and whom the rule allows. Three different answers (R18):
 * nobody signed in, a sign-in or 401; not allowed, 403; not fresh or strong enough, a step-up at the provider.
 * Works alone on any Express route: `app.get('/reports', requireAuth({ roles: 'admin' }), handler)`.
 *
 * @param options.returnTo where a person goes on after signing in; for forms, the page that holds the form. Left out,
 *   it is the address itself, or for a form the page of ours that it came from
 * @param options.view the view that holds the form
 * @param options.unsaved what the page says for a form that nobody is signed in for any more
 */
export function requireAuth(
  rule: RouteRule = {},
  { returnTo, view, unsaved }: FormHolder = {},
): RequestHandler {
  checkRule(rule);
  const guard: RequestHandler = async (req, res, next) => {
    const { context } = demandStore(req);
    neverCache(res);
    const back = wayBack(req, typeof returnTo === 'function' ? returnTo(req) : returnTo);
    const rechecked = await recheckIfDue(req, res, back ?? '/');
    if (rechecked === 'answered') return;
    if (rechecked === 'sign_in_again') throw notCarriedOut(req, rechecked, back ?? '/', unsaved);
    const user = getUser(req);
    if (!user) return whoAreYou(req, res, back ?? '/', unsaved);
    // Signed in there already: nobody needs to see the mark, nor keep it.
    if (back && wasLedHere(req) && requestKind(req) === 'page') return redirect(res, 302, withoutMark(back));
    if (rule.ownPage && !isOwnPage(req, user)) throw notYourPage(req, context, user, back ?? '/', view);
    const verdict = await judge(req, user, rule);
    if (typeof verdict === 'object' && 'stepUp' in verdict) return stepUp(req, res, verdict.stepUp, back);
    forgetSignIns(req, res, context.cookies);
    if (verdict === 'allowed') return next();
    if (verdict === 'unproven') throw unproven(req, context, user);
    throw youMayNot(req, context, user, back ?? '/', verdict.forbidden);
  };
  rules.set(guard, rule);
  return guard;
}

const rules = new WeakMap<RequestHandler, RouteRule>();

/** The rule of a guard; undefined for any other handler. */
export function ruleOfGuard(handler: RequestHandler): RouteRule | undefined {
  return rules.get(handler);
}

/** Nobody is signed in. Only a person opening a page is sent anywhere. */
async function whoAreYou(
  req: Request,
  res: Response,
  path: string,
  unsaved: FormHolder['unsaved'],
): Promise<void> {
  const kind = requestKind(req);
  if (kind === 'script') throw new AuthError('sign_in_first');
  if (kind === 'form') throw notCarriedOut(req, 'work_not_saved', path, unsaved);
  const { context, formerSession } = authOf(req);
  // Somebody whose session is gone sees why first, and goes on from there.
  if (formerSession) return redirect(res, 302, `/signed-out?returnTo=${encodeURIComponent(path)}`);
  await context.startLogin(req, res, { returnTo: path });
}

/** For a form or a script: nobody is sent anywhere, and what was typed is held in the page where it can be. */
function notCarriedOut(
  req: Request,
  reason: 'work_not_saved' | 'sign_in_again',
  path: string,
  unsaved: FormHolder['unsaved'],
): AuthError {
  const isForm = requestKind(req) === 'form';
  return new AuthError(reason, { page: (isForm && unsaved?.(req, path)) || leadingBack(reason, path) });
}

/** A page, and no further step-up: it would come back in the same way (R18). */
function unproven(req: Request, context: AuthContext, { iss, sub }: User): AuthError {
  const text =
    'the ID token has no auth_time: have the provider add it, or accept a fresh sign-in without it by OIDC_STEP_UP_WITHOUT_AUTH_TIME=true';
  const hint = providerOf(req)?.inFull(text);
  const reason = 'auth_time_missing';
  context.audit('access.denied', { iss, sub, session: signedIn(req)?.id, reason, hint }, req);
  return new AuthError(reason, { hint });
}

/** Sent from a page that was printed for somebody else, or that does not say for whom. */
function notYourPage(
  req: Request,
  context: AuthContext,
  user: User,
  back: string,
  view: string | undefined,
): AuthError {
  const { iss, sub } = user;
  const reason = isOtherPersonsPage(req, user) ? 'other_persons_page' : 'unmarked_page';
  context.audit('access.denied', { iss, sub, session: signedIn(req)?.id, reason }, req);
  const facts: Facts = [signedInAs(user)];
  if (context.explain && reason === 'unmarked_page') {
    facts.push({ label: { key: 'development.what-to-do' }, value: howToMark(view) });
  }
  const hint = reason === 'unmarked_page' && requestKind(req) === 'script' ? markScripts : undefined;
  return new AuthError(reason, {
    hint,
    page: { facts, action: { label: { key: 'button.open-again' }, href: back } },
  });
}

function youMayNot(
  req: Request,
  context: AuthContext,
  user: User,
  back: string,
  { reason, needed, held }: Lack,
): AuthError {
  const { iss, sub } = user;
  context.audit('access.denied', { iss, sub, session: signedIn(req)?.id, reason }, req);
  const facts = [signedInAs(user), ...(context.explain ? [held] : [])];
  const other = otherAccount(req, back);
  return new AuthError('forbidden', { page: { ...(needed && { text: [needed] }), facts, other } });
}

type Facts = { label: Text; value: Text }[];

function signedInAs(user: User): Facts[number] {
  return { label: { key: 'error.signed-in-as' }, value: user.name };
}

/** Has the developer put the mark of its person into a page. */
function howToMark(view: string | undefined): Text {
  return view === undefined
    ? { key: 'development.mark-route' }
    : { key: 'development.mark-view', values: { view } };
}

/** Asks the provider for a fresher or stronger sign-in (RFC 9470). A script only gets a status that says so. */
async function stepUp(
  req: Request,
  res: Response,
  { maxAge, acr }: Demands,
  back: string | undefined,
): Promise<void> {
  // A form is sent off only where we know the page that holds it, so that its sender comes back to it.
  if (requestKind(req) === 'script' || back === undefined) {
    throw new AuthError('stronger_sign_in', {
      page: leadingBack('stronger_sign_in', back ?? '/'),
      demands: { maxAge, acr },
    });
  }
  const provider = providerOf(req)?.name;
  await authOf(req).context.startLogin(req, res, { returnTo: back, provider, maxAge, acr });
}
