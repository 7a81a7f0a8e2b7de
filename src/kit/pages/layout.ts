import type { Request, RequestHandler } from 'express';
import { say } from '../errors/language.ts';
import { judge } from '../guard/rules.ts';
import { languageOf } from '../http/language.ts';
import { authOf } from '../session/context.ts';
import { pageMark } from '../session/own-page.ts';
import type { User } from '../session/user.ts';
import { getUser } from '../session/user-session.ts';
import { pageOf } from '../session/way-back.ts';
import type { Page } from './page.ts';
import { initials } from './person.ts';

/** What the layout prints around each page, looked up when one is printed: a session may end before that. */
export function layout(pages: readonly Page[]): RequestHandler {
  const inMenu = pages.flatMap(({ path, nav, access }) => (nav ? [{ href: path, label: nav, access }] : []));
  const around = (req: Request) => {
    const user = getUser(req);
    const language = languageOf(req);
    const always = {
      lang: language.tag,
      kitText: language.text,
      requestId: req.id,
      storeAway: req.auth?.storeError !== undefined,
      nav: inMenu
        .filter(({ access }) => mayOpen(req, user, access))
        .map(({ href, label }) => ({ href, label: say(label, language), current: href === req.path })),
    };
    // Without its query, which session.js adds to the other one: nothing of a query comes into a page.
    const page = req.method === 'GET' ? req.baseUrl + req.path : (pageOf(req).split('?')[0] ?? '/');
    if (!user) return { ...always, signInHref: signInFrom(page), signUpHref: signUpFrom(req, page) };
    return {
      ...always,
      user: { name: user.name, initials: initials(user.name) },
      kitForm: pageMark(req),
      ends: {
        expiresAt: user.expiresAt.toISOString(),
        idleExpiresAt: user.idleExpiresAt.toISOString(),
        returnTo: page, // Judged by /auth/login.
      },
    };
  };
  return (req, res, next) => {
    // Bound, not written out here: V8 puts a function that is assigned where it is written among the old objects, and
    // there it would keep its request until the next full collection.
    res.locals.layout = around.bind(undefined, req);
    next();
  };
}

/** Whoever would only have to sign in again, or more strongly, may open it. */
function mayOpen(req: Request, user: User | undefined, access: Page['access']): boolean {
  if (access === 'everyone') return true;
  if (!user) return false;
  if (access === 'signed-in') return true;
  const verdict = judge(user, access, authOf(req).context.provider.settings);
  return typeof verdict !== 'object' || !('forbidden' in verdict);
}

/**
 * Undefined where the provider does not say that it makes accounts, or the site lets no link ask for one. Asks nobody:
 * before the provider's metadata is there, there is no link.
 */
function signUpFrom(req: Request, page: string): string | undefined {
  const { provider, loginParameters } = authOf(req).context;
  const offered = provider.offersPrompt('create') === true && loginParameters.allows('prompt', 'create');
  return offered ? `${signInFrom(page)}&prompt=create` : undefined;
}

/** Whoever has just signed out does not want to come back to a page that says so. */
function signInFrom(page: string): string {
  return `/auth/login?returnTo=${encodeURIComponent(page === '/signed-out' ? '/' : page)}`;
}
