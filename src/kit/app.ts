import type { IncomingMessage } from 'node:http';
import express, { type Express, type RequestHandler } from 'express';
import {
  createAuth,
  getUser,
  goOnAfter,
  leadBack,
  type Provider,
  pageMark,
  pageOf,
  type Rule,
  requireAuth,
  userWasKnown,
} from './auth.ts';
import type { Config } from './config/index.ts';
import { createAssets } from './http/assets.ts';
import { useClientAddress } from './http/client-address.ts';
import { errorPages, notFound } from './pages/error-pages.ts';
import { health } from './http/health.ts';
import { knownMethods } from './http/methods.ts';
import { isNavigation, mayBeNavigation } from './http/navigation.ts';
import { rateLimits } from './http/rate-limits.ts';
import { isSameOrigin, sameOrigin } from './http/same-origin.ts';
import { frameable, noStore, securityHeaders } from './http/security-headers.ts';
import { print, useViews } from './http/views.ts';
import type { Audit, Log } from './log/index.ts';
import { helloApi, initials, listPages, type Page, type ProtectedPage } from '../pages/index.ts';
import type { Sealer, Sessions } from './store/index.ts';

export { listener } from './http/listener.ts';

/** What the app is made of; `start` builds each once. */
export interface Parts {
  config: Config;
  log: Log;
  audit: Audit;
  logRequests: (app: Express, trusted: (req: IncomingMessage) => boolean) => RequestHandler;
  provider: Provider;
  sessions: Sessions;
  sealer: (use: string) => Sealer;
  namer: (use: string) => (...parts: string[]) => string[];
  /** True while the process is on its way out. */
  stopping: () => boolean;
}

const siteName = 'Express confidential web app';

/** The whole pipeline, top to bottom. Does no I/O. */
export function createApp(parts: Parts): Express {
  const { config, log, audit, provider, sessions } = parts;
  const { baseUrl, development } = config;

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag'); // Pages are never kept; static files have their own.
  app.set('trust proxy', config.trustProxyHops || false);
  useClientAddress(app);
  useViews(app, { development });
  const assets = createAssets({ development });
  Object.assign(app.locals, { site: { name: siteName, development }, assets: assets.hrefs });

  // What every answer has, and what needs no session.
  const trusted = app.get('trust proxy fn') as (address: string, hop: number) => boolean;
  app.use(parts.logRequests(app, (req) => trusted(req.socket.remoteAddress ?? '', 0)));
  app.use(securityHeaders({ baseUrl }));
  app.use(assets.handler);
  const probes = health({
    store: () => sessions.check(),
    provider: () => provider.loaded(),
    stopping: parts.stopping,
  });
  app.get('/healthz', probes.healthz);
  app.get('/readyz', probes.readyz);
  app.use(knownMethods(app));

  // Other sites may post here: the provider, and whoever starts a sign-in, which only ever leads to a question.
  const exempt = ['/auth/backchannel-logout', '/auth/initiate-login'];
  if (config.provider.responseMode === 'form_post') exempt.push('/auth/callback');
  app.use(sameOrigin({ baseUrl, exempt: (path) => exempt.includes(path), audit }));

  // Who is asking.
  const auth = createAuth(
    app,
    {
      ...{ baseUrl, provider, sessions, log, audit },
      ...{ sealer: parts.sealer, namer: parts.namer },
      ...{
        secrets: config.session.secrets,
        idleMinutes: config.session.idleMinutes,
        maxHours: config.session.maxHours,
      },
      ...{
        rolesClaim: config.provider.rolesClaim,
        explain: development,
        isSameOrigin: (req) => isSameOrigin(req, baseUrl),
        isNavigation,
        mayBeNavigation,
      },
    },
    { frameable: frameable([new URL(config.provider.issuer).origin]) },
  );
  app.use('/auth', rateLimits({ audit, log, sendCommand: countIn(sessions) }));
  app.use(auth.session);

  // What can be seen.
  const pages = listPages({ apiUrl: config.apiUrl });
  app.use(layout(pages));
  app.use('/auth', auth.routes);
  for (const page of pages) mountPage(app, page, pages);
  app.use(helloApi);

  app.use(notFound);
  app.use(leadBack);
  app.use(errorPages({ log, development }));
  return app;
}

