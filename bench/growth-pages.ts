import { setTimeout as pause } from 'node:timers/promises';
import { navigation } from './browser.ts';
import { type Running, start } from './contestants.ts';
import { type Crowd, load } from './crowd.ts';
import { measuredOn } from './machine.ts';
import { prepareMaker } from './made-sessions.ts';
import type { Bench } from './mode.ts';
import { isPage } from './pages.ts';
import { startRedis } from './redis.ts';
import { few, round, type Section, table, times } from './results.ts';
import { inOrder, quick as quickly, type Sample, thorough } from './rounds.ts';
import { warmUp } from './warm-up.ts';

interface Server {
  running: Running;
  shot: Crowd;
}

interface Row {
  title: string;
  /** A window of the server with more and more sessions, and one of the server that has a single one. */
  pairs: { grown: Sample; single: Sample }[];
}

/** So many people look at pages at the same time: as many as are remembered (store/opened-records.ts), and more. */
const crowds = [1_000, 10_000];

/**
 * Pages while there are ever more sessions in Redis, from a server that is never idle. A second server, whose Redis has
 * one session, takes turns with it: what the machine does meanwhile falls on both.
 */
export async function pages({ around, redis, quick }: Bench): Promise<Section> {
  await redis.empty();
  const other = await startRedis();
  const grown = await start('app', around);
  const maker = await prepareMaker(grown, around);
  const aroundOther = { ...around, redisUrl: other.url };
  const single = await start('app', aroundOther);
  const servers = {
    grown: { running: grown, shot: shotOf(grown, maker) },
    single: { running: single, shot: shotOf(single, await prepareMaker(single, aroundOther)) },
  };
  const warm = ({ shot }: Server) => {
    return async (seconds: number) => (await load(shot, seconds)).perSecond;
  };
  await warmUp([warm(servers.grown), warm(servers.single)], (quick ? quickly : thorough).pages.warmUp);
  const rows: Row[] = [];
  let made = 1;
  for (const sessions of quick ? [1, 10_000, 50_000] : [1, 10_000, 1_000_000]) {
    const more = sessions - made;
    const cookies = await whileWarm([servers.grown.shot, servers.single.shot], async () =>
      more > 0 ? maker.make(more, { cookies: Math.min(Math.max(...crowds), more) }) : [],
    );
    made = sessions;
    rows.push({ title: `${sessions}, one visitor`, pairs: await compare(servers, undefined, quick) });
    for (const size of crowds.filter(() => cookies.length > 0)) {
      const inTurn = cookies.slice(0, size);
      const title = `${sessions}, ${inTurn.length} visitors in turn`;
      rows.push({ title, pairs: await compare(servers, inTurn, quick) });
    }
  }
  await Promise.all([grown.server.stop(), single.server.stop(), redis.empty()]);
  await other.stop();
  return sectionOf(rows);
}

function shotOf({ page: url }: Running, { cookie }: { cookie: string }): Crowd {
  return { url, headers: { ...navigation, cookie }, verifyBody: isPage };
}

/** V8 forgets what has not run for a while, so somebody goes on looking at pages. */
async function whileWarm<T>(shots: readonly Crowd[], work: () => Promise<T>): Promise<T> {
  let working = true;
  const look = async ({ url, headers }: Crowd) => {
    while (working) {
      await (await fetch(url, { headers })).text();
      await pause(5);
    }
  };
  const looking = shots.map(look);
  const result = await work().finally(() => {
    working = false;
  });
  await Promise.all(looking);
  return result;
}

async function compare(
  { grown, single }: { grown: Server; single: Server },
  cookies: readonly string[] | undefined,
  quick: boolean,
): Promise<Row['pairs']> {
  const seconds = quick ? 1 : 2.5;
  const inTurn = ({ running, shot }: Server, cookies: readonly string[] | undefined): Server => ({
    running,
    shot: { ...shot, ...(cookies && { cookies }) },
  });
  const crowd = inTurn(grown, cookies);
  // As many, though all the same: the load must not cost more in one of the two.
  const alone = inTurn(
    single,
    cookies?.map(() => single.shot.headers.cookie as string),
  );
  await load(crowd.shot, seconds / 2);
  await load(alone.shot, seconds / 2);
  return inOrder([1, 2, 3], async () => ({
    grown: await windowOf(crowd, seconds),
    single: await windowOf(alone, seconds),
  }));
}

async function windowOf({ running: { server }, shot }: Server, seconds: number): Promise<Sample> {
  const cpu = await server.cpuMicros();
  const { requests, perSecond, p99 } = await load(shot, seconds);
  return { perSecond, p99, cpuMicros: ((await server.cpuMicros()) - cpu) / requests };
}

function sectionOf(rows: readonly Row[]): Section {
  const cells = rows.map(({ title, pairs }) => {
    const middle = (figure: (pair: Row['pairs'][number]) => number) =>
      pairs.map(figure).sort((a, b) => a - b)[pairs.length >> 1] ?? Number.NaN;
    const of = (name: string) => middle(({ grown }) => grown[name] ?? Number.NaN);
    const ratio = (name: string) =>
      times(middle(({ grown, single }) => (grown[name] ?? 0) / (single[name] ?? 0)));
    return [
      title,
      ...[round(of('perSecond')), ratio('perSecond')],
      ...[round(of('cpuMicros')), ratio('cpuMicros')],
      ...[few(of('p99')), ratio('p99')],
    ];
  });
  const text = `${measuredOn()} Medians of three windows, 32 connections, from a server that is never idle; the ratios are to a second server whose Redis has one session, window by window in turn. The first row says how much two equal servers differ. Each visitor in turn has a session of their own. Beyond what an instance remembers of sessions (10,000 of them at most, the least used half of which it forgets), a page costs what it costs without.\n\n${table(
    ['sessions in Redis', 'pages/s', 'ratio', 'CPU µs', 'ratio', 'p99 ms', 'ratio'],
    cells,
  )}`;
  return { title: 'Growth: many sessions', text };
}
