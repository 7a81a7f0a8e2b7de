import type { IncomingMessage } from 'node:http';

/** What Express and its routers leave on a request. */
interface Routed extends IncomingMessage {
  baseUrl?: string;
  route?: { path?: unknown };
}

/**
 * The pattern of the route that answered, such as `/notes/:id`: the same for all addresses that fit it, so that a log or
 * a metric can be grouped by it. Undefined where no route took the request, as for a file or an unknown address.
 */
export function routeOf(req: IncomingMessage): string | undefined {
  const { baseUrl = '', route } = req as Routed;
  if (route?.path === undefined) return undefined;
  const [path] = Array.isArray(route.path) ? route.path : [route.path];
  // As it came, and routers take /AUTH for /auth: everyone could make up new routes.
  return `${baseUrl.toLowerCase()}${path === '/' && baseUrl !== '' ? '' : path}`;
}
