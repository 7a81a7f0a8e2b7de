import { randomUUID } from 'node:crypto';
import { IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import express, {
  type ErrorRequestHandler,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { EndReason } from '../errors/end-reasons.ts';
import type { SiteTexts, Words } from '../errors/texts.ts';
import type { Folders } from '../folders.ts';
import { useLanguages } from '../http/request-language.ts';
import { useSiteWords } from '../http/site-words.ts';
import { useViews } from '../http/views.ts';
import { createLog } from '../log/index.ts';
import { errorPages, noSuchAddress } from '../pages/error-pages.ts';
import { layout } from '../pages/layout.ts';
import { leadBack } from '../pages/lead-back.ts';
import { mountPages } from '../pages/mount.ts';
import type { Page } from '../pages/page.ts';
import type { Providers } from '../provider/providers.ts';
import { type AuthContext, createContext, type RequestAuth } from '../session/context.ts';
import { loginParameters } from '../session/login-parameters.ts';
import { signInRoutes } from '../sign-in/routes.ts';
import { signOutRoutes } from '../sign-out/routes.ts';
import { createNamer, createSealer, type Sessions } from '../store/index.ts';
import { type Person, sessionsOf } from './gallery-people.ts';
import { firstIssuer, providersOf } from './gallery-providers.ts';

/** A request, and who makes it in what state of the app. The app's own routes answer it. */
export interface Scene {
  /** Where the app prints the page. */
  at: string;
  /** Left out: a visitor. The sessions that they have elsewhere are listed on /sessions. */
  user?: Person;
  elsewhere?: readonly Person[];
  /** A POST with this form. */
  form?: string;
  headers?: Readonly<Record<string, string>>;
  /** How many providers the settings name; one where it is left out. */
  providers?: number;
  /** How long a session lasts, where it is not the usual time. */
  lasts?: { idleMinutes: number; maxHours: number };
  /** The browser had a session that ended for this reason. */
  ended?: EndReason;
  /** Nobody can be looked up. */
  storeAway?: boolean;
  /** As a developer sees it, where that differs. */
  explains?: boolean;
  /** What happened in this browser before: it may leave cookies. */
  before?: (req: Request, res: Response) => void;
  /** Takes the place of the route. */
  show?: RequestHandler;
}

export interface StageOptions {
  site: { name: Words; help?: Words | undefined; texts?: SiteTexts | undefined };
  folders: Folders;
  /** The site's pages, whose menu is shown, and the kit's. */
  pages: readonly Page[];
  /** What models of the site's pages are handed. */
  siteParts: { data: unknown; settings: Readonly<Record<string, unknown>> };
  asset: (path: string) => string;
  development: boolean;
}

export type Stage = (scene: Scene, req: Request, res: Response, next: NextFunction) => void;

const baseUrl = 'http://localhost:3000';
const secrets = ['the secret of a gallery in which nobody signs in'] as const;
/** Of everything that is shown: a page must not look different each time. */
const requestId = '5d1f0c9e-7a43-4c1b-9d2e-0b6f2a8c4e17';

/**
 * The app from the session on, as src/kit/app.ts builds it, but that who is signed in is made up: so a page of the
 * gallery is what the app prints, by the same functions, and not a copy of it.
 */
export function createStage(options: StageOptions): Stage {
  const { site, folders, pages, asset, development } = options;
  const scenes = new WeakMap<IncomingMessage, Scene>();
  const contextOf = contexts(options);
  const app = express();
  app.disable('x-powered-by').disable('etag');
  useLanguages(app, site.texts);
  useViews(app, folders.views, { development });
  useSiteWords(app, site, { development });
  app.locals.asset = asset;

  app.use((req, res, next) => {
    const scene = scenes.get(req) as Scene;
    req.log = log;
    req.id = requestId;
    req.auth = authOf(scene, contextOf(scene));
    stayHere(res);
    leaveNothing(res);
    const { before } = scene;
    if (before) req.headers.cookie = cookiesLeftBy(() => before(req, res), res);
    next();
  });
  app.use(layout(pages));
  app.use((req, res, next) => {
    const show = scenes.get(req)?.show;
    return show ? show(req, res, next) : next();
  });
  app.use('/auth', signInRoutes(), signOutRoutes({ frameable: (_req, _res, next) => next() }));
  mountPages(app, pages);
  app.use(noSuchAddress, leadBack);
  const [printed, explained] = [false, true].map((shows) => errorPages({ log, development: shows }));
  app.use(((error, req, res, next) => {
    const print = scenes.get(req)?.explains ? explained : printed;
    print?.(error, req, res, next);
  }) as ErrorRequestHandler);

  return (scene, req, res, next) => {
    const asked = requestOf(scene, req);
    scenes.set(asked, scene);
    app(asked as Request, res, next);
  };
}

/** What the forms of this person's pages carry. */
export function markOf({ sub }: Person): string {
  return createNamer(secrets, 'page mark')(firstIssuer, sub)[0] ?? '';
}

const log = createLog('silent');

/** As a browser would send it. */
function requestOf({ at, form, headers }: Scene, { headers: asked }: Request): IncomingMessage {
  const language = asked['accept-language'];
  const made = new IncomingMessage(new Socket());
  made.url = at;
  made.method = form === undefined ? 'GET' : 'POST';
  made.headers = {
    host: new URL(baseUrl).host,
    accept: 'text/html',
    referer: baseUrl + at,
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    ...(language !== undefined && { 'accept-language': language }),
    ...(form !== undefined && {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': `${Buffer.byteLength(form)}`,
    }),
    ...headers,
  };
  if (form !== undefined) made.push(form);
  made.push(null);
  return made;
}

function authOf({ user, ended, storeAway }: Scene, context: AuthContext): RequestAuth {
  const auth: RequestAuth = { context, asked: false };
  if (storeAway) auth.storeError = new Error('the store is away');
  else if (ended) auth.formerSession = randomUUID();
  const own = user && sessionsOf([user], context)[0];
  if (own) auth.found = { id: own.id, data: own.data };
  return auth;
}

/** A page that goes on to a provider by itself stays to be looked at. */
function stayHere(res: Response): void {
  const render = res.render.bind(res) as (view: string, model: object, done?: unknown) => void;
  const stays = (view: string, model: object, done?: unknown) =>
    render(view, { ...model, refresh: undefined }, done);
  res.render = stays as Response['render'];
}

/**
 * Cookies know no ports: those of a page that is shown would take the place of the ones that the developed app has at the
 * same host.
 */
function leaveNothing(res: Response): void {
  const writeHead = res.writeHead.bind(res) as (...given: unknown[]) => Response;
  const writes = (...given: unknown[]) => {
    for (const name of ['Set-Cookie', 'Clear-Site-Data']) res.removeHeader(name);
    return writeHead(...given);
  };
  res.writeHead = writes as Response['writeHead'];
}

/** The cookies that the browser then has; this answer sets none. */
function cookiesLeftBy(act: () => void, res: ServerResponse): string {
  act();
  const lines = [res.getHeader('Set-Cookie') ?? []].flat().map(String);
  res.removeHeader('Set-Cookie');
  return lines.map((line) => line.split(';', 1)[0]).join('; ');
}

/** What the routes work with: all of it the app's own, but for sessions that are in no store. */
function contexts({ siteParts }: StageOptions): (scene: Scene) => AuthContext {
  const made = new Map<number, Providers>();
  return ({ providers: count = 1, user, elsewhere = [], ended, storeAway, explains = false, lasts }) => {
    const providers = made.get(count) ?? providersOf(count, { baseUrl, secret: secrets[0], log });
    made.set(count, providers);
    const context = createContext({
      ...{ baseUrl, providers, secrets, idleMinutes: 30, maxHours: 8, ...lasts, recheckMinutes: 0, log },
      // Read by the two pages that show sessions, which ask for nothing else.
      sessions: {
        newest: async () => ({
          sessions: sessionsOf([...(user ? [user] : []), ...elsewhere], context),
          older: 0,
        }),
        whyEnded: async () => ended,
      } as unknown as Sessions,
      sealer: (use) => createSealer(secrets, use),
      namer: (use) => createNamer(secrets, use),
      loginParameters: loginParameters(),
      explain: explains,
      // Its hooks are asked at a sign-in only.
      site: siteParts as AuthContext['site'],
      apis: new Map() as unknown as AuthContext['apis'],
      ...{ startLogin: notHere, refreshTokens: notHere, hookToken: notHere, fetchApi: notHere },
      audit: () => {},
    });
    return storeAway ? { ...context, sessions: away } : context;
  };
}

const away = new Proxy({} as Sessions, {
  get: () => async () => {
    throw Object.assign(new Error('the store is away'), { name: 'StoreError' });
  },
});

async function notHere(): Promise<never> {
  throw new Error('nobody signs in, and nothing is called, in the gallery');
}
