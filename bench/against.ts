import { resolve } from 'node:path';
import type { Running } from './contestants.ts';
import { measuredOn } from './machine.ts';
import type { Mode } from './mode.ts';
import { preparePage } from './pages.ts';
import { type Section, table } from './results.ts';
import { duel, duels, type Pace, quick, ratioOf, type Samples, thorough } from './rounds.ts';
import { prepareSignIns } from './sign-ins.ts';
import { how, pages, signIns } from './tables.ts';

/** What a page and a sign-in cost here and in another checkout. */
export const against: Mode = {
  about: 'pages and sign-ins of this checkout and of another',
  value: '../before',
  async run(bench) {
    const effort = bench.quick ? quick : thorough;
    const around = { ...bench.around, against: resolve(bench.options.against as string) };
    const page = (running: Running) => preparePage(running, bench.redis);
    const signIn = (running: Running) => prepareSignIns(running, around);
    const short = (pace: Pace): Pace => ({ ...pace, rounds: Math.ceil(pace.rounds / 3) });
    const viewed = await duels(3, () => duel(['app', 'before'], around, short(effort.pages), page));
    const entered = await duels(3, () => duel(['app', 'before'], around, short(effort.signIns), signIn));
    const text = [
      `${measuredOn()} ${how(effort.pages)} The servers are started anew twice between the rounds.`,
      table(
        ['here against before', 'per second', 'CPU for each'],
        [row('pages', viewed), row('sign-ins', entered)],
      ),
      pages(viewed),
      signIns(entered),
    ].join('\n\n');
    return [{ title: 'Against before', text } satisfies Section];
  },
};

/** The medians of the ratios within each round, as what has changed: +5 % pages, −5 % CPU for each. */
function row(what: string, samples: Samples): string[] {
  const change = (figure: string) => {
    const percent = (ratioOf(samples, 'app', 'before', figure) - 1) * 100;
    return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`;
  };
  return [what, change('perSecond'), change('cpuMicros')];
}
