import { publishAspNet } from './aspnet.ts';
import { coldStarts, startedUp } from './cold-start.ts';
import type { Name, Running } from './contestants.ts';
import { type Measured, sections } from './everything-results.ts';
import type { Bench, Mode } from './mode.ts';
import { preparePage } from './pages.ts';
import { leaveServersCore, shareAllCores } from './processes.ts';
import { proxy } from './proxy.ts';
import { duel, inOrder, quick, type Samples, thorough } from './rounds.ts';
import { commandsOfSignIn } from './sign-in-commands.ts';
import { prepareSignIns } from './sign-ins.ts';
import { anonymousVisits, sessionSize } from './visits.ts';

/** What runs when no mode is named. */
export const everything: Mode = {
  about:
    'what a page, a sign-in and a start cost here, on bare Express and with others; the range of so many runs',
  options: { runs: '1' },
  async run(bench) {
    const leftOut = publishAspNet();
    if (leftOut) console.error(leftOut);
    const runs: [...Measured[], Measured] = [await measure(bench, !leftOut)];
    while (runs.length < Number(bench.options.runs)) runs.push(await measure(bench, !leftOut));
    return [...sections(runs), ...(await proxy.run(bench))];
  },
};

async function measure({ around, redis, quick: isQuick }: Bench, withAspNet: boolean): Promise<Measured> {
  const asp = withAspNet ? (['aspCookie', 'aspRedis'] as const) : [];
  const keepInRedis: Name[] = ['app', 'eocRedis', ...asp.filter((name) => name === 'aspRedis')];
  const effort = isQuick ? quick : thorough;
  const page = (running: Running) => preparePage(running, redis);
  const signIns = (running: Running) => prepareSignIns(running, around);

  // The first duel answers "what does it cost?", the second "and what do others take for it?".
  const ground = await duel(['bare', 'bareCompiled', 'app', 'appMemory', 'eoc'], around, effort.pages, page);
  const others = await duel(['app', 'appTwo', 'eocRedis', 'authJs'], around, effort.pages, page);
  const article = withAspNet ? await duel(['app', ...asp], around, effort.pages, page) : undefined;
  const free = withAspNet ? await onAllCores() : undefined;
  const entered = await duel(['app', 'eoc', 'eocRedis', 'authJs', ...asp], around, effort.signIns, signIns);
  const starts = await coldStarts([...startedUp, ...asp], around, effort.starts);
  const strangers = await inOrder(['app', 'eoc', 'eocRedis'] as const, async (name) => {
    return [name, await anonymousVisits(name, around, redis)] as const;
  });
  const sizes = await inOrder(keepInRedis, async (name) => {
    return [name, await sessionSize(name, around, redis)] as const;
  });
  const commands = await inOrder(keepInRedis, async (name) => {
    return [name, await commandsOfSignIn(name, around)] as const;
  });
  return { ground, others, article, free, entered, commands, starts, strangers, sizes, effort };

  /** As many of our processes as there are cores against one of theirs, and the load beside them on all. */
  async function onAllCores(): Promise<Samples> {
    shareAllCores();
    const samples = await duel(['appWorkers', ...asp], { ...around, free: true }, effort.pages, page);
    leaveServersCore();
    return samples;
  }
}
