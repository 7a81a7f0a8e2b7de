import { setTimeout as pause } from 'node:timers/promises';
import { Browser } from './browser.ts';
import { type Name, type Running, type Surroundings, start } from './contestants.ts';
import { now, watchRedis } from './redis-wire.ts';
import type { Sample } from './rounds.ts';

const signIns = 20;
/** What a server still sends when it has answered is on its way by then. */
const settleMs = 30;

/**
 * What one sign-in sends to Redis, and how many times it waits for Redis behind the provider's last answer. One person
 * at a time, so that what is on the wire is theirs.
 */
export async function commandsOfSignIn(name: Name, around: Surroundings): Promise<Sample> {
  const redis = await watchRedis(around.redisUrl);
  const running = await start(name, { ...around, redisUrl: redis.url });
  // The first reads the provider's metadata and its keys.
  for (let warm = 0; warm < 3; warm += 1) await untilCallback(running);
  await pause(settleMs);
  let commands = 0;
  let waits = 0;
  for (let each = 0; each < signIns; each += 1) {
    redis.forget();
    await untilCallback(running);
    const answered = now();
    await pause(settleMs);
    commands += redis.commands();
    waits += redis.waitsBetween(await lastAnswer(around), answered);
  }
  await running.server.stop();
  redis.close();
  return { commands: commands / signIns, waits: waits / signIns };
}

/** To the answer of the callback; the page that it leads to is no part of the sign-in. */
async function untilCallback({ origin, page, title }: Running): Promise<void> {
  const browser = new Browser(origin);
  let url = page;
  for (let hop = 0; hop < 10; hop += 1) {
    const { headers } = await browser.send('GET', url);
    if (url.startsWith(origin) && new URL(url).searchParams.has('code')) return;
    if (!headers.location) break;
    url = new URL(headers.location, url).href;
  }
  throw new Error(`a sign-in at ${title} came to no callback`);
}

async function lastAnswer({ issuer }: Surroundings): Promise<number> {
  return Number(await (await fetch(`${issuer}/bench/last-answer`)).json());
}
