import type { ClientRateLimitInfo, Options, Store } from 'express-rate-limit';
import { RedisStore, type SendCommandClusterFn } from 'rate-limit-redis';
import { loggedCauses } from '../errors/error-cause.ts';
import type { Log } from '../log/index.ts';

/** Where all instances count together. */
export interface SharedCounts {
  /** Sends one Redis command. */
  send: SendCommandClusterFn;
  /** What the keys of a limit begin with. */
  prefix(name: string): string;
}

/**
 * Counts in Redis. rate-limit-redis loads its script once, when it is made, and would keep a failure to do
 * so for ever; so it is made at the first count and made anew after a failure. That a store is away is
 * logged when it begins and when it ends, not at every request.
 *
 * What somebody else has written in the place of a count is thrown away: nobody would be counted any more, or somebody
 * would be refused for as long as it stays there.
 */
export function sharedCounts(name: string, { send, prefix: prefixOf }: SharedCounts, log: Log): Store {
  const prefix = prefixOf(name);
  let options: Options;
  let counts: RedisStore | undefined;
  let failing = false;

  const current = async () => {
    if (!counts) {
      const fresh = new RedisStore({ sendCommandCluster: send, prefix });
      await fresh.init(options);
      counts = fresh;
    }
    return counts;
  };

  async function countOne(key: string): Promise<ClientRateLimitInfo> {
    const store = await current();
    const info = await store.increment(key).catch((error: Error) => {
      if (!/not an integer|overflow|WRONGTYPE/.test(error.message)) throw error;
      return undefined;
    });
    if (info && isCount(info, options.windowMs)) return info;
    await store.resetKey(key);
    return store.increment(key);
  }

  return {
    prefix,
    init(given) {
      options = given;
    },
    async increment(key) {
      try {
        const info = await countOne(key);
        if (failing) log.info({ limit: name }, 'requests are counted again');
        failing = false;
        return info;
      } catch (error) {
        counts = undefined;
        if (!failing)
          log.warn({ limit: name, causes: loggedCauses(error) }, 'requests pass uncounted: no store');
        failing = true;
        throw error;
      }
    },
    decrement: async (key) => (await current()).decrement(key),
    resetKey: async (key) => (await current()).resetKey(key),
  };
}

/** Counts begin at one, and end with their minute. */
function isCount({ totalHits, resetTime }: ClientRateLimitInfo, windowMs: number): boolean {
  const msLeft = (resetTime?.getTime() ?? Number.NaN) - Date.now();
  return Number.isSafeInteger(totalHits) && totalHits > 0 && msLeft <= windowMs;
}
