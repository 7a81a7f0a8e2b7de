import type { IncomingMessage } from 'node:http';

/** A route as Express has it, and below which router's address it was found. */
interface Found {
  route: { path?: unknown } | undefined;
  baseUrl: string;
}

const found = Symbol('route');

/** What Express and its routers leave on a request. */
interface Routed extends IncomingMessage {
  baseUrl?: string;
  route?: Found['route'];
  [found]?: Found;
}

/**
 * Keeps, with the route that Express finds for a request, the address of the router that it is in: a router that was
 * left again, as by every error, takes its address back.
 *
 * @param app whose `request` all its requests inherit from
 */
export function keepRoutes(app: { request: object }): void {
  // One for all requests, as in `requestLog`.
  Object.defineProperty(app.request, 'route', {
    configurable: true,
    get(this: Routed) {
      return this[found]?.route;
    },
    set(this: Routed, route: Found['route']) {
      this[found] = { route, baseUrl: this.baseUrl ?? '' };
    },
  });
}

/**
 * The pattern of the route that answered, such as `/notes/:id`: the same for all addresses that fit it, so that a log or
 * a metric can be grouped by it. Of an API's proxy it is the proxy's path. Undefined where no route took the request, as
 * for a file or an unknown address.
 */
export function routeOf(req: IncomingMessage): string | undefined {
  const { route, baseUrl } = foundFor(req);
  if (route?.path === undefined) return undefined;
  const [path] = Array.isArray(route.path) ? route.path : [route.path];
  // As it came, and routers take /AUTH for /auth: everyone could make up new routes.
  return `${baseUrl.toLowerCase()}${path === '/' && baseUrl !== '' ? '' : path}`;
}

/**
 * Whether a path, or a route, is that of a probe: asked every few seconds for as long as the app runs. What one found is
 * logged by itself (`store.lost`).
 */
export function isProbe(path: string | undefined): boolean {
  return path === '/healthz' || path === '/readyz';
}

/** An Express app in one of the site's routers gives the request a prototype of its own, which keeps nothing. */
function foundFor(req: Routed): Found {
  if (!Object.hasOwn(req, 'route') && req[found]) return req[found];
  return { route: req.route, baseUrl: req.baseUrl ?? '' };
}
