import type { Request, RequestHandler } from 'express';
import { queryOf } from './parameters.ts';

interface Checks {
  /** Resolves when the store answers. */
  store: () => Promise<void>;
  /** Of each provider, by name: was its discovery loaded once? One that is away later does not count (R21). */
  providers: () => Readonly<Record<string, boolean>>;
  /** Are we on the way out? */
  stopping: () => boolean;
  /** With several processes (WORKERS): have all started? */
  workers?: (() => boolean) | undefined;
}

const patience = 2_000;
/** Where the store does not decide: Kubernetes waits a second for an answer. */
const shortPatience = 500;
const freshFor = 1_000;

/**
 * `healthz`: this process is alive. `readyz`: it is ready for signed-in users, so send it traffic; with `?public`: it is
 * ready for public pages, which need neither store nor provider.
 */
export function health(checks: Checks): { healthz: RequestHandler; readyz: RequestHandler } {
  const storeAnswers = shared(() => within(patience, checks.store));

  return {
    healthz: asWritten('/healthz', (_req, res) => {
      res.set('Cache-Control', 'no-store').json({ status: 'ok' });
    }),
    readyz: asWritten('/readyz', async (req, res) => {
      const forPublic = asksForPublic(req);
      const providers = checks.providers();
      const results = {
        store: await (forPublic ? soon(storeAnswers()) : storeAnswers()),
        ...asChecks(providers),
        stopping: checks.stopping(),
        ...(checks.workers && { workers: checks.workers() }),
      };
      // One that was never there keeps nobody from the others.
      const usable = Object.values(providers).some(Boolean);
      const serves = !results.stopping && results.workers !== false;
      const ready = serves && (forPublic || (results.store && usable));
      res
        .status(ready ? 200 : 503)
        .set('Cache-Control', 'no-store')
        .json({ status: ready ? 'ok' : 'unavailable', checks: results });
    }),
  };
}

/**
 * Express takes `/HEALTHZ` and `/healthz/` for the same. What refuses the probes from outside may compare letter by letter,
 * as an Ingress of Kubernetes does.
 */
function asWritten(path: string, handler: RequestHandler): RequestHandler {
  return (req, res, next) => (req.path === path ? handler(req, res, next) : next());
}

/**
 * Written so, once, and with no value, as `?public=false` would say something else than it does. Whatever else somebody
 * writes asks the stricter question, and its 503 shows at once.
 */
function asksForPublic(req: Request): boolean {
  const given = queryOf(req).getAll('public');
  return given.length === 1 && given[0] === '';
}

/** A provider may have the name of another check, and no other thing has a hyphen in its name. */
function asChecks(providers: Readonly<Record<string, boolean>>): Record<string, boolean> {
  const named = Object.entries(providers).map(([name, usable]) => [
    /^(store|stopping|workers)$/.test(name) ? `provider-${name}` : name,
    usable,
  ]);
  return Object.fromEntries(named);
}

/** Asks once for all who ask within a second: however many probes there are, the store sees one. */
function shared(ask: () => Promise<boolean>): () => Promise<boolean> {
  let answer: Promise<boolean> | undefined;
  let askedAt = 0;
  let pending = false;

  return () => {
    if (answer && (pending || performance.now() - askedAt < freshFor)) return answer;
    askedAt = performance.now();
    pending = true;
    answer = ask().finally(() => {
      pending = false;
    });
    return answer;
  };
}

/** False where the answer takes too long for who asks; whoever comes later may still get it. */
async function soon(answer: Promise<boolean>): Promise<boolean> {
  return within(shortPatience, async () => {
    if (!(await answer)) throw new Error('not now');
  });
}

/** True when the check succeeds in time; a check that hangs is one that failed. */
async function within(milliseconds: number, check: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
    timer.unref();
  });
  try {
    return await Promise.race([check().then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
