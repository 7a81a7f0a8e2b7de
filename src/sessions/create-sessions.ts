import { hash } from 'node:crypto';
import type { EndReason, Sessions, SessionsOptions } from './index.ts';
import { createOwnerIndex, type OwnerName } from './owner-index.ts';
import type { Records } from './records.ts';
import { createSealer } from './sealing.ts';
import {
  isForeignId,
  lockKey,
  SessionRecords,
  SessionStore,
  sealedFor,
  tokensKey,
  whyKey,
} from './session-records.ts';
import { createTokenRecords } from './token-records.ts';

/** The rules of the contract, on any store that speaks Records. */
export function createSessions(records: Records, options: Omit<SessionsOptions, 'redisUrls'>): Sessions {
  const { secrets, idleSeconds, maxSeconds, log, audit } = options;
  const sealer = createSealer(secrets, sealedFor);
  const owners = createOwnerIndex(records, secrets);
  const sessions = new SessionRecords({
    records,
    sealer,
    idleSeconds,
    maxSeconds,
    log,
    expire: (id) => end(id, 'expired'),
  });

  async function end(id: string, reason: EndReason): Promise<boolean> {
    if (isForeignId(id)) return false;
    const { existed, owner } = await sessions.take(id);
    // What the user did in this browser needs no explaining afterwards.
    const explain = existed && reason !== 'signed-out' && reason !== 'replaced';
    // A store that is full cannot keep the reason, but the session has ended all the same.
    const why = () => records.set(whyKey(id), sealer.seal(reason, whyKey(id)), 'NX', 86_400).catch(() => {});
    // Its entries go last: while they are there, an ending that a fault cut short can be repeated (R14).
    await Promise.all([records.del(tokensKey(id), lockKey(id)), explain && why()]);
    if (owner) await owners.leave([id], owner);
    if (explain) {
      // One reason of the audit event for both: whoever watches for it misses no disabled account.
      const audited = reason === 'not-renewed' ? 'account' : reason;
      audit('session.ended', { iss: owner?.iss, sub: owner?.sub, session: id, reason: audited });
    }
    return existed;
  }

  async function endEach(ids: string[], reason: EndReason): Promise<number> {
    const ended = await Promise.all(ids.map((id) => end(id, reason)));
    return ended.filter(Boolean).length;
  }

  return {
    store: new SessionStore(sessions, end),
    admit: (session) => sessions.admit(session),
    updateUser: (id, user) => sessions.updateUser(id, user),
    tokens: createTokenRecords(records, createSealer(secrets, 'tokens'), log),
    markSignIn: () => owners.mark(),

    async enter(id, owner, expiresAt, since) {
      if (await owners.enter(id, owner, expiresAt, since)) return true;
      await Promise.all([end(id, 'replaced'), owners.leave([id], owner)]);
      return false;
    },

    async list(owner) {
      const { iss, sub } = owner;
      const ids = await owners.sessionsOf([{ iss, sub }]);
      const found = await Promise.all(ids.map((id) => sessions.look(id)));
      const dead = ids.filter((_id, index) => found[index] === undefined);
      if (dead.length > 0) {
        await Promise.all([owners.leave(dead, owner), ...dead.map((id) => records.del(tokensKey(id)))]);
      }
      return found.filter((session) => session !== undefined);
    },

    end,

    async endOwner({ iss, sub, sid }, reason, except) {
      const meant: OwnerName[] = [];
      if (sid !== undefined) meant.push({ iss, sid });
      if (sub !== undefined) meant.push(sid === undefined ? { iss, sub } : { iss, sub, withoutSid: true });
      if (meant.length === 0) throw new TypeError('an owner needs a sub or a sid');
      let ended = 0;
      try {
        await owners.void(meant);
      } finally {
        // Also where the store is full and refused that: what can be found ends, and the caller is told.
        const ids = await owners.sessionsOf(meant);
        ended = await endEach(
          ids.filter((id) => id !== except),
          reason,
        );
      }
      return ended;
    },

    async endAll(reason) {
      let ended = 0;
      try {
        await owners.voidAll();
      } finally {
        for await (const ids of sessions.ids()) ended += await endEach(ids, reason);
      }
      return ended;
    },

    async whyEnded(id) {
      if (isForeignId(id)) return undefined;
      const sealed = await records.get(whyKey(id));
      return sealed && (sealer.open(sealed, whyKey(id))?.toString() as EndReason | undefined);
    },

    firstUse: (name, seconds) => records.set(seenKey(name), '1', 'NX', seconds),
    wasUsed: async (name) => (await records.get(seenKey(name))) !== undefined,

    command: records.command?.bind(records),
    check: () => records.check(),
    close: () => records.close(),
  };
}

/** Hashed: such a name may be of any length, and it is nobody's business. */
const seenKey = (name: string) => `app:seen:${hash('sha256', name)}`;
