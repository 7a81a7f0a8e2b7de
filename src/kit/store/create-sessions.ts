import type { EndReason } from '../errors/end-reasons.ts';
import { createAnswerMarks } from './answer-marks.ts';
import type { SessionOwner, Sessions, SessionsOptions, StoredSession } from './contract.ts';
import { inGroups } from './in-groups.ts';
import type { Keys } from './keys.ts';
import { newestSessions } from './newest-sessions.ts';
import { createOperatorNotes } from './operator-notes.ts';
import { createOwnerIndex, type OwnerName, type SessionAtProvider } from './owner-index.ts';
import type { Records } from './records.ts';
import { createSealer } from './sealing.ts';
import { createSessionCount } from './session-count.ts';
import { isForeignId, SessionRecords, SessionStore, sealedFor } from './session-records.ts';
import { createTokenRecords, newTokens, tokenSealers } from './token-records.ts';

/** The rules of the contract, on any store that speaks Records. */
export function createSessions(
  records: Records,
  keys: Keys,
  options: Omit<SessionsOptions, 'redis'>,
): Sessions {
  const { secrets, idleSeconds, maxSeconds, log, audit } = options;
  const sealer = createSealer(secrets, sealedFor);
  const sealers = tokenSealers(secrets);
  const owners = createOwnerIndex(records, keys, secrets);
  const sessions = new SessionRecords({
    records,
    keys,
    sealer,
    idleSeconds,
    maxSeconds,
    log,
    newTokens: newTokens(keys, sealers.sealer),
    expire: (id) => end(id, 'expired'),
  });

  /** @param by the session that takes its place */
  async function end(id: string, reason: EndReason, by?: string): Promise<boolean> {
    const existed = await take(id, reason, by);
    // One whose time is over would end again by itself.
    if (existed && reason !== 'expired') await records.settle?.([keys.session(id)]);
    return existed;
  }

  /** An ending without its last step: the replicas may not have it yet. */
  async function take(id: string, reason: EndReason, by?: string): Promise<boolean> {
    if (isForeignId(id)) return false;
    // What the user did in this browser needs no explaining afterwards.
    const explain = reason !== 'signed-out' && reason !== 'replaced';
    const note = explain ? reason : by && `replaced ${by}`;
    const why = note && { key: keys.why(id), value: sealer.seal(note, keys.why(id)), seconds: 86_400 };
    const { existed, owner } = await sessions.take(id, why || undefined);
    await records.del(keys.tokens(id), keys.lock(id));
    // Its entries go last: while they are there, an ending that a fault cut short can be repeated (R14).
    if (owner) await owners.leave([id], owner);
    if (existed && explain) {
      const audited = auditedReasons[reason] ?? reason;
      audit('session.ended', { iss: owner?.iss, sub: owner?.sub, session: id, reason: audited });
    }
    return existed;
  }

  /** Why a session ended, and which one took its place. */
  async function noteOn(id: string): Promise<{ reason: EndReason; by?: string | undefined } | undefined> {
    if (isForeignId(id)) return undefined;
    const sealed = await records.get(keys.why(id));
    const [reason, by] = (sealed && sealer.open(sealed, keys.why(id)))?.toString().split(' ') ?? [];
    return reason === undefined ? undefined : { reason: reason as EndReason, by };
  }

  async function isLiving(id: string): Promise<boolean> {
    return (await records.get(keys.session(id))) !== undefined;
  }

  async function firstUse(name: string, seconds: number): Promise<boolean> {
    const first = await records.set(keys.seen(name), '1', 'NX', seconds);
    if (first) await records.settle?.([keys.seen(name)]);
    return first;
  }

  async function endEach(ids: string[], reason: EndReason): Promise<number> {
    const ended: string[] = [];
    try {
      await inGroups(ids, async (id) => {
        if (await take(id, reason)) ended.push(keys.session(id));
      });
    } finally {
      // Once for all of them: a replica that does not answer takes its time each time.
      await records.settle?.(ended);
    }
    return ended.length;
  }

  /**
   * Those that live, with the time until their idle ends. Entries of the others are swept. An entry proves nothing, for
   * it is not sealed: whose a session is stands in its record.
   */
  async function living(
    ids: readonly string[],
    owner: SessionOwner | SessionAtProvider,
  ): Promise<StoredSession[]> {
    const found = await inGroups(ids, (id) => sessions.look(id));
    const own = found.filter((session) => session !== undefined).filter((session) => isOf(session, owner));
    const kept = new Set(own.map(({ id }) => id));
    const swept = ids.filter((id) => !kept.has(id));
    const dead = ids.filter((_id, index) => found[index] === undefined);
    if (swept.length > 0) {
      await Promise.all([owners.leave(swept, owner), inGroups(dead, (id) => records.del(keys.tokens(id)))]);
    }
    return own;
  }

  return {
    store: new SessionStore(sessions, end),
    look: (id) => sessions.peek(id),
    createOnSave: (session, tokens) => sessions.createOnSave(session, tokens),
    updateUser: (id, change) => sessions.updateUser(id, change),
    tokens: createTokenRecords(records, keys, sealers, log),

    async enter(id, owner, expiresAt, since) {
      const entered = await owners.enter(id, owner, expiresAt, since);
      if (entered === 'ended') await Promise.all([end(id, 'replaced'), owners.leave([id], owner)]);
      return entered;
    },

    async doubtSignIns(owner) {
      await owners.doubt(owner);
    },

    async list(owner) {
      return living(await owners.sessionsOf([{ iss: owner.iss, sub: owner.sub }]), owner);
    },

    newest: (owner, most) => newestSessions(records, owners.setsOf(owner), most, (ids) => living(ids, owner)),

    async isSignedIn({ iss, sid }) {
      return (await living(await owners.sessionsOf([{ iss, sid }]), { iss, sid })).length > 0;
    },

    async find(owner, isMeant) {
      const ids = await owners.sessionsOf([{ iss: owner.iss, sub: owner.sub }]);
      const id = ids.find(isMeant);
      return id === undefined ? undefined : (await living([id], owner))[0];
    },

    end: (id, reason) => end(id, reason),

    async replace(id, by) {
      if (await end(id, 'replaced', by)) return true;
      let latest = id;
      // Bounded, though the notes cannot form a circle.
      for (let step = 0; step < 100; step++) {
        const next = (await noteOn(latest))?.by;
        if (next === undefined) return false;
        if (await isLiving(next)) return true;
        latest = next;
      }
      return false;
    },

    async endOwner({ iss, sub, sid }, reason, except) {
      const meant: OwnerName[] = [];
      if (sid !== undefined) meant.push({ iss, sid });
      if (sub !== undefined) meant.push(sid === undefined ? { iss, sub } : { iss, sub, withoutSid: true });
      if (meant.length === 0) throw new TypeError('an owner needs a sub or a sid');
      let ended = 0;
      let marks: string[] = [];
      try {
        marks = await owners.void(meant);
      } finally {
        // Also where the store is full and refused that: what can be found ends, and the caller gets the error.
        const ids = await owners.sessionsOf(meant);
        const others = ids.filter((id) => id !== except);
        [ended] = await Promise.all([endEach(others, reason), records.settle?.(marks)]);
      }
      return ended;
    },

    count: createSessionCount(records, keys, () => sessions.ids()),

    async endAll(reason) {
      let ended = 0;
      let marks: string[] = [];
      try {
        marks = await owners.voidAll();
      } finally {
        for await (const ids of sessions.ids()) ended += await endEach(ids, reason);
      }
      await records.settle?.(marks);
      return ended;
    },

    async whyEnded(id) {
      return (await noteOn(id))?.reason;
    },

    answers: createAnswerMarks(records, keys),

    firstUse,
    wasUsed: async (name) => (await records.get(keys.seen(name))) !== undefined,

    operatorNotes: createOperatorNotes(records, keys, secrets, (name) => firstUse(name, 86_400)),

    command: records.command?.bind(records),
    check: () => records.check(),
    close: () => records.close(),
  };
}

function isOf({ data: { user } }: StoredSession, owner: SessionOwner | SessionAtProvider): boolean {
  if (user?.iss !== owner.iss) return false;
  return 'sub' in owner ? user.sub === owner.sub : user.sid === owner.sid;
}

/** Whoever watches for a disabled account misses none: a provider may not say that it is one. */
const auditedReasons: Partial<Record<EndReason, string>> = {
  'not-renewed': 'account',
  'not-admitted': 'not_admitted',
};
