import { inGroups, type Sessions } from '../store/index.ts';

// What a site does to somebody's sessions from its own code, where there may be no request: an administrator's page, a
// job at night. Users are known by issuer and subject (R8).

interface Owner {
  iss: string;
  sub: string;
}

/** The apps that run in this process: one, but for tests. Their users differ by issuer. */
const running = new Set<Sessions>();

/** Returns what takes the app out again. */
export function reachable(sessions: Sessions): () => void {
  running.add(sessions);
  return () => running.delete(sessions);
}

/**
 * Ends all sessions of a user, on every instance, with their tokens; sign-ins that are on their way do not survive.
 * They read that the people who run the site ended it. Returns how many ended.
 *
 * @throws TypeError without iss and sub; StoreError when the store does not answer
 */
export async function endSessions(owner: Owner): Promise<number> {
  const { iss, sub } = demandOwner(owner);
  const ended = await Promise.all(
    [...running].map((sessions) => sessions.endOwner({ iss, sub }, 'operator')),
  );
  return ended.reduce((sum, count) => sum + count, 0);
}

/**
 * Makes the recheck of a user's sessions due now: at the next request of each, `signIn` in site.ts and the provider are
 * asked again. For whoever has just given or taken a role. Returns how many sessions there are.
 *
 * @throws TypeError without iss and sub; StoreError when the store does not answer
 */
export async function recheck(owner: Owner): Promise<number> {
  const { iss, sub } = demandOwner(owner);
  const marked = await Promise.all(
    [...running].map(async (sessions) => {
      // First: a sign-in that `signIn` has let in already, and whose session is not there yet, is asked again too.
      await sessions.doubtSignIns({ iss, sub });
      const found = await sessions.list({ iss, sub });
      const due = await inGroups(found, ({ id }) => makeRecheckDue(sessions, id, { iss, sub }));
      return due.filter(Boolean).length;
    }),
  );
  return marked.reduce((sum, count) => sum + count, 0);
}

/**
 * False where the session has ended, or is of somebody else. One that is under way does not count: what it asked, it
 * asked before.
 */
export async function makeRecheckDue(sessions: Sessions, id: string, { iss, sub }: Owner): Promise<boolean> {
  const made = await sessions.updateUser(id, (user) => {
    if (user.iss !== iss || user.sub !== sub) return undefined;
    return { ...user, recheck: { ...user.recheck, dueAt: 0 } };
  });
  return made?.changed ?? false;
}

function demandOwner(owner: Owner): Owner {
  const { iss, sub } = owner ?? {};
  if (typeof iss !== 'string' || typeof sub !== 'string' || !iss || !sub) {
    throw new TypeError('name the user by { iss, sub }, both of them text');
  }
  if (running.size === 0) throw new Error('no app is running in this process');
  return { iss, sub };
}
