import express, { type Express, type Request, type Response } from 'express';
import { say } from '../errors/language.ts';
import { requireAuth } from '../guard/require-auth.ts';
import type { Rule } from '../guard/rules.ts';
import { neverCache } from '../http/answers.ts';
import { languageOf } from '../http/language.ts';
import { print } from '../http/views.ts';
import { userWasKnown } from '../session/loop-guard.ts';
import { getUser } from '../session/user-session.ts';
import { fetchApi } from '../tokens/access-token.ts';
import { goOnAfter, pathAfter } from './after-form.ts';
import { kitPages } from './kit-pages.ts';
import type { Page, PageContext, ProtectedPage, PublicPage } from './page.ts';
import { byPrecision, pageAt } from './paths.ts';

/** What the site hands to its pages. */
export interface SiteParts {
  data: unknown;
  settings: Readonly<Record<string, unknown>>;
}

/** Puts each page at its address, with its guard and its forms. */
export function mountPages(app: Express, pages: readonly Page[], site: SiteParts): void {
  for (const page of byPrecision(pages)) {
    if (page.access === 'everyone') mountPublic(app, page, site);
    else mountProtected(app, page, pages, site);
  }
}

function mountPublic(app: Express, page: PublicPage, site: SiteParts): void {
  app.get(page.path, async (req, res) => {
    neverCache(res);
    const user = getUser(req);
    if (user) userWasKnown(req, res);
    const model = await page.model?.({ ...contextOf(req, res, site), user });
    // A model may have sent the person elsewhere.
    if (!res.headersSent) printPage(req, res, page, model);
  });
}

function mountProtected(app: Express, page: ProtectedPage, pages: readonly Page[], site: SiteParts): void {
  app.get(page.path, requireAuth(ruleOf(page)), async (req, res) => {
    const model = await page.model?.({ ...contextOf(req, res, site), user: demandUser(req) });
    if (!res.headersSent) printPage(req, res, page, model);
  });
  mountActions(app, page, pages, site);
}

/**
 * The forms that a page posts. Their answer is always a redirect, or the page that goes on to the provider, so that a
 * reload repeats nothing. Whose page it was comes before what they may do: nobody proves themselves again for the form
 * of somebody else.
 */
function mountActions(app: Express, page: ProtectedPage, pages: readonly Page[], site: SiteParts): void {
  const readForm = express.urlencoded({ extended: false, limit: '64kb', parameterLimit: 100 });
  const holder = { returnTo: pageOfAction, view: page.view };
  for (const [name, action] of Object.entries(page.actions ?? {})) {
    app.post(
      `${page.path === '/' ? '' : page.path}/${name}`,
      requireAuth({}, holder),
      readForm,
      requireAuth({ ...ruleOf(page), ownPage: true }, holder),
      requireAuth(action.access ?? {}, holder),
      async (req, res) => {
        const next: unknown = await action.run({ ...contextOf(req, res, site), user: demandUser(req) });
        if (res.headersSent) return;
        // Only the kit's own forms lead to the provider, to end the session there.
        if (next instanceof URL && kitPages.includes(page)) return goOnAfter(req, res, next);
        const path = pathAfter(req, next, pageOfAction(req));
        const target = pageAt(pages, path);
        await goOnAfter(req, res, path, target && ruleOf(target));
      },
    );
  }
}

/** The page that holds a form, with its parameters as they came: `/notes/7/delete` is on `/notes/7`. */
function pageOfAction({ baseUrl, path }: Request): string {
  const [address = ''] = /^.*[^/]/.exec(path) ?? [];
  return baseUrl + address.slice(0, address.lastIndexOf('/')) || '/';
}

/** Undefined for a page that everyone may see. */
function ruleOf({ access }: Page): Rule | undefined {
  if (access === 'everyone') return undefined;
  return access === 'signed-in' ? {} : access;
}

/** The types of the site's own parts are known in its pages only. */
function contextOf(req: Request, res: Response, { data, settings }: SiteParts): Omit<PageContext, 'user'> {
  const { params, log } = req;
  return {
    ...{ req, res, log },
    params: params as Record<string, string>,
    data: data as PageContext['data'],
    settings: settings as PageContext['settings'],
    language: languageOf(req),
    fetchApi: (name, path, init) => fetchApi(req, name, path, init),
  };
}

function printPage(req: Request, res: Response, page: Page, model: object | undefined): void {
  const title = say(page.title, languageOf(req));
  const own = kitPages.includes(page) ? model : withoutKitNames(req, page, model);
  print(res, page.view, { title, script: page.script, ...own });
}

/**
 * What the kit's partials act on: what the browser runs, where it goes on to, whose page it is. None of it comes from a
 * page's model, which may hold a whole query or record of somebody's: `{ ...req.query }` would let a link choose it
 * (ASVS 1.3.7).
 */
const kitNames = [
  ...['layout', 'site', 'asset', 'kitText', 'nav'],
  ...['script', 'refresh', 'follow', 'signInHref', 'kitForm', 'ends'],
];

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
