import { fileURLToPath } from 'node:url';
import { createAudit, createLog } from '../src/kit/log/index.ts';
import { openSessions } from '../src/kit/store/index.ts';
import { type Running, type Surroundings, sessionSecret } from './contestants.ts';
import { signedIn } from './pages.ts';
import { outputOnEachCore } from './processes.ts';
import type { Wanted } from './session-maker.ts';

export interface Maker {
  /**
   * Makes so many sessions in Redis, as sign-ins would have left them.
   *
   * @param sub whose they are; somebody new each time where it is left out
   * @param cookies for how many of them there is to be a Cookie header
   */
  make(count: number, wanted?: { sub?: string; cookies?: number }): Promise<string[]>;
  /** Of the person who has signed in for it. */
  cookie: string;
}

/** Signs one person in, and makes more sessions of what that has left. */
export async function prepareMaker(running: Running, around: Surroundings): Promise<Maker> {
  const secret = sessionSecret;
  const { redisUrl } = around;
  const { cookie } = await signedIn(running);
  const [, id = ''] = /session=s%3A([\w-]+)/.exec(cookie) ?? [];
  const left = await readSession(id, redisUrl, secret);
  const program = fileURLToPath(new URL('session-maker.ts', import.meta.url));
  return {
    async make(count, { sub, cookies = 0 } = {}) {
      const output = await outputOnEachCore(program, (part, parts): Wanted => {
        const share = (all: number) =>
          Math.floor((all * (part + 1)) / parts) - Math.floor((all * part) / parts);
        const sizes = { count: share(count), cookies: share(cookies) };
        return { redisUrl, secret, ...left, ...sizes, ...(sub !== undefined && { sub }) };
      });
      return output.split('\n').filter(Boolean);
    },
    cookie,
  };
}

/** What the sign-in has left. */
async function readSession(id: string, redisUrl: string, secret: string) {
  const log = createLog('silent');
  const redis = { urls: [redisUrl], sentinel: undefined, keyPrefix: 'app:' };
  const sessions = await openSessions({
    ...{ redis, secrets: [secret], idleSeconds: 1_800, maxSeconds: 28_800 },
    ...{ log, audit: createAudit(log) },
  });
  const [data, tokens] = await Promise.all([sessions.look(id), sessions.tokens.read(id)]);
  await sessions.close();
  if (!data?.user || !tokens) throw new Error('the session of the bench cannot be read');
  return { user: data.user, tokens };
}
