import { Agent, request } from 'node:http';
import type { Browser } from './browser.ts';
import { until } from './redis-server.ts';

interface Visit {
  status: number | string;
  /** When it was answered, and how long that took. */
  at: number;
  ms: number;
}

export interface Visits {
  /** Waits until so many more were answered. */
  more(count: number): Promise<void>;
  /** Waits until the last `count` answers since then were all 200. */
  wellAgain(since: number, count: number): Promise<void>;
  /** Ends them, and says what they met since `from`. */
  stop(from: number): Promise<Summary>;
}

interface Summary {
  /** How many answers of each status, or failures of each kind. */
  counts: Record<string, number>;
  longestMs: number;
  /** From `from` until the last answer that was not 200; 0 when there was none. */
  troubleMs: number;
}

/** So many clients, each on a connection of its own, that open a page again and again as this browser's user. */
export function startVisits(url: string, browser: Browser, clients: number): Visits {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = { Cookie: cookie, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
  const all: Visit[] = [];
  let going = true;

  function ask(): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const req = request(url, { agent, headers }, (res) => {
        res.resume();
        res.once('end', () => resolve(res.statusCode)).once('error', reject);
      });
      req.once('error', reject).end();
    });
  }

  async function visit(): Promise<void> {
    while (going) {
      const start = performance.now();
      const status = await ask().catch((error: Error) => error.message);
      const at = performance.now();
      all.push({ status: status ?? 'none', at, ms: at - start });
      // A person reads the page; and this process has more to do than to ask.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const visiting = Array.from({ length: clients }, visit);
  return {
    async more(count) {
      const wanted = all.length + count;
      await until(() => all.length >= wanted, 20_000);
    },
    async wellAgain(since, count) {
      const well = () => {
        const last = all.slice(-count);
        return last.length === count && last.every(({ status, at }) => status === 200 && at > since);
      };
      await until(well, 20_000).catch((cause: Error) => {
        const recent = all
          .slice(-count)
          .map(({ status, at, ms }) => `${status} at ${(at - since) | 0} in ${ms | 0} ms`);
        throw new Error(`pages do not work again; the last answers: ${recent.join(', ')}`, { cause });
      });
    },
    async stop(from) {
      going = false;
      await Promise.all(visiting);
      agent.destroy();
      const since = all.filter(({ at }) => at >= from);
      const counts: Record<string, number> = {};
      for (const { status } of since) counts[status] = (counts[status] ?? 0) + 1;
      const last = since.findLast(({ status }) => status !== 200);
      return {
        counts,
        longestMs: Math.max(...since.map(({ ms }) => ms)),
        troubleMs: last ? last.at - from : 0,
      };
    },
  };
}
