import type { Application, RequestHandler, Router } from 'express';
import type { ErrorWithMessage } from '../errors/message.ts';
import { plainPages } from '../errors/plain-pages.ts';

export interface Route {
  path: string;
  /** In capitals. GET brings HEAD along. */
  methods: readonly string[];
}

/**
 * Answers 405 with `Allow` to a known address asked with another method, and OPTIONS with what it takes;
 * there is no CORS header, as no other site has business here (ASVS 3.4.2, 4.1.4). It stands before the
 * session and the same-origin check and reads the app's own routes, so it never says what is not so.
 */
export function knownMethods(app: Application): RequestHandler {
  let known: ((path: string) => ReadonlySet<string> | undefined) | undefined;

  return (req, res, next) => {
    // Routes are added after this handler, so they are read at the first request.
    known ??= lookup(listRoutes(app), app);
    const methods = known(req.path);
    if (!methods || methods.has(req.method) || methods.has('*')) return next();

    res.setHeader('Allow', [...methods, 'OPTIONS'].join(', '));
    if (req.method === 'OPTIONS') return void res.status(204).end();
    next(wrongMethod());
  };
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
  const patterns = new Map<RegExp, Set<string>>();
  for (const [path, group] of Map.groupBy(routes, (route) => plain(route.path))) {
    const methods = new Set(group.flatMap((route) => route.methods));
    if (methods.has('GET')) methods.add('HEAD');
    // A wildcard takes whatever is left over: it makes no address a known one.
    if (/[*{]/.test(path)) continue;
    if (path.includes(':')) patterns.set(patternOf(path), methods);
    else exact.set(path, methods);
  }

  return (path: string): ReadonlySet<string> | undefined => {
    const asked = plain(path);
    const found = exact.get(asked);
    if (found) return found;
    for (const [pattern, methods] of patterns) if (pattern.test(asked)) return methods;
    return undefined;
  };
}

/** Without the slashes at its end. As a pattern this would look for them anew from each slash of a path full of them. */
function withoutSlashes(path: string): string {
  let end = path.length;
  while (path.charAt(end - 1) === '/') end--;
  return path.slice(0, end);
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.+?^$()[\]\\|]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`);
}

function wrongMethod(): ErrorWithMessage {
  return Object.assign(new Error('this address does not take this method'), {
    status: 405,
    page: plainPages.wrongMethod,
  });
}
