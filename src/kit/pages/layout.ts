import type { Request, RequestHandler } from 'express';
import { loggedCauses } from '../errors/error-cause.ts';
import { say } from '../errors/language.ts';
import type { Words } from '../errors/texts.ts';
import { judge } from '../guard/rules.ts';
import { languageOf } from '../http/request-language.ts';
import { authOf } from '../session/context.ts';
import { loginPath } from '../session/login-address.ts';
import { pageMark } from '../session/own-page.ts';
import type { User } from '../session/user.ts';
import { getUser, providerOf } from '../session/user-session.ts';
import { pageOf } from '../session/way-back.ts';
import { within } from '../session/within.ts';
import { emptyForm } from './forms/page-form.ts';
import type { Page } from './page.ts';
import { initials } from './person.ts';

/** How long a page waits for the rules of the pages in its menu. */
const menuPatienceMs = 1_000;

/** What the layout prints around each page, looked up when one is printed: a session may end before that. */
export function layout(pages: readonly Page[]): RequestHandler {
  const inMenu = pages.flatMap(({ path, nav, access }) => (nav ? [{ href: path, label: nav, access }] : []));
  const layoutOf = async (req: Request) => {
    const user = getUser(req);
    const open = await Promise.all(inMenu.map(({ access }) => mayOpen(req, user, access)));
    const nav = inMenu.filter((_link, index) => open[index]);
    return around(req, user, nav);
  };
  return (req, res, next) => {
    // Bound, not written out here: V8 puts a function that is assigned where it is written among the old objects, and
    // there it would keep its request until the next full collection: 1.12 to 1.15 × the CPU of a page (November 2026).
    res.locals.layout = layoutOf.bind(undefined, req);
    next();
  };
}

/** What each page finds in `page` besides what its model returned. */
export type AroundPage = ReturnType<typeof around>;

function around(req: Request, user: User | undefined, nav: readonly MenuLink[]) {
  const language = languageOf(req);
  // A form's page is printed again at the address of its action, which takes no GET.
  const printedAt = req.res?.locals.printedAt as string | undefined;
  const always = {
    lang: language.tag,
    kitText: language.text,
    requestId: req.id,
    signInWith: authOf(req).context.providers.all.map(({ label }) => language.label(label)),
    form: emptyForm,
    storeAway: req.auth?.storeError !== undefined,
    nav: nav.map(({ href, label }) => ({
      href,
      label: say(label, language),
      current: href === (printedAt ?? req.path),
    })),
  };
  // Without its query, which session.js adds to the other one: nothing of a query comes into a page.
  const opened = req.method === 'GET' ? req.baseUrl + req.path : (pageOf(req).split('?')[0] ?? '/');
  const page = printedAt ?? opened;
  if (!user) return { ...always, signInHref: signInFrom(page), signUpHref: signUpFrom(req, page) };
  const who = { name: user.name, initials: initials(user.name) };
  return {
    ...always,
    user: { ...who, member: user.member },
    // For the header: what a page is about may well be another user.
    signedInAs: who,
    kitForm: pageMark(req),
    ends: {
      expiresAt: user.expiresAt.toISOString(),
      idleExpiresAt: user.idleExpiresAt.toISOString(),
      idleMinutes: authOf(req).context.idleMinutes,
      returnTo: page, // Judged by /auth/login.
      loginPath: loginPath(providerOf(req)),
    },
  };
}

interface MenuLink {
  href: string;
  label: Words;
}

/**
 * Whoever would only have to sign in again, or more strongly, may open it. A rule that asks a database may fail or take
 * long: then the page is not in the menu, and this one is printed all the same.
 */
async function mayOpen(req: Request, user: User | undefined, access: Page['access']): Promise<boolean> {
  if (access === 'everyone') return true;
  if (!user) return false;
  if (access === 'signed-in') return true;
  try {
    const verdict = await within(menuPatienceMs, () => judge(req, user, access));
    return typeof verdict !== 'object' || !('forbidden' in verdict);
  } catch (error) {
    req.log.warn({ causes: loggedCauses(error) }, 'a rule failed, so its page is not in the menu');
    return false;
  }
}

/**
 * Undefined where the provider does not say that it makes accounts, or the site lets no link ask for one. Asks nobody:
 * before the provider's metadata is there, there is no link.
 */
function signUpFrom(req: Request, page: string): string | undefined {
  const { providers, loginParameters } = authOf(req).context;
  const makes = providers.all.some((provider) => provider.offersPrompt('create'));
  const offered = makes && loginParameters.allows('prompt', 'create');
  return offered ? `${signInFrom(page)}&prompt=create` : undefined;
}

/** Whoever has just signed out does not want to come back to a page that says so. */
function signInFrom(page: string): string {
  return `/auth/login?returnTo=${encodeURIComponent(page === '/signed-out' ? '/' : page)}`;
}
