import { setTimeout as pause } from 'node:timers/promises';
import { closeConnections } from './browser.ts';
import { type Running, type Surroundings, start } from './contestants.ts';
import { measuredOn } from './machine.ts';
import type { Mode } from './mode.ts';
import { isPage } from './pages.ts';
import { megabytes, round, type Section, table } from './results.ts';
import { signIn } from './sign-ins.ts';

export const soak: Mode = {
  about: 'pages, sign-ins and sign-outs at half load',
  options: { minutes: '10' },
  run: async ({ around, options }) => [soakSection(await comeAndGoFor(around, Number(options.minutes)))],
};

/** What the app held at one moment of the soak, after a garbage collection. */
export interface SoakSample {
  seconds: number;
  visits: number;
  heapUsed: number;
  rss: number;
  handles: number;
}

const pagesOfAVisit = 10;

/** People come, look at ten pages and sign out, for so many minutes, at half of what the app could bear. */
async function comeAndGoFor(around: Surroundings, minutes: number): Promise<SoakSample[]> {
  const running = await start('app', around);
  const fullRate = await visitsPerSecond(running, 10);
  const samples: SoakSample[] = [];
  const begin = performance.now();
  const end = begin + minutes * 60_000;
  let visits = 0;
  let failure: unknown;

  const onTheirWay = new Set<Promise<void>>();
  const look = async () => {
    const seconds = Math.round((performance.now() - begin) / 1000);
    samples.push({ seconds, visits, ...(await running.server.memory()) });
  };

  const comeAndGo = async () => {
    try {
      await visit(running);
      visits += 1;
    } catch (error) {
      failure = error;
    }
  };

  await look();
  for (let due = begin, nextLook = begin + 30_000; performance.now() < end; due += 2_000 / fullRate) {
    await pause(Math.max(0, due - performance.now()));
    const one = comeAndGo();
    onTheirWay.add(one);
    one.finally(() => onTheirWay.delete(one));
    if (failure) throw failure;
    if (performance.now() > nextLook) {
      await look();
      nextLook += 30_000;
    }
  }
  await Promise.all(onTheirWay);
  closeConnections();
  // What was begun with the last visit, such as a revocation, comes to its end.
  await pause(7_000);
  await look();
  await running.server.stop();
  return samples;
}

async function visitsPerSecond(running: Running, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let visits = 0;
  const person = async () => {
    while (performance.now() < end) {
      await visit(running);
      visits += 1;
    }
  };
  await Promise.all(Array.from({ length: 16 }, person));
  return visits / seconds;
}

async function visit(running: Running): Promise<void> {
  const browser = await signIn(running);
  for (let page = 1; page < pagesOfAVisit; page += 1) {
    const { status, body } = await browser.send('GET', running.page);
    if (status !== 200 || !isPage(body)) throw new Error(`a page in the soak answered ${status}`);
  }
  const { status, url } = await browser.submit(`${running.origin}/auth/logout`);
  if (status !== 200 || !url.includes('/signed-out'))
    throw new Error(`a sign-out ended with ${status} at ${url}`);
}

function soakSection(samples: SoakSample[]): Section {
  const rows = samples.map((s) => [
    round(s.seconds),
    round(s.visits),
    megabytes(s.heapUsed),
    megabytes(s.rss),
    round(s.handles),
  ]);
  const text = table(['second', 'visits so far', 'heap', 'RSS', 'handles'], rows);
  const visit =
    'A visit is a sign-in, ten pages and a sign-out. The first line is warm, before the load; the last is after it.';
  return { title: 'Soak at half load', text: `${measuredOn()} ${visit}\n\n${text}` };
}
