import type { Name } from './contestants.ts';
import { measuredOn } from './machine.ts';
import type { Mode } from './mode.ts';
import { preparePage } from './pages.ts';
import { few, round, table, times, title } from './results.ts';
import { duel, duels, medianOf, quick, ratioOf, type Samples, thorough } from './rounds.ts';
import { how } from './tables.ts';

/** Each with the app that has it and the one that does not. */
const parts: readonly [string, Name, Name][] = [
  ['counting what a connection has under way', 'app', 'appUncounted'],
  ['escaping the invisible characters of log lines', 'appLogging', 'appUnescaped'],
];

/** What parts of the app cost that every page goes through: pages with them against pages without. */
export const partsOfPages: Mode = {
  about: 'what counting the requests of a connection and escaping log lines add to a page',
  async run({ around, redis, quick: isQuick }) {
    const { pages } = isQuick ? quick : thorough;
    const pace = { ...pages, rounds: Math.ceil(pages.rounds / 3) };
    const costs: string[][] = [];
    const rows: string[][] = [];
    for (const [what, having, lacking] of parts) {
      const samples: Samples = await duels(3, () =>
        duel([having, lacking], around, pace, (running) => preparePage(running, redis)),
      );
      const ratio = (figure: string) => times(ratioOf(samples, having, lacking, figure));
      costs.push([what, ratio('perSecond'), ratio('cpuMicros'), ratio('p99')]);
      for (const name of [having, lacking]) {
        const of = (figure: string) => medianOf(samples, name, figure);
        rows.push([title(name), round(of('perSecond')), round(of('cpuMicros')), few(of('p99'))]);
      }
    }
    const text = [
      `${measuredOn()} ${how(pace)} The servers are started anew twice between the rounds. Those that log write one line for each page, to a file that keeps nothing.`,
      table(['with it against without', 'pages/s', 'CPU', 'p99'], costs),
      table(['', 'pages/s', 'CPU µs', 'p99 ms'], rows),
    ].join('\n\n');
    return [{ title: 'Parts of a page', text }];
  },
};
