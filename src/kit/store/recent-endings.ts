import type { Argument } from './link.ts';

/**
 * For as long as a replica may have lagged and still be promoted: with Redis' defaults that is ten times the 30 s of
 * Sentinel's down-after-milliseconds, and ten times the 15 s of cluster-node-timeout; and it takes a while.
 */
const keptMs = 600_000;
/** About 5 MB. */
const most = 10_000;

interface Ending {
  key: string;
  args: Argument[];
  at: number;
}

/**
 * The commands by which this process has ended something. A new link begins with them: it may lead to a replica that had
 * not got them when it was promoted, or to a Redis that was restored from a copy, and what was ended must not come back
 * (R10). Each may be carried out again at any time: the names that they delete are never used twice.
 */
export class RecentEndings {
  #endings: Ending[] = [];

  add(key: string, args: Argument[]): void {
    this.#endings.push({ key, args, at: performance.now() });
    // A tenth at once: moving all of them for each new one would cost more.
    if (this.#endings.length > most * 1.1) this.#endings.splice(0, this.#endings.length - most);
  }

  all(): readonly Ending[] {
    const since = performance.now() - keptMs;
    const old = this.#endings.findIndex(({ at }) => at >= since);
    this.#endings.splice(0, old < 0 ? this.#endings.length : old);
    return [...this.#endings];
  }
}
