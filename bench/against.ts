import { resolve } from 'node:path';
import type { Running } from './contestants.ts';
import type { Mode } from './mode.ts';
import { againstSection } from './more-results.ts';
import { preparePage } from './pages.ts';
import { duel, quick, thorough } from './rounds.ts';

/** What a page costs here and in another checkout. */
export const against: Mode = {
  about: 'pages of this checkout and of another',
  value: '../before',
  async run(bench) {
    const { pages } = bench.quick ? quick : thorough;
    const around = { ...bench.around, against: resolve(bench.options.against as string) };
    const prepare = (running: Running) => preparePage(running, bench.redis, pages);
    return [againstSection(await duel(['app', 'before'], around, pages, prepare), pages)];
  },
};
