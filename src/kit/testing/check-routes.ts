import type { RequestHandler, Response, Router } from 'express';
import type { CheckedSite } from '../assembly.ts';
import { listFiles } from '../http/assets.ts';
import { pageAt } from '../pages/paths.ts';
import type { AnySite } from '../site.ts';
import { isBelow } from '../tokens/proxy/path.ts';
import type { TestApp } from './app.ts';
import { isRefusal } from './check-pages.ts';
import type { TestPage } from './page.ts';
import { actionAt } from './page-actions.ts';
import type { Visitor } from './person.ts';

type Part = 'routes' | 'publicRoutes';

/** A route of the site's own, as it was written. */
interface OwnRoute {
  part: Part;
  /** `GET`, or `ALL`. */
  method: string;
  path: string;
}

/** What is asked for at this moment. */
interface Probe {
  wanted: OwnRoute;
  reached: boolean;
  /** The last route before it that the request came to. */
  earlier: OwnRoute | undefined;
}

export interface WatchedSite {
  site: AnySite;
  routes: OwnRoute[];
  /** Middleware and routers of `publicRoutes`, by path. */
  publicMiddleware: string[];
  probe: { current: Probe | undefined };
}

/** The same site, whose routes say when a request comes to them. What they do is not done while one is looked for. */
export function watchRoutes(site: AnySite): WatchedSite {
  const watched: WatchedSite = {
    site: { ...site },
    routes: [],
    publicMiddleware: [],
    probe: { current: undefined },
  };
  for (const part of ['publicRoutes', 'routes'] as const) {
    const add = site[part];
    if (typeof add !== 'function') continue;
    watched.site[part] = (router, at) => {
      const returned: unknown = add(router, at);
      watch(router, '', part, watched);
      return returned;
    };
  }
  return watched;
}

/** What is read here of Express's router. */
interface Layer {
  rawPath?: unknown;
  route?: { path: unknown; stack: { method?: string; handle: RequestHandler }[] };
  handle: RequestHandler & Partial<Router>;
}

function watch(router: Router, prefix: string, part: Part, watched: WatchedSite): void {
  for (const layer of router.stack as unknown as Layer[]) {
    for (const path of [layer.route?.path ?? layer.rawPath].flat()) {
      if (typeof path !== 'string') continue; // A pattern has no address to try.
      const whole = prefix + path.replace(/\/$/, '') || '/';
      if (layer.route) watchRoute(layer.route, whole, part, watched);
      else if (layer.handle.stack) watch(layer.handle as Router, whole === '/' ? '' : whole, part, watched);
      else if (part === 'publicRoutes') watched.publicMiddleware.push(whole);
    }
  }
}

function watchRoute(
  { stack }: NonNullable<Layer['route']>,
  path: string,
  part: Part,
  watched: WatchedSite,
): void {
  const methods = new Set(stack.map(({ method = 'all' }) => method.toUpperCase()));
  for (const method of methods) {
    const own = { part, method, path };
    watched.routes.push(own);
    const first = stack.find((one) => (one.method ?? 'all').toUpperCase() === method);
    if (first) first.handle = noticing(first.handle, own, watched);
  }
}

/** Answers in place of the route that is looked for. Others before it run only where that changes nothing. */
function noticing(handle: RequestHandler, own: OwnRoute, { probe }: WatchedSite): RequestHandler {
  return (req, res, next) => {
    const { current } = probe;
    if (!current) return handle(req, res, next);
    if (current.wanted === own) {
      current.reached = true;
      return end(res);
    }
    current.earlier = own;
    if (req.method === 'GET' || req.method === 'HEAD') return handle(req, res, next);
    if (own.method === 'ALL') return next('route');
    end(res);
  };
}

const end = (res: Response) => void res.status(204).end();