/** The rate limits count where the sessions are, so that all instances count together. */
function countIn({ command }: Sessions) {
  if (!command) return undefined;
  return async (details: { key?: string; command: string[] }) =>
    (await command(details.key, details.command)) as number;
}

/** What the layout prints around each page, looked up when one is printed: a session may end before that. */
function layout(pages: readonly Page[]): RequestHandler {
  const rooms = pages.flatMap(({ path, nav }) => (nav ? [{ href: path, label: nav }] : []));
  const around = (req: express.Request) => {
    const always = { requestId: req.id, storeAway: req.auth?.storeError !== undefined };
    const user = getUser(req);
    if (!user) return always;
    return {
      ...always,
      user: { name: user.name, initials: initials(user.name) },
      kitForm: pageMark(req),
      ends: {
        expiresAt: user.expiresAt.toISOString(),
        idleExpiresAt: user.idleExpiresAt.toISOString(),
        // Without its query, which session.js adds: nothing of a query comes into a page. Judged by /auth/login.
        returnTo: req.method === 'GET' ? req.baseUrl + req.path : pageOf(req).split('?')[0],
      },
      nav: rooms.map(({ href, label }) => ({ href, label, current: href === req.path })),
    };
  };
  return (req, res, next) => {
    // Bound, not written out here: V8 puts a function that is assigned where it stands among the old objects, and
    // there it would keep its request until the next full collection.
    res.locals.layout = around.bind(undefined, req);
    next();
  };
}

function mountPage(app: Express, page: Page, pages: readonly Page[]): void {
  if (page.access === 'everyone') {
    app.get(page.path, noStore, async (req, res) => {
      const user = getUser(req);
      if (user) userWasKnown(req, res);
      const model = await page.model?.({ req, res, user });
      // A model may have sent the person elsewhere.
      if (!res.headersSent) print(res, page.view, { title: page.title, ...model });
    });
    return;
  }
  app.get(page.path, requireAuth(ruleOf(page)), async (req, res) => {
    const model = await page.model?.({ req, res, user: demandUser(req) });
    print(res, page.view, { title: page.title, ...model });
  });
  mountActions(app, page, pages);
}

/**
 * The forms that a page posts. Their answer is always a redirect, or the page that goes on to the provider, so that a
 * reload repeats nothing. Whose page it was comes before what they may do: nobody proves themselves again for the form
 * of somebody else.
 */
function mountActions(app: Express, page: ProtectedPage, pages: readonly Page[]): void {
  const readForm = express.urlencoded({ extended: false, limit: '64kb', parameterLimit: 100 });
  const holder = { returnTo: page.path, view: page.view };
  for (const [name, action] of Object.entries(page.actions ?? {})) {
    app.post(
      `${page.path}/${name}`,
      requireAuth({}, holder),
      readForm,
      requireAuth({ ...ruleOf(page), ownPage: true }, holder),
      requireAuth(action.access ?? {}, holder),
      async (req, res) => {
        const next = await action.run({ req, res, user: demandUser(req) });
        const target = typeof next === 'string' && pages.find(({ path }) => path === next.split(/[?#]/)[0]);
        await goOnAfter(req, res, next, target ? ruleOf(target) : undefined);
      },
    );
  }
}

/** Undefined for a page that everyone may see. */
function ruleOf({ access }: Page): Rule | undefined {
  if (access === 'everyone') return undefined;
  return access === 'signed-in' ? {} : access;
}

function demandUser(req: express.Request) {
  const user = getUser(req);
  if (!user) throw new Error('the guard let nobody through');
  return user;
}
