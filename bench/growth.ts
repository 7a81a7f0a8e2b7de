import { ending } from './growth-ending.ts';
import { instances } from './growth-instances.ts';
import { pages } from './growth-pages.ts';
import { user } from './growth-user.ts';
import type { Mode } from './mode.ts';
import { inOrder } from './rounds.ts';

const parts = { pages, instances, user, ending };

/** What becomes of the app where there is more of everything. */
export const growth: Mode = {
  about:
    'with a million sessions, four instances, thousands of sessions of one user; --part for one of these',
  options: { part: 'all' },
  async run(bench) {
    const { part } = bench.options;
    const chosen = Object.entries(parts).filter(([name]) => part === 'all' || part === name);
    if (chosen.length === 0) throw new Error(`--part is one of ${Object.keys(parts).join(', ')}`);
    return inOrder(chosen, ([, measure]) => measure(bench));
  },
};
