import type { Records } from './records.ts';

/** How long a number holds for all instances, and who may count meanwhile; both in seconds. */
const fresh = 60;
const atWork = 30;

const countKey = 'app:open';
const countingKey = 'app:counting';

/**
 * How many sessions there are. In Redis, which has no index of all, their keys are counted: once a minute, by whichever
 * instance asks first then, and the number is kept for the others.
 *
 * @param ids of the sessions, page by page
 * @returns undefined while another instance counts and there is no number yet
 */
export function createSessionCount(
  records: Records,
  ids: () => AsyncIterable<readonly string[]>,
): () => Promise<number | undefined> {
  let last: number | undefined;

  async function count(): Promise<number> {
    let number = 0;
    for await (const page of ids()) number += page.length;
    return number;
  }

  return async () => {
    // In memory it is one look, and exact.
    if (!records.command) return count();
    const kept = await records.get(countKey);
    if (kept !== undefined) last = Number(kept.toString());
    else if (await records.set(countingKey, '1', 'NX', atWork)) {
      last = await count();
      await records.set(countKey, String(last), 'NX', fresh);
    }
    return last;
  };
}
