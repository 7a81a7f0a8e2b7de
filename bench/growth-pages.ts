import { setTimeout as pause } from 'node:timers/promises';
import { navigation } from './browser.ts';
import { type Running, start } from './contestants.ts';
import { load, type Shot } from './load.ts';
import { measuredOn } from './machine.ts';
import { type Maker, prepareMaker } from './made-sessions.ts';
import type { Bench } from './mode.ts';
import { isPage } from './pages.ts';
import type { BenchRedis } from './redis.ts';
import { few, round, type Section, table, times } from './results.ts';
import { inOrder, type Sample } from './rounds.ts';

interface Step {
  /** Sessions in Redis. */
  sessions: number;
  /** One page again and again by one person, and one by each of so many in turn. */
  alone: Sample;
  inTurn: Sample;
}

const visitors = 10_000;

/** Pages while there are ever more sessions in Redis, from a server that is never idle. */
export async function pages({ around, redis, quick }: Bench): Promise<Section> {
  await redis.empty();
  const running = await start('app', around);
  const maker = await prepareMaker(running, around);
  const shot = shotOf(running, maker);
  const seconds = quick ? 1 : 3;
  await load(shot, quick ? 3 : 12);
  const steps: Step[] = [];
  let made = 1;
  for (const sessions of quick ? [1, 10_000, 50_000] : [1, 10_000, 1_000_000]) {
    const cookies = await whileWarm(shot, () => maker.make(sessions - made, 'new', visitors));
    made = sessions;
    const measure = (cookies?: string[]) =>
      median(running, redis, { ...shot, ...(cookies && { cookies }) }, seconds);
    const alone = await measure();
    steps.push({ sessions, alone, inTurn: cookies.length > 0 ? await measure(cookies) : alone });
  }
  await redis.empty();
  const again = await prepareMaker(running, around);
  const last = await median(running, redis, shotOf(running, again), seconds);
  await running.server.stop();
  return sectionOf(steps, last);
}

function shotOf({ page: url }: Running, { cookie }: Maker): Shot {
  return { url, headers: { ...navigation, cookie }, verifyBody: isPage };
}

/** V8 forgets what has not run for a while, so somebody goes on looking at pages. */
async function whileWarm<T>({ url, headers }: Shot, work: () => Promise<T>): Promise<T> {
  let working = true;
  const looking = (async () => {
    while (working) {
      await (await fetch(url, { headers })).text();
      await pause(5);
    }
  })();
  const result = await work().finally(() => {
    working = false;
  });
  await looking;
  return result;
}

/** Of three windows, after half a one. */
async function median(running: Running, redis: BenchRedis, shot: Shot, seconds: number): Promise<Sample> {
  await load(shot, seconds / 2);
  const windows = await inOrder([1, 2, 3], async () => {
    const [cpu, commands] = [await running.server.cpuMicros(), await redis.commands()];
    const { requests, perSecond, p99 } = await load(shot, seconds);
    const cpuMicros = ((await running.server.cpuMicros()) - cpu) / requests;
    return { perSecond, p99, cpuMicros, redisCommands: ((await redis.commands()) - commands) / requests };
  });
  const middle = (name: 'perSecond' | 'p99' | 'cpuMicros' | 'redisCommands') =>
    windows.map((window) => window[name]).sort((a, b) => a - b)[1] as number;
  return {
    ...{ perSecond: middle('perSecond'), p99: middle('p99') },
    ...{ cpuMicros: middle('cpuMicros'), redisCommands: middle('redisCommands') },
  };
}

function sectionOf(steps: Step[], last: Sample): Section {
  const [first] = steps;
  const against = (sample: Sample, figure: string) =>
    times((sample[figure] ?? 0) / (first?.alone[figure] ?? 0));
  const row = (title: string, sample: Sample) => [
    title,
    ...[round(sample.perSecond), against(sample, 'perSecond')],
    ...[round(sample.cpuMicros), against(sample, 'cpuMicros')],
    ...[few(sample.p99), few(sample.redisCommands)],
  ];
  const rows = steps.flatMap(({ sessions, alone, inTurn }) => [
    row(`${sessions}, one visitor`, alone),
    ...(inTurn === alone ? [] : [row(`${sessions}, ${visitors} visitors in turn`, inTurn)]),
  ]);
  const text = `${measuredOn()} Medians of three windows under constant load, 32 connections; while the sessions were made somebody looked at pages. The last row is after all but one were gone again: what differs from the first is the server's age, not the sessions.\n\n${table(
    ['sessions in Redis', 'pages/s', 'ratio', 'CPU µs', 'ratio', 'p99 ms', 'Redis'],
    [...rows, row('1 again', last)],
  )}`;
  return { title: 'Growth: many sessions', text };
}
