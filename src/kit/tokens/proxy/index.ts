import type { Request, RequestHandler, Response } from 'express';
import { AuthError } from '../../errors/auth-error.ts';
import { neverCache } from '../../http/answers.ts';
import { onlyForScripts } from '../../http/navigation.ts';
import { type Apis, apiAddress } from '../../provider/index.ts';
import { demandStore } from '../../session/context.ts';
import { recheckIfDue } from '../../session/recheck.ts';
import { getUser } from '../../session/user-session.ts';
import { demandOwnPage, demandScript } from './caller.ts';
import type { EventStreams } from './events.ts';
import { passOn, type Target } from './pass.ts';
import { isBelow, pathBelow } from './path.ts';
import { refusal } from './refusal.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

type Proxied = Omit<Target, 'url'>;

/**
 * Passes requests of our own pages' scripts on to the APIs of site.ts that have a `proxy`, with the user's access token:
 * the browser never sees one (the back end of a front end).
 */
export function apiProxies(apis: Apis, events: EventStreams) {
  const proxied = [...apis].flatMap(([name, api]): Proxied[] => {
    const { url, proxy } = api;
    return url && proxy ? [{ name, api: { ...api, url, proxy } }] : [];
  });
  const at = (path: string) => proxied.find(({ api }) => isBelow(path, api.proxy.path));
  /** Comes before whatever may refuse a request: a refusal is sandboxed and never cached either. */
  const prepare: RequestHandler = (req, res, next) => {
    const found = at(req.path);
    if (found) {
      // What the log and metrics group by: below it the addresses are the API's, and anybody's.
      req.route = { path: found.api.proxy.path };
      prepareAnswer(req, res);
    }
    next();
  };
  const pass: RequestHandler = (req, res, next) => {
    const found = at(req.path);
    return found ? proxy(req, res, apis, found, events) : next();
  };
  return { isProxied: (path: string) => at(path) !== undefined, prepare, pass };
}

function prepareAnswer(req: Request, res: Response): void {
  onlyForScripts(req);
  neverCache(res);
  // An API may answer with anything: nothing of it may run as a page of ours.
  res.setHeader('Content-Security-Policy', 'sandbox');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  if (methods.includes(req.method)) return;
  res.setHeader('Allow', methods.join(', '));
  throw refusal(405, 'an API is not reached by this method');
}

/** The cheapest check first, and nothing is sent anywhere before the last. */
async function proxy(
  req: Request,
  res: Response,
  apis: Apis,
  { name, api }: Proxied,
  events: EventStreams,
): Promise<void> {
  demandScript(req);
  const path = pathBelow(req.path, api.proxy.path);
  if (path === undefined || req.originalUrl.includes('#'))
    throw refusal(400, 'the path could lead elsewhere than below the address of the API');
  demandStore(req);
  const rechecked = await recheckIfDue(req, res, '/');
  if (rechecked === 'answered') return;
  if (rechecked === 'sign_in_again') throw new AuthError(rechecked);
  const user = getUser(req);
  if (!user) throw new AuthError('sign_in_first');
  demandOwnPage(req, user);
  const url = apiAddress(apis, name, path + queryIn(req));
  await passOn(req, res, { name, api, url }, events);
}

/** As it came, with its question mark. */
function queryIn({ originalUrl }: Request): string {
  const at = originalUrl.indexOf('?');
  return at < 0 ? '' : originalUrl.slice(at);
}
