import { publishAspNet } from './aspnet.ts';
import { coldStarts, startedUp } from './cold-start.ts';
import type { Name, Running } from './contestants.ts';
import { sections } from './everything-results.ts';
import type { Mode } from './mode.ts';
import { preparePage } from './pages.ts';
import { leaveServersCore, shareAllCores } from './processes.ts';
import { proxy } from './proxy.ts';
import { duel, inOrder, quick, thorough } from './rounds.ts';
import { commandsOfSignIn } from './sign-in-commands.ts';
import { prepareSignIns } from './sign-ins.ts';
import { anonymousVisits, sessionSize } from './visits.ts';

/** What runs when no mode is named. */
export const everything: Mode = {
  about: 'what a page, a sign-in and a start cost here, on bare Express and with others',
  async run(bench) {
    const { around, redis } = bench;
    const leftOut = publishAspNet();
    if (leftOut) console.error(leftOut);
    const asp = leftOut ? [] : (['aspCookie', 'aspRedis'] as const);
    const keepInRedis: Name[] = ['app', 'eocRedis', ...asp.filter((name) => name === 'aspRedis')];
    const effort = bench.quick ? quick : thorough;
    const page = (running: Running) => preparePage(running, redis);
    const signIns = (running: Running) => prepareSignIns(running, around);

    // The first duel answers "what does it cost?", the second "and what do others take for it?".
    const ground = await duel(
      ['bare', 'bareCompiled', 'app', 'appMemory', 'eoc'],
      around,
      effort.pages,
      page,
    );
    const others = await duel(['app', 'appTwo', 'eocRedis', 'authJs'], around, effort.pages, page);
    const article = leftOut ? undefined : await duel(['app', ...asp], around, effort.pages, page);
    const free = leftOut ? undefined : await onAllCores();
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
    const measured = { ground, others, article, free, entered, commands, starts, strangers, sizes, effort };
    return [...sections(measured), ...(await proxy.run(bench))];

    /** As many of our processes as there are cores against one of theirs, and the load beside them on all. */
    async function onAllCores() {
      shareAllCores();
      const pinnedNoMore = { ...around, free: true };
      const samples = await duel(['appWorkers', ...asp], pinnedNoMore, effort.pages, page);
      leaveServersCore();
      return samples;
    }
  },
};
