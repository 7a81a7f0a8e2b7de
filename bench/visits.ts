import { Browser } from './browser.ts';
import { type Name, type Surroundings, start } from './contestants.ts';
import type { BenchRedis } from './redis.ts';
import type { Sample } from './rounds.ts';
import { signIn } from './sign-ins.ts';

/** What people who never sign in cost: each opens a page that asks for sign-in, and goes away. */
export async function anonymousVisits(name: Name, around: Surroundings, redis: BenchRedis): Promise<Sample> {
  const running = await start(name, around);
  await redis.empty();
  const before = await redis.commands();
  const visits = 200;
  let cookieBytes = 0;
  for (let visit = 0; visit < visits; visit += 1) {
    const { status, headers } = await new Browser(running.origin).send('GET', running.page);
    if (status < 301 || status > 307) throw new Error(`${running.title} answered ${status} to a stranger`);
    for (const line of headers['set-cookie'] ?? []) cookieBytes += line.length;
  }
  const redisCommands = ((await redis.commands()) - before) / visits;
  const keysLeft = (await redis.keys()) / visits;
  await running.server.stop();
  return { redisCommands, setCookieBytes: cookieBytes / visits, keysLeft };
}

/** Bytes in Redis for one session with its tokens, and all that it needs to be found again. */
export async function sessionSize(name: Name, around: Surroundings, redis: BenchRedis): Promise<Sample> {
  const running = await start(name, around);
  await redis.empty();
  const sessions = 200;
  for (let each = 0; each < sessions; each += 1) await signIn(running);
  const found = await redis.bytesByPrefix();
  await running.server.stop();
  // Counts for the rate limits are gone within a minute and belong to addresses, not to sessions; the marks of answers
  // are gone within an hour, whether the session lives or not.
  const kept = [...found].filter(([prefix]) => !/:(limit|answer):/.test(prefix));
  return {
    bytes: kept.reduce((sum, [, { bytes }]) => sum + bytes, 0) / sessions,
    keys: kept.reduce((sum, [, { keys }]) => sum + keys, 0) / sessions,
  };
}
