import { type Request, type RequestHandler, Router } from 'express';
import { MemoryStore, rateLimit } from 'express-rate-limit';
import { loggedCauses } from '../errors/error-cause.ts';
import type { ErrorWithMessage } from '../errors/message.ts';
import { plainPages } from '../errors/plain-pages.ts';
import type { Audit, Log } from '../log/index.ts';
import { mayBeNavigation } from './navigation.ts';
import { sayLess } from './repeated-refusals.ts';
import { type SharedCounts, sharedCounts } from './shared-counts.ts';

/**
 * How many requests one client address may make in a minute. An office or a mobile network shares one
 * address, so these stop a machine, not a busy Monday morning; guessing a secret takes longer than the
 * universe at any of them.
 */
export const limitsPerMinute = {
  /** A sign-in takes one; a browser that restores twenty tabs takes twenty. */
  login: 300,
  /** Costs a call to the provider each; a sign-in takes one. */
  callback: 300,
  /** Opened from another site; only prints a question. */
  initiate: 120,
  /** The same, by images, frames and fetches: counted apart, so that they use up nothing of what persons open. */
  embedded: 120,
  /** The provider's own servers: all its users' sign-outs come from a few addresses. */
  backchannel: 600,
  /** Needs no token: each writes an ending to the store, also of a session that nobody has. A sign-out loads one. */
  frontchannel: 300,
} as const;

export type LimitName = keyof typeof limitsPerMinute;

/**
 * What is no navigation is not counted here: any page that one person has open could use up, by images and fetches, what
 * all behind their address need to sign in. It gets a 401 and costs nothing, or has a limit of its own.
 */
const onlyForPersons: ReadonlySet<LimitName> = new Set(['login', 'callback', 'initiate']);
const neverForPersons: ReadonlySet<LimitName> = new Set(['embedded']);

/**
 * Where nothing tells a call that is meant from those of any page in a browser behind the same address: the route refuses
 * what would cost something, and carries out the rest.
 */
const leftToTheirRoutes: ReadonlySet<LimitName> = new Set(['frontchannel']);

const refusals = new WeakMap<Request, ErrorWithMessage>();

/** What to answer a request that came after too many others, where that is left to its route. */
export function overLimit(req: Request): ErrorWithMessage | undefined {
  return refusals.get(req);
}

interface Parts {
  audit: Audit;
  log: Log;
  /** Where all instances count together; absent, each counts in its memory. */
  shared?: SharedCounts | undefined;
  limits?: Readonly<Record<LimitName, number>> | undefined;
}

/**
 * A limit for each address below /auth that has one (ASVS 2.4.1). The client is `req.ip`, as
 * `useClientAddress` makes it: trusted hops count, and the port that some proxies write behind it does not.
 */
export function rateLimits({ audit, log, shared, limits = limitsPerMinute }: Parts): Router {
  // Without headers in a frame: nobody reads them there, and each answer is the same.
  const limiter = (name: LimitName, standardHeaders: 'draft-8' | false = 'draft-8'): RequestHandler =>
    rateLimit({
      windowMs: 60_000,
      limit: limits[name],
      skip: (req) => (mayBeNavigation(req as Request) ? neverForPersons : onlyForPersons).has(name),
      identifier: name,
      standardHeaders,
      legacyHeaders: false,
      store: shared ? sharedCounts(name, shared, log) : new MemoryStore(),
      // Open on purpose: without its counts a sign-in is slower to defend, not less safe, and the store's
      // own failure is shown on the pages that need it.
      passOnStoreError: true,
      logger: quietLogger(log),
      handler: (req, _res, next) => {
        const { used, limit, resetTime } = (req as Request & { rateLimit: RateLimit }).rateLimit;
        // One line for one address and minute: the log must not be floodable.
        if (used === limit + 1)
          audit('request.rate_limited', { reason: name, 'client.address': req.ip }, req);
        else sayLess(req);
        const refusal = tooMany(resetTime);
        if (!leftToTheirRoutes.has(name)) return next(refusal);
        refusals.set(req, refusal);
        next();
      },
    });

  return Router()
    .use(dropTheGone)
    .use('/login', limiter('login'))
    .use('/callback', limiter('callback'))
    .use('/initiate-login', limiter('initiate'), limiter('embedded'))
    .use('/backchannel-logout', limiter('backchannel'))
    .use('/frontchannel-logout', limiter('frontchannel', false));
}

/**
 * A connection that was reset has no address any more that a request could be counted for, and nobody there who would get
 * an answer.
 */
const dropTheGone: RequestHandler = (req, res, next) => {
  if (req.ip === undefined) res.destroy();
  else next();
};

interface RateLimit {
  used: number;
  limit: number;
  resetTime?: Date | undefined;
}

/** The library's own complaints, such as X-Forwarded-For with TRUST_PROXY_HOPS=0; store errors are ours. */
function quietLogger(log: Log) {
  const complain = (error: unknown, message?: string) => {
    if (message === undefined) log.warn({ causes: loggedCauses(error) }, 'rate limits: check the settings');
  };
  return { error: complain, warn: complain };
}

function tooMany(resetTime: Date | undefined): ErrorWithMessage {
  const seconds = Math.max(1, Math.ceil(((resetTime?.getTime() ?? Date.now() + 60_000) - Date.now()) / 1000));
  return Object.assign(new Error('too many requests from one address'), {
    status: 429,
    retryAfter: seconds,
    page: plainPages.tooMany(seconds),
  });
}
