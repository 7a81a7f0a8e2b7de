import type { StoredSession } from './contract.ts';
import type { Records } from './records.ts';

/** So many are read at once where dead ones were among the first: there may be thousands of them. */
const manyDead = 100;

/**
 * The newest of somebody's sessions: those that end last, since all sessions last equally long. Who has one for each run
 * of a program has thousands, of which no more are read than are asked for and were dead among them.
 *
 * @param sets the owner's; what the first has is newer than what is in a later one, under a former secret
 * @param living reads sessions; those that have ended are gone from the sets afterwards
 * @returns with how many more there are. Some of those may have ended: the sets do not know of an idle end
 */
export async function newestSessions(
  records: Records,
  sets: readonly string[],
  most: number,
  living: (ids: string[]) => Promise<StoredSession[]>,
): Promise<{ sessions: StoredSession[]; older: number }> {
  const found = new Map<string, StoredSession>();
  for (const set of sets) {
    let page = most;
    for (let from = 0; found.size < most; page = Math.max(most, manyDead)) {
      const ids = await records.latestMembers(set, from, page);
      const alive = await living(ids);
      // After a sign-in meanwhile, one that was here before comes again.
      for (const session of alive) found.set(session.id, session);
      if (ids.length < page) break;
      // Those that were dead have left the set, and the others moved up.
      from += alive.length;
    }
  }
  const sessions = [...found.values()].slice(0, most);
  if (sessions.length < most) return { sessions, older: 0 };
  const counts = await Promise.all(sets.map((set) => records.countMembers(set)));
  const all = counts.reduce((sum, count) => sum + count, 0);
  return { sessions, older: Math.max(0, all - most) };
}
