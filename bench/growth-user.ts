import { Browser } from './browser.ts';
import { start } from './contestants.ts';
import { percentile, sorted } from './latencies.ts';
import { measuredOn } from './machine.ts';
import { prepareMaker } from './made-sessions.ts';
import type { Bench } from './mode.ts';
import type { BenchRedis } from './redis.ts';
import { few, round, type Section, table } from './results.ts';
import { inOrder } from './rounds.ts';

interface Look {
  ms: number;
  commands: number;
  bytes: number;
}

interface Ending {
  seconds: number;
  commands: number;
  /** Pages of somebody else, one after the other. */
  before: number[];
  meanwhile: number[];
}

/** One person with ever more sessions: what their pages cost, and what it costs to sign them all out. */
export async function user({ around, redis, quick }: Bench): Promise<Section> {
  const running = await start('app', around);
  const counts = quick ? [1, 100, 500] : [1, 100, 5_000];
  const times = quick ? 20 : 200;
  const rows = await inOrder(counts, async (count) => {
    await redis.empty();
    const { make } = await prepareMaker(running, around);
    const [cookie] = await make(count, { sub: 'made for one', cookies: 1 });
    const browser = new Browser(running.origin, cookie);
    const looks = await inOrder(['/profile', '/sessions'], async (path) => {
      await lookAt(browser, redis, running.origin + path, times);
      return lookAt(browser, redis, running.origin + path, times);
    });
    const cells = looks.flatMap(({ ms, commands, bytes }) => [few(ms), few(commands), round(bytes)]);
    return { browser, cells: [String(count), ...cells] };
  });
  const { cookie } = await prepareMaker(running, around);
  const other = new Browser(running.origin, cookie);
  const { browser } = rows.at(-1) as (typeof rows)[number];
  const ended = await endOthers(running.origin, browser, other, redis);
  await running.server.stop();
  return sectionOf(
    rows.map(({ cells }) => cells),
    counts.at(-1) as number,
    ended,
  );
}

/** One request after the other. */
async function lookAt(browser: Browser, redis: BenchRedis, url: string, times: number): Promise<Look> {
  const before = await redis.commands();
  const took: number[] = [];
  let bytes = 0;
  for (let n = 0; n < times; n++) {
    const begun = performance.now();
    const { status, body } = await browser.send('GET', url);
    took.push(performance.now() - begun);
    if (status !== 200) throw new Error(`${url} answered ${status}`);
    bytes = Buffer.byteLength(body);
  }
  return { ms: percentile(sorted(took), 0.5), commands: ((await redis.commands()) - before) / times, bytes };
}

/** Presses "Sign out everywhere else" while somebody else looks at pages. */
async function endOthers(
  origin: string,
  browser: Browser,
  other: Browser,
  redis: BenchRedis,
): Promise<Ending> {
  const page = await browser.send('GET', `${origin}/sessions`);
  const [, mark = ''] = /name="kit-form" value="([^"]+)"/.exec(page.body) ?? [];
  const watch = watchPages(other, `${origin}/profile`);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const before = watch.taken();
  const commandsBefore = await redis.commands();
  const begun = performance.now();
  const { status, headers } = await browser.send('POST', `${origin}/sessions/end-others`, `kit-form=${mark}`);
  const seconds = (performance.now() - begun) / 1000;
  if (status !== 303 || headers.location !== '/sessions')
    throw new Error(`ending the other sessions was answered with ${status} ${headers.location}`);
  const meanwhile = watch.taken();
  const commands = (await redis.commands()) - commandsBefore - meanwhile.length;
  await watch.stop();
  return { seconds, commands, before, meanwhile };
}

/** One page after the other, and how long each took. */
function watchPages(browser: Browser, url: string) {
  let took: number[] = [];
  let watching = true;
  const looking = (async () => {
    while (watching) {
      const begun = performance.now();
      const { status } = await browser.send('GET', url);
      if (status !== 200) throw new Error(`${url} answered ${status}`);
      took.push(performance.now() - begun);
    }
  })();
  return {
    taken(): number[] {
      const taken = took;
      took = [];
      return taken;
    },
    stop(): Promise<void> {
      watching = false;
      return looking;
    },
  };
}

function sectionOf(
  rows: string[][],
  most: number,
  { seconds, commands, before, meanwhile }: Ending,
): Section {
  const others = most - 1;
  const of = (pages: number[]) =>
    `median ${few(percentile(sorted(pages), 0.5))} ms, 99th percentile ${few(percentile(sorted(pages), 0.99))} ms, longest ${few(Math.max(...pages))} ms`;
  const text = `${measuredOn()} One request after the other, medians. /sessions shows this browser and the newest others, 100 in all.\n\n${table(
    ['sessions', '/profile ms', 'Redis', 'bytes', '/sessions ms', 'Redis', 'bytes'],
    rows,
  )}\n\n"Sign out everywhere else" with ${others} others: ${few(seconds)} s, ${round((seconds / others) * 1e6)} µs and ${few(commands / others)} commands in Redis (those in scripts included) for each. Pages of somebody else, one after the other: before it ${of(before)}; meanwhile ${of(meanwhile)}.`;
  return { title: 'Growth: one user with many sessions', text };
}
