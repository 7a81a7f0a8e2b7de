import { type Express, type RequestHandler, Router } from 'express';
import { requireAuth } from './guard/require-auth.ts';
import type { Log } from './log/index.ts';
import type { AnySite } from './site.ts';

/** What the site's routes are handed. */
interface RouteParts {
  data: unknown;
  settings: Readonly<Record<string, unknown>>;
  log: Log;
}

/** Adds the plain Express routes of a site: those for everyone, then those behind `requireAuth()`. */
export function mountRoutes(app: Express, site: AnySite, parts: RouteParts): void {
  if (site.publicRoutes) {
    const forEveryone = Router();
    site.publicRoutes(forEveryone, parts);
    app.use(forEveryone);
  }
  if (site.routes) {
    const protectedRoutes = Router();
    site.routes(protectedRoutes, parts);
    app.use(guarded(protectedRoutes));
  }
}

/**
 * Asks for a sign-in where one of the routes would answer. Any other address stays a 404 for everyone. No request comes
 * to the router but through the guard.
 */
function guarded(router: Router): RequestHandler {
  const guard = requireAuth();
  const handler: RequestHandler = (req, res, next) => {
    if (!isAnsweredBy(router, req.path)) return next();
    return guard(req, res, (error?: unknown) => (error ? next(error) : router(req, res, next)));
  };
  // Still read as a router: `knownMethods` lists what it takes.
  return Object.assign(handler, { stack: router.stack });
}

/**
 * True where something in this router would see the request, by Express's own reading of the address. Middleware without
 * a path sees every address, so it puts all that is left behind the guard: nothing in `routes` runs for nobody.
 */
function isAnsweredBy({ stack }: { stack?: unknown }, path: string): boolean {
  return (stack as Layer[]).some((layer) => {
    const { handle, route } = layer;
    const fitting = layer.match(path);
    if (!fitting || handle.length === 4) return false; // Four: only for errors.
    if (route || !('stack' in handle) || fitting.path === undefined) return true;
    // A router below a path: its own routes say.
    return isAnsweredBy(handle, path.slice(fitting.path.length) || '/');
  });
}

/** What is read here of Express's router; a test fails when it changes. */
interface Layer {
  /** Says how much of the address fits. */
  match(path: string): { path?: string } | false;
  route?: unknown;
  handle: RequestHandler & { stack?: unknown };
}
