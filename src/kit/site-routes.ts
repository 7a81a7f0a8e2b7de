import { type Express, type RequestHandler, Router } from 'express';
import { ConfigError } from './config/index.ts';
import { SiteError } from './errors/site-error.ts';
import { requireAuth, ruleOfGuard } from './guard/require-auth.ts';
import { ruleProblem } from './guard/rule-providers.ts';
import type { Log } from './log/index.ts';
import type { AnySite } from './site.ts';

/** What the site's routes are handed. */
interface RouteParts {
  data: unknown;
  settings: Readonly<Record<string, unknown>>;
  log: Log;
}

/**
 * Adds the plain Express routes of a site: those for everyone, then those behind `requireAuth()`.
 *
 * @param providers their names
 * @throws ConfigError for rules that do not fit the providers; SiteError for what the site's function threw
 */
export function mountRoutes(
  app: Express,
  site: AnySite,
  { providers, ...parts }: RouteParts & { providers: readonly string[] },
): void {
  const problems: string[] = [];
  if (site.publicRoutes) {
    const forEveryone = Router();
    addRoutes('publicRoutes', site, forEveryone, parts);
    problems.push(...ruleProblems(forEveryone.stack, '', providers));
    app.use(forEveryone);
  }
  if (site.routes) {
    const protectedRoutes = Router();
    addRoutes('routes', site, protectedRoutes, parts);
    problems.push(...ruleProblems(protectedRoutes.stack, '', providers));
    app.use(guarded(protectedRoutes));
  }
  if (problems.length > 0) throw new ConfigError(problems, { inSettings: false });
}

function addRoutes(name: 'routes' | 'publicRoutes', site: AnySite, router: Router, parts: RouteParts): void {
  let returned: unknown;
  try {
    returned = site[name]?.(router, parts);
  } catch (cause) {
    throw new SiteError(`\`${name}\` in site.ts failed`, { cause });
  }
  if (!(returned instanceof Promise)) return;
  returned.catch(() => {});
  // Nobody would check the rules of what it adds later, nor hear of its failure.
  throw new SiteError(`\`${name}\` in site.ts must not be async: load what it needs in \`open\``);
}

/** Of each guard in a router and in those below it. */
function ruleProblems(stack: unknown, path: string, providers: readonly string[]): string[] {
  return (stack as Layer[]).flatMap(({ handle, route }) => {
    const below = route?.stack ?? (handle as { stack?: unknown }).stack;
    if (below) return ruleProblems(below, typeof route?.path === 'string' ? route.path : path, providers);
    const rule = ruleOfGuard(handle);
    const problem = rule && ruleProblem(rule, providers);
    return problem === undefined ? [] : [`The route ${path || 'of site.ts'}: ${problem}`];
  });
}

/**
 * Asks for a sign-in where one of the routes would answer. Any other address stays a 404 for everyone. No request comes
 * to the router but through the guard.
 */
function guarded(router: Router): RequestHandler {
  const guard = requireAuth();
  const handler: RequestHandler = (req, res, next) => {
    const layer = answeringIn(router, req.path);
    if (!layer) return next();
    // For the log of what the guard answers. Of a router below, Express does not say at which pattern it is.
    if (router.stack.includes(layer as never)) req.route = layer.route;
    return guard(req, res, (error?: unknown) => (error ? next(error) : router(req, res, next)));
  };
  // Still read as a router: `knownMethods` lists what it takes.
  return Object.assign(handler, { stack: router.stack });
}

/**
 * What in this router would see the request first, by Express's own reading of the address. Middleware without
 * a path sees every address, so it puts all that is left behind the guard: nothing in `routes` runs for nobody.
 */
function answeringIn({ stack }: { stack?: unknown }, path: string): Layer | undefined {
  for (const layer of stack as Layer[]) {
    const { handle, route } = layer;
    const fitting = layer.match(path);
    if (!fitting || handle.length === 4) continue; // Four: only for errors.
    if (route || !('stack' in handle) || fitting.path === undefined) return layer;
    // A router below a path: its own routes say.
    const below = answeringIn(handle, path.slice(fitting.path.length) || '/');
    if (below) return below;
  }
  return undefined;
}

/** What is read here of Express's router; a test fails when it changes. */
interface Layer {
  /** Says how much of the address fits. */
  match(path: string): { path?: string } | false;
  route?: { path?: unknown; stack?: unknown };
  handle: RequestHandler & { stack?: unknown };
}
