import type { Application, Request, RequestHandler, Router } from 'express';
import type { ErrorWithMessage } from '../errors/message.ts';
import { plainPages } from '../errors/plain-pages.ts';
import { redirect } from './answers.ts';
import { comesFromElsewhere, isNavigation } from './navigation.ts';
import { localAddress } from './return-path.ts';

export interface Route {
  path: string;
  /** In capitals. GET brings HEAD along. */
  methods: readonly string[];
}

/**
 * Answers 405 with `Allow` to a known address asked with another method, and OPTIONS with what it takes;
 * there is no CORS header, as no other site has business here (ASVS 3.4.2, 4.1.4). It comes before the
 * session and the same-origin check and reads the app's own routes, so it never says what is not so.
 *
 * @param isElsewhere true for an address that no route answers, though one may look like it
 */
export function knownMethods(
  app: Application,
  isElsewhere: (path: string) => boolean = () => false,
): RequestHandler {
  let known: ReturnType<typeof lookup> | undefined;

  return (req, res, next) => {
    if (isElsewhere(req.path)) return next();
    // Routes are added after this handler, so they are read at the first request.
    known ??= lookup(listRoutes(app), app);
    const methods = known(req.path, req.method);
    if (!methods || takes(methods, req.method)) return next();

    res.setHeader('Allow', [...methods, 'OPTIONS'].join(', '));
    if (req.method === 'OPTIONS') return void res.status(204).end();
    if (takes(methods, 'GET') && isReloadedForm(req))
      return redirect(res, 303, localAddress(req.path) ?? '/');
    // Whoever opens the address of a form, by a bookmark or a reload, wants the page that holds it.
    const page = req.method === 'GET' ? pageAbove(req.path) : undefined;
    const isThere = page !== undefined && takes(known(page, 'GET') ?? new Set(), 'GET');
    next(wrongMethod(isThere ? page : undefined));
  };
}

/**
 * A page that was printed again after a form shows the address of the page (`kitAddress`). Chromium and Firefox then reload
 * that one; WebKit posts the form there once more. It tells itself by its Referer, which is the page that held the form.
 */
function isReloadedForm(req: Request): boolean {
  if (req.method !== 'POST' || !isNavigation(req) || comesFromElsewhere(req)) return false;
  return URL.parse(req.get('Referer') ?? '')?.pathname === req.path;
}

/** `/notes/7/delete` is the address of a form on `/notes/7`. */
function pageAbove(path: string): string | undefined {
  const page = withoutSlashes(path);
  return localAddress(page.slice(0, page.lastIndexOf('/')) || '/');
}

/** Every route of the app, those of mounted routers included. Tests walk it as well. */
export function listRoutes(app: Application): Route[] {
  return routesBelow('', app.router as unknown as Stacked);
}

/** The part of Express's router that is read here; a test holds it. */
interface Stacked {
  stack: readonly {
    route?: { path: unknown; methods: Record<string, boolean> } | undefined;
    rawPath?: unknown;
    handle: unknown;
  }[];
}

function routesBelow(prefix: string, router: Stacked): Route[] {
  return router.stack.flatMap(({ route, rawPath, handle }) => {
    if (route) {
      const methods = Object.keys(route.methods).map((name) => (name === '_all' ? '*' : name.toUpperCase()));
      return textPaths(route.path).map((path) => ({ path: join(prefix, path), methods }));
    }
    if (!isRouter(handle)) return [];
    return textPaths(rawPath).flatMap((path) =>
      routesBelow(join(prefix, path), handle as unknown as Stacked),
    );
  });
}

function isRouter(handle: unknown): handle is Router {
  return typeof handle === 'function' && 'stack' in handle && Array.isArray(handle.stack);
}

function textPaths(path: unknown): string[] {
  return [path].flat(Infinity).filter((each) => typeof each === 'string');
}

function join(prefix: string, path: string): string {
  if (path === '/') return prefix || '/';
  return prefix === '/' ? path : prefix + path;
}

function lookup(routes: readonly Route[], app: Application) {
  const strict = app.enabled('strict routing');
  const sensitive = app.enabled('case sensitive routing');
  const plain = (path: string) => {
    const cut = strict || path.length === 1 ? path : withoutSlashes(path);
    return sensitive ? cut : cut.toLowerCase();
  };

  const exact = new Map<string, Set<string>>();
  const patterns: { pattern: RegExp; methods: Set<string> }[] = [];
  const wildcards: typeof patterns = [];
  for (const [path, group] of Map.groupBy(routes, (route) => plain(route.path))) {
    const methods = new Set(group.flatMap((route) => route.methods));
    if (methods.has('GET')) methods.add('HEAD');
    const [fixed = ''] = path.split(/[*{]/, 1);
    // A wildcard makes no address a known one, and one at the root takes only what is left over.
    if (fixed !== path) {
      if (fixed !== '/') wildcards.push({ pattern: new RegExp(`^${sourceOf(fixed)}`), methods });
    } else if (path.includes(':')) patterns.push({ pattern: new RegExp(`^${sourceOf(path)}$`), methods });
    else exact.set(path, methods);
  }

  /** All that an address takes, or as much of it as shows that it takes this method. */
  return (path: string, method: string): ReadonlySet<string> | undefined => {
    const asked = plain(path);
    const found = exact.get(asked);
    if (found && takes(found, method)) return found;
    // `/notes/export` may take a POST of its own, and a GET as `/notes/:id`.
    const fitting = [...patterns, ...wildcards].filter(({ pattern }) => pattern.test(asked));
    if (!found && !fitting.some((one) => patterns.includes(one))) return undefined;
    return new Set([...(found ?? []), ...fitting.flatMap(({ methods }) => [...methods])]);
  };
}

function takes(methods: ReadonlySet<string>, method: string): boolean {
  return methods.has(method) || methods.has('*');
}

/** Without the slashes at its end. As a pattern this would look for them anew from each slash of a path full of them. */
function withoutSlashes(path: string): string {
  let end = path.length;
  while (path.charAt(end - 1) === '/') end--;
  return path.slice(0, end);
}

/** A path, or its beginning, as a pattern. A parameter never reaches over a slash. */
function sourceOf(path: string): string {
  return path.split('/').map(segmentSource).join('/');
}

/**
 * Of several parameters in one segment (`/:from-:to`), those behind the first hold none of the text before them, as
 * Express reads them. Else each could end at every hyphen, and an address full of hyphens would cost the square or the
 * cube of its length (R23).
 */
function segmentSource(segment: string): string {
  const parts = segment.split(/(:\w+)/);
  const isParameter = (index: number) => index % 2 === 1;
  return parts
    .map((part, index) => {
      if (!isParameter(index)) return literal(part);
      return index === 1 ? '[^/]+' : `(?:(?!${literal(parts[index - 1] ?? '')})[^/])+`;
    })
    .join('');
}

function literal(text: string): string {
  return text.replace(/[.+?^$()[\]\\|]/g, '\\$&');
}

/** @param page the page to open instead */
export function wrongMethod(page: string | undefined): ErrorWithMessage {
  const message = plainPages.wrongMethod;
  const action = { label: { key: 'button.open-page' }, href: page ?? '' } as const;
  return Object.assign(new Error('this address does not take this method'), {
    status: 405,
    page: page === undefined ? message : { ...message, action },
  });
}
