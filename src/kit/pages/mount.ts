import type { ErrorRequestHandler, Express, Request, Response } from 'express';
import { say } from '../errors/language.ts';
import { requireAuth } from '../guard/require-auth.ts';
import type { Rule } from '../guard/rules.ts';
import { neverCache } from '../http/answers.ts';
import { requestKind } from '../http/request-kind.ts';
import { languageOf } from '../http/request-language.ts';
import { print } from '../http/views.ts';
import { WayOut } from '../provider/go-on.ts';
import { userWasKnown } from '../session/loop-guard.ts';
import { requestContext } from '../session/request-context.ts';
import { saySoon, takeSaid } from '../session/said.ts';
import { getUser } from '../session/user-session.ts';
import { goOnAfter, outcomeOf } from './after-form.ts';
import { answerTo } from './error-pages.ts';
import { runAction } from './forms/action.ts';
import { demandFormBody, readFormBody } from './forms/form-body.ts';
import { heldForLater, heldForm } from './forms/held-form.ts';
import { nameErrors } from './forms/name-errors.ts';
import { emptyForm, type PageForm } from './forms/page-form.ts';
import type { FormSchema } from './forms/schema.ts';
import { kitNames } from './kit-names.ts';
import { kitPages } from './kit-pages.ts';
import type { Page, PageContext, ProtectedPage, PublicPage } from './page.ts';
import { byPrecision, pageAt } from './paths.ts';

/** Puts each page at its address, with its guard and its forms. */
export function mountPages(app: Express, pages: readonly Page[]): void {
  for (const page of byPrecision(pages)) {
    if (page.access === 'everyone') mountPublic(app, page);
    else mountProtected(app, page, pages);
  }
}

function mountPublic(app: Express, page: PublicPage): void {
  app.get(page.path, async (req, res) => {
    neverCache(res);
    const user = getUser(req);
    if (user) userWasKnown(req, res);
    const model = await page.model?.({ ...requestContext(req, res), user });
    // A model may have sent the person elsewhere.
    if (!res.headersSent) printPage(req, res, page, model);
  });
}

function mountProtected(app: Express, page: ProtectedPage, pages: readonly Page[]): void {
  app.get(page.path, requireAuth(ruleOfPage(page)), async (req, res) => {
    const model = await page.model?.({ ...requestContext(req, res), user: demandUser(req) });
    if (!res.headersSent) printPage(req, res, page, model);
  });
  mountActions(app, page, pages);
}

/**
 * The forms that a page posts. Once they have done something, their answer is a redirect, or the page that goes on to the
 * provider, so that a reload repeats nothing. The body is read first: who is signed out by now gets it back. Whose page
 * it was comes before what they may do: nobody proves themselves again for the form of somebody else.
 */
function mountActions(app: Express, page: ProtectedPage, pages: readonly Page[]): void {
  for (const [name, action] of Object.entries(page.actions ?? {})) {
    const unsaved = (req: Request, back: string) => heldForm(req, back, action.form);
    const holder = { returnTo: pageOfAction, view: page.view, unsaved };
    app.post(
      `${page.path === '/' ? '' : page.path}/${name}`,
      readFormBody,
      requireAuth({}, holder),
      demandFormBody,
      requireAuth({ ...ruleOfPage(page), ownPage: true }, holder),
      requireAuth(action.access ?? {}, holder),
      async (req: Request, res: Response) => {
        const at = { ...requestContext(req, res), user: demandUser(req) };
        const { next, refused } = await runAction(name, action, at);
        if (res.headersSent) return;
        if (refused) return printAgain(at, page, refused);
        // Only the kit's own forms lead to the provider, to end the session there.
        if (next instanceof WayOut && kitPages.includes(page)) return goOnAfter(req, res, next);
        const { path, say: sentence } = outcomeOf(req, next, pageOfAction(req));
        const target = pageAt(pages, path);
        if (sentence !== undefined)
          saySoon(req, res, at.user, { path, isPage: target !== undefined, sentence });
        await goOnAfter(req, res, path, target && ruleOfPage(target));
      },
      heldWhileAway(action.form),
    );
  }
}

/** Where the form cannot be carried out just now, its page holds it. */
function heldWhileAway(form: FormSchema | undefined): ErrorRequestHandler {
  return (error: unknown, req, _res, next) => {
    const { status, page, retryAfter } = answerTo(error);
    if (status !== 503 || !(error instanceof Error)) return next(error);
    next(Object.assign(error, { status, page: heldForLater(req, page, form), retryAfter }));
  };
}

/** The page of a form with which something is wrong, as for a GET, with what was typed. A script only gets a status. */
async function printAgain(at: PageContext, page: ProtectedPage, form: PageForm): Promise<void> {
  const { req, res, language } = at;
  if (requestKind(req) === 'script') {
    const { errors, summary } = form;
    const title = language.text('error.invalid.title');
    const problem = { title, status: 422, requestId: req.id, errors, summary };
    res.status(422).type('application/problem+json').send(JSON.stringify(problem));
    return;
  }
  res.locals.printedAt = pageOfAction(req);
  const model = await page.model?.(at);
  if (!res.headersSent) printPage(req, res.status(422), page, model, form);
}

/** The page that holds a form, with its parameters as they came: `/notes/7/delete` is on `/notes/7`. */
function pageOfAction({ baseUrl, path }: Request): string {
  const [address = ''] = /^.*[^/]/.exec(path) ?? [];
  return baseUrl + address.slice(0, address.lastIndexOf('/')) || '/';
}

/** Undefined for a page that everyone may see. */
function ruleOfPage({ access }: Page): Rule | undefined {
  if (access === 'everyone') return undefined;
  return access === 'signed-in' ? {} : access;
}

function printPage(
  req: Request,
  res: Response,
  page: Page,
  model: object | undefined,
  form: PageForm = emptyForm,
): void {
  const language = languageOf(req);
  const own = kitPages.includes(page) ? model : withoutKitNames(req, page, model);
  const printed = { title: say(page.title, language), script: page.script, ...own };
  const around = {
    ...printed,
    form,
    said: takeSaid(req, res),
    // At the address of its action a reload would send the form again, and a bookmark would lead nowhere.
    kitAddress: res.locals.printedAt,
  };
  if (form === emptyForm) {
    print(res, page.view, around);
    return;
  }
  // What a screen reader says first.
  const tabTitle = language.text('form.title', { title: printed.title });
  print(res, page.view, { ...around, tabTitle }, (html) => nameErrors(html, language));
}

const warned = new WeakSet<Page>();

function withoutKitNames(req: Request, page: Page, model: object | undefined): object | undefined {
  if (typeof model !== 'object' || model === null) return undefined;
  const taken = kitNames.filter((name) => Object.hasOwn(model, name));
  if (taken.length === 0) return model;
  if (!warned.has(page)) {
    const hint = 'have it return these under other names';
    req.log.warn({ hint, names: taken, page: page.path }, "the model of a page uses names of the kit's");
    warned.add(page);
  }
  return Object.fromEntries(Object.entries(model).filter(([name]) => !taken.includes(name)));
}

function demandUser(req: Request) {
  const user = getUser(req);
  if (!user) throw new Error('the guard let nobody through');
  return user;
}
