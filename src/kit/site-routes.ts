import { type Express, type Request, type RequestHandler, Router } from 'express';
import { requireAuth } from './guard/require-auth.ts';
import type { Log } from './log/index.ts';
import type { SiteParts } from './pages/mount.ts';
import type { AnySite } from './site.ts';

/** Adds the plain Express routes of a site: those for everyone, then those behind `requireAuth()`. */
export function mountRoutes(app: Express, site: AnySite, parts: SiteParts & { log: Log }): void {
  if (site.publicRoutes) {
    const forEveryone = Router();
    site.publicRoutes(forEveryone, parts);
    app.use(forEveryone);
  }
  if (site.routes) {
    const protectedRoutes = Router();
    site.routes(protectedRoutes, parts);
    app.use(guarded(protectedRoutes), protectedRoutes);
  }
}

/** Asks for a sign-in where one of the routes would answer. Any other address stays a 404 for everyone. */
function guarded(router: Router): RequestHandler {
  const guard = requireAuth();
  return (req, res, next) => (isAnsweredBy(router, req) ? guard(req, res, next) : next());
}

/**
 * True where something in this router would see the request, by Express's own reading of the address. Middleware without
 * a path sees every address, so it puts all that is left behind the guard: nothing in `routes` runs for nobody.
 */
function isAnsweredBy(router: Router, { path }: Pick<Request, 'path'>): boolean {
  return router.stack.some((layer) => (layer as unknown as Layer).match(path));
}

/** What is read here of Express's router; a test fails when it changes. */
interface Layer {
  match(path: string): boolean;
}
