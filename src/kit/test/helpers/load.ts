import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { markOn, type Page } from './browser.ts';
import { until } from './redis-server.ts';

export interface Load {
  /** Requests that were answered. */
  readonly count: number;
  /** What went wrong, such as `POST /sessions/end: 502`. */
  failures: string[];
  /** Waits until so many were answered. */
  reached(count: number): Promise<void>;
  stop(): Promise<void>;
}

interface Kind {
  method: string;
  path: string;
  status: number;
  body?: string;
}

/** What a signed-in person does: a public page, a page of one's own, a form of a page that was printed for them. */
const kindsOf = (page: Page): Kind[] => [
  { method: 'GET', path: '/', status: 200 },
  { method: 'GET', path: '/profile', status: 200 },
  {
    method: 'POST',
    path: '/sessions/end',
    status: 303,
    body: new URLSearchParams({ ...markOn(page), handle: 'nobody' }).toString(),
  },
];

/**
 * Requests without a pause on so many kept connections, until `stop`. At most 20 failures are noted.
 *
 * @param page one of that person's
 */
export function startLoad(
  origin: string,
  { ca, connections, cookie, page }: { ca: string; connections: number; cookie: string; page: Page },
): Load {
  const kinds = kindsOf(page);
  const failures: string[] = [];
  let count = 0;
  let going = true;
  const agent = new Agent({ ca, keepAlive: true, maxSockets: connections });

  async function visit(first: number): Promise<void> {
    for (let turn = first; going && failures.length < 20; turn++) {
      const kind = kinds[turn % kinds.length] as Kind;
      const name = `${kind.method} ${kind.path}`;
      const status = await ask(kind).catch((error: Error) => error.message);
      count++;
      if (status !== kind.status) failures.push(`${name}: ${status}`);
    }
  }

  function ask({ method, path, body }: Kind): Promise<number | undefined> {
    const headers = {
      Cookie: cookie,
      'Sec-Fetch-Site': 'same-origin',
      'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'document',
      ...(body && { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': body.length }),
    };
    return new Promise((resolve, reject) => {
      const req = request(origin + path, { method, agent, headers }, (res: IncomingMessage) => {
        res.resume();
        res.once('end', () => resolve(res.statusCode)).once('error', reject);
      });
      req.once('error', reject).end(body);
    });
  }

  const visits = Array.from({ length: connections }, (_, index) => visit(index));
  return {
    failures,
    get count() {
      return count;
    },
    reached: (wanted) => until(() => count >= wanted || failures.length >= 20, 15_000),
    async stop() {
      going = false;
      await Promise.all(visits);
      agent.destroy();
    },
  };
}