/** Asks for every route: as nobody, and as somebody who is signed in, to see whether the request comes to it. */
export async function checkRoutes(
  app: TestApp,
  checked: CheckedSite,
  watched: WatchedSite,
): Promise<string[]> {
  const person = watched.routes.length > 0 ? await app.signIn('check-site') : undefined;
  const problems: string[] = [];
  for (const route of watched.routes) {
    const hidden = person && (await whatHides(route, person, checked, watched));
    if (hidden?.by === named(route)) {
      problems.push(
        `site.ts: ${named(route)} is there twice, and only the first answers. Remove one, or give it another address.`,
      );
    } else if (hidden) {
      problems.push(
        `site.ts: ${named(route)} cannot be reached: ${hidden.by} answers there. Give it another address${hidden.movable ? ', or put it before' : ''}.`,
      );
    } else if (route.part === 'routes' && route.method !== 'POST') {
      problems.push(...(await openToNobody(route, app, watched)));
    }
  }
  return problems;
}

/** What answers in a route's place. */
interface Hiding {
  by: string;
  /** True where the order in site.ts decides. The kit and the pages always win, and so does `publicRoutes`. */
  movable: boolean;
}

async function whatHides(route: OwnRoute, person: Visitor, checked: CheckedSite, watched: WatchedSite) {
  const methods = route.method === 'ALL' ? ['GET', 'POST'] : [route.method];
  let hiding: Hiding | undefined;
  for (const method of methods) {
    const kit = partOfTheKit(method, route, checked);
    hiding = kit ? { by: kit, movable: false } : await earlierRoute(method, route, person, watched);
    if (!hiding) return undefined;
  }
  return hiding;
}

/** The kit's addresses, pages and files win over every route. */
function partOfTheKit(
  method: string,
  { path }: OwnRoute,
  { pages, folders, apis }: CheckedSite,
): string | undefined {
  const address = sampleOf(path);
  if (kitAddresses.test(address)) return 'the kit';
  const api = [...apis].find(([, { url, proxy }]) => url && proxy && isBelow(address, proxy.path));
  if (api) return `the \`proxy\` of the API '${api[0]}'`;
  if (method === 'GET') {
    if (listFiles(folders.public).some((file) => file.path === address)) return `the file public${address}`;
    const page = pageAt(pages, address);
    if (page) return `the page ${page.path}`;
  }
  const action = method === 'POST' ? actionAt(pages, address) : undefined;
  return action && `the form of a page, ${action},`;
}

const kitAddresses =
  /^\/(healthz|readyz|auth\/((login|callback)(\/[^/]+)?|logout|backchannel-logout|frontchannel-logout|initiate-login|session))\/?$/i;

async function earlierRoute(
  method: string,
  wanted: OwnRoute,
  person: Visitor,
  { probe }: WatchedSite,
): Promise<Hiding | undefined> {
  const current: Probe = { wanted, reached: false, earlier: undefined };
  probe.current = current;
  const answer = await within(1_000, person.fetch(sampleOf(wanted.path), { method }));
  probe.current = undefined;
  if (current.reached) return undefined;
  // A guard or a parser of its own may have refused the request before.
  if (answer && answer.status >= 400) return undefined;
  if (current.earlier) return { by: named(current.earlier), movable: current.earlier.part === wanted.part };
  return answer && { by: 'something before it, such as middleware,', movable: true };
}

async function openToNobody(route: OwnRoute, app: TestApp, { probe }: WatchedSite): Promise<string[]> {
  probe.current = { wanted: route, reached: false, earlier: undefined };
  const answer = await within(1_000, app.get(sampleOf(route.path), { follow: false }));
  const { reached } = probe.current;
  probe.current = undefined;
  if (!reached && answer && isRefusal(answer)) return [];
  return reached ? [`site.ts: ${named(route)} answers somebody who is not signed in.`] : [];
}

/** An address that fits the path, with a made-up word for each parameter. */
function sampleOf(path: string): string {
  return path.replace(/[{}]/g, '').replace(/[:*](\w+|"[^"]*")/g, 'check-site');
}

function named({ method, path, part }: OwnRoute): string {
  return `${method === 'ALL' ? 'the route' : method} ${path} of \`${part}\``;
}

/** Undefined where there is no answer in time, as of a stream. It ends with the app. */
async function within(ms: number, answer: Promise<TestPage>): Promise<TestPage | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  const result = await Promise.race([answer.catch(() => undefined), late]);
  clearTimeout(timer);
  return result;
}
