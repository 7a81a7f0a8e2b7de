import { coldStarts, startedUp } from './cold-start.ts';
import type { Running } from './contestants.ts';
import { sections } from './everything-results.ts';
import type { Mode } from './mode.ts';
import { preparePage } from './pages.ts';
import { proxy } from './proxy.ts';
import { duel, inOrder, quick, thorough } from './rounds.ts';
import { prepareSignIns } from './sign-ins.ts';
import { anonymousVisits, sessionSize } from './visits.ts';

/** What runs when no mode is named. */
export const everything: Mode = {
  about: 'what a page, a sign-in and a start cost here, on bare Express and with others',
  async run(bench) {
    const { around, redis } = bench;
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
    const entered = await duel(['app', 'eoc', 'eocRedis', 'authJs'], around, effort.signIns, signIns);
    const starts = await coldStarts(startedUp, around, effort.starts);
    const strangers = await inOrder(['app', 'eoc', 'eocRedis'] as const, async (name) => {
      return [name, await anonymousVisits(name, around, redis)] as const;
    });
    const sizes = await inOrder(['app', 'eocRedis'] as const, async (name) => {
      return [name, await sessionSize(name, around, redis)] as const;
    });
    const measured = { ground, others, entered, starts, strangers, sizes, effort };
    return [...sections(measured), ...(await proxy.run(bench))];
  },
};
