import { randomUUID } from 'node:crypto';
import type { Keys } from './keys.ts';
import { wholeNumber } from './numbers.ts';
import type { Records } from './records.ts';

/** How long one instance has to count before another may try, in seconds. */
const atWork = 30;

/**
 * How long a number is kept for all instances, in seconds: for a minute where there are many sessions, less where
 * counting takes less. Redis is busy with it for a two-hundredth of the time at most.
 */
const freshFor = (tookMs: number) => Math.min(60, Math.max(1, Math.ceil(tookMs / 5)));

/**
 * How many sessions there are. In Redis, which has no index of all, their keys are counted: now and then, by whichever
 * instance asks first, and the number is kept for the others.
 *
 * @param ids of the sessions, page by page
 * @returns undefined while another instance counts and there is no number yet
 */
export function createSessionCount(
  records: Records,
  keys: Keys,
  ids: () => AsyncIterable<readonly string[]>,
): () => Promise<number | undefined> {
  let last: number | undefined;
  const us = randomUUID();

  async function count(): Promise<number> {
    let number = 0;
    for await (const page of ids()) number += page.length;
    return number;
  }

  return async () => {
    // In memory it is one look, and exact.
    if (!records.command) return count();
    const kept = await records.get(keys.count);
    const known = kept === undefined ? Number.NaN : wholeNumber(kept);
    // It has perhaps no end either.
    if (kept !== undefined && Number.isNaN(known)) await records.deleteIf(keys.count, kept.toString());
    if (!Number.isNaN(known)) last = known;
    else if (await records.set(keys.counting, us, 'NX', atWork)) {
      const started = performance.now();
      last = await count();
      await records.set(keys.count, String(last), 'NX', freshFor(performance.now() - started));
      // Ours alone, and not by `del`, which is carried out again by each new link: another may count by then.
      await records.deleteIf(keys.counting, us);
    }
    return last;
  };
}
