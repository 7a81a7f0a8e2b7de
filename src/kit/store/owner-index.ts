import type { Entered, SessionOwner, SignInMark } from './contract.ts';
import type { Keys } from './keys.ts';
import { mostDigitsOfRow, wholeNumber } from './numbers.ts';
import type { Records } from './records.ts';
import { createNamer } from './sealing.ts';

/** Far longer than a sign-in takes from its mark to its entry: the calls to the provider time out after 5 s each. */
const endingsKeptSeconds = 300;

/**
 * How long the row of numbers is kept after the last sign-in or ending that used it: longer than an ending is kept, and
 * longer than a sign-in takes from its mark to its entry. When it ends, no number of it is left anywhere that one of the
 * next row could be compared with, whatever the clocks say.
 */
export const orderKeptSeconds = 86_400;

/**
 * Whose sessions are meant: all of a subject, those of a subject that bear no sid, or those of one session at the
 * provider.
 */
export type OwnerName =
  | { iss: string; sub: string }
  | { iss: string; sub: string; withoutSid: true }
  | SessionAtProvider;

export interface SessionAtProvider {
  iss: string;
  sid: string;
}

/**
 * Who has which sessions, by (iss, sub) and (iss, sid), so that they can be listed and ended (R15).
 * Names in the store are HMACs: a copy of it tells nobody's sub. They are written under the current
 * secret and looked up under all, so that a change of SESSION_SECRET loses no session.
 *
 * A sign-in that finishes while its owner's sessions are being ended does not survive, without any clock:
 * `void` writes the ending before it reads the entries, `enter` writes its entry before it reads the
 * endings. One of the two sees the other. An ending counts for sign-ins whose mark is older.
 *
 * `enter` is one step (in a cluster, one for each name of the owner) that costs one command, and still in that order: a
 * name's entry, its ending and its doubt share a hash tag, so the step that writes the one goes on to read the others.
 * For the ending of everybody, the entry is the session's own record, which was there before `enter` began: `voidAll` is
 * followed by a search for all records. Former secrets' endings may be read at any time: they come from instances
 * that know no other secret, and look for no entry of ours.
 */
export function createOwnerIndex(records: Records, keys: Keys, secrets: readonly string[]) {
  const name = createNamer(secrets, 'owner');
  const { owner: entries, ended: ending, doubted } = keys;

  function names(owner: OwnerName): string[] {
    if ('sid' in owner) return name('sid', owner.iss, owner.sid);
    return name('withoutSid' in owner ? 'sub without sid' : 'sub', owner.iss, owner.sub);
  }

  const next = () => records.nextNumber(keys.order, orderKeptSeconds);

  /** Returns the keys that it has written. */
  async function voidSignIns(endings: string[]): Promise<string[]> {
    const now = await next();
    // The row as well, and first: both are raised again on a Redis that lost them (a replica that lagged). With the ending
    // alone, sign-ins that begin there would get numbers below it, and be refused until it is forgotten.
    await Promise.all([
      records.raise(keys.order, now, orderKeptSeconds),
      ...endings.map((key) => records.raise(key, now, endingsKeptSeconds)),
    ]);
    return endings;
  }

  /**
   * An ending that is no number, or that the row has never come to, was written by somebody else, or the row was lost. It
   * becomes an ending of now: what was there may have been newer than this sign-in, and the next ones get in.
   */
  async function replaceSpoilt(endings: readonly string[], numbers: readonly number[]): Promise<void> {
    const row = wholeNumber((await records.get(keys.order)) ?? '0', mostDigitsOfRow);
    const spoilt = endings.filter((_key, index) => !((numbers[index] ?? 0) <= row));
    if (spoilt.length === 0) return;
    const now = await next();
    await Promise.all(spoilt.map((key) => records.set(key, `${now}`, 'XX', endingsKeptSeconds)));
  }

  return {
    /** `'ended'`: there is an ending that is newer than the mark. The session's record is there already. */
    async enter(id: string, owner: SessionOwner, expiresAt: number, since: SignInMark): Promise<Entered> {
      const both = ownerNames(owner).map(names);
      const sets = both.map(([current = '']) => entries(current));
      const endings = [keys.endedAll, ...both.flat().map(ending)];
      const doubts = names({ iss: owner.iss, sub: owner.sub }).map(doubted);
      const read = [...endings, ...doubts];
      const numbers = await records.addMember(sets, id, expiresAt, read);
      const newer = numbers.findIndex((number) => !(number <= since));
      if (newer >= 0) await replaceSpoilt(read, numbers);
      // The first that is newer: endings are named before doubts.
      return newer < 0 ? 'entered' : newer < endings.length ? 'ended' : 'doubted';
    },

    async leave(ids: string[], owner: SessionOwner | SessionAtProvider): Promise<void> {
      const sets = ownerNames(owner).flatMap(names).map(entries);
      await Promise.all(sets.map((key) => records.removeMembers(key, ids)));
    },

    async sessionsOf(owners: OwnerName[]): Promise<string[]> {
      const sets = owners.flatMap(names).map(entries);
      const found = await Promise.all(sets.map((key) => records.members(key)));
      return [...new Set(found.flat())];
    },

    /** The sets that the sessions of (iss, sub) are entered in, that under the current secret first. */
    setsOf: ({ iss, sub }: SessionOwner): string[] => names({ iss, sub }).map(entries),

    /** Sign-ins of these owners that are on their way will find, at `enter`, that they came too late. */
    void: (owners: OwnerName[]) => voidSignIns(owners.flatMap(names).map(ending)),
    voidAll: () => voidSignIns([keys.endedAll]),

    /** What sign-ins of this owner that are on their way have found out is old: as `void`, but they survive. */
    doubt: (owner: SessionOwner) => voidSignIns(names({ iss: owner.iss, sub: owner.sub }).map(doubted)),
  };
}

/** Whoever has no sid is found by that too: a provider may name its own session, which we do not know, with the sub. */
function ownerNames(owner: SessionOwner | SessionAtProvider): OwnerName[] {
  if (!('sub' in owner)) return [owner];
  const { iss, sub, sid } = owner;
  return [{ iss, sub }, sid === undefined ? { iss, sub, withoutSid: true } : { iss, sid }];
}
