import { RedisStore } from 'connect-redis';
import type { SessionData } from 'express-session';
import type { Log } from '../log.ts';
import type { EndReason, SessionOwner, StoredSession } from './index.ts';
import type { Note, Records } from './records.ts';
import type { Sealer } from './sealing.ts';

/** The keys of one session. The braces are a hash tag: in a Redis Cluster they stand on one node. */
export const sessionKey = (id: string) => `app:session:{${id}}`;
export const tokensKey = (id: string) => `app:tokens:{${id}}`;
export const lockKey = (id: string) => `app:lock:{${id}}`;
export const whyKey = (id: string) => `app:why:{${id}}`;

/**
 * What session records are sealed for. Change it with their form: what another version of the app has written then
 * counts as no session, instead of being misread.
 */
export const sealedFor = 'session';

/** The store must know two things of what the sign-in put into a session: whose it is, and its absolute end. */
export type Signed = SessionOwner & { expiresAt: number };

/** Not one of ours: our ids are far shorter, and Redis need not be asked. */
export const isForeignId = (id: unknown) => typeof id !== 'string' || id.length > 128;

/**
 * What express-session sees. connect-redis' store keeps its calling conventions; its "client" is one that
 * reads, writes and ends sealed sessions by their id.
 */
export class SessionStore extends RedisStore {
  constructor(sessions: SessionRecords, end: (id: string, reason: EndReason) => Promise<boolean>) {
    super({
      prefix: '',
      // The record's form and its end are the client's own business.
      serializer: { parse: (data) => data as unknown as SessionData, stringify: (data) => data as never },
      ttl: 1,
      client: {
        get: (id: string) => sessions.read(id),
        set: (id: string, data: SessionData) => sessions.write(id, data),
        del: (ids: string[]) => Promise.all(ids.map((id) => end(id, 'signed-out'))),
      },
    });
    // Reading has slid the idle end already (R9). With a `touch`, even one that does nothing, express-session would
    // hash the session once more and send each answer in two pieces, the last byte after the touch.
    Object.assign(this, { touch: undefined });
  }
}

export interface SessionParts {
  records: Records;
  sealer: Sealer;
  idleSeconds: number;
  maxSeconds: number;
  log: Log;
  /** Called for a session whose absolute end has passed. */
  expire(id: string): Promise<unknown>;
}

/** The session records: sealed JSON, each with the idle end as its time to live. */
export class SessionRecords {
  readonly #parts: SessionParts;
  readonly #admitted = new WeakSet<object>();
  /** What each session of a request was last written as: express-session saves a new one twice. */
  readonly #written = new WeakMap<object, string>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  admit(session: object): void {
    this.#admitted.add(session);
  }

  /** One command: GETEX. */
  async read(id: string): Promise<SessionData | undefined> {
    if (isForeignId(id)) return undefined;
    const { records, idleSeconds } = this.#parts;
    return this.#living(id, await records.getEx(sessionKey(id), idleSeconds));
  }

  /** Reads without sliding. */
  async look(id: string): Promise<StoredSession | undefined> {
    const { records } = this.#parts;
    const [sealed, left] = await Promise.all([records.get(sessionKey(id)), records.msLeft(sessionKey(id))]);
    const data = await this.#living(id, sealed);
    return data && { id, data, idleSecondsLeft: Math.max(0, Math.round(left / 1000)) };
  }

  /**
   * Only an admitted session may create its record; any other save overwrites what is there, and is lost
   * where the session was ended meanwhile (R10). Its user then is signed out, which is what ending means.
   */
  async write(id: string, data: SessionData): Promise<void> {
    const { records, sealer, idleSeconds, maxSeconds } = this.#parts;
    const create = this.#admitted.delete(data);
    const latest = Date.now() + maxSeconds * 1000;
    if (create && !((signedOf(data)?.expiresAt ?? Number.NaN) <= latest)) {
      throw new TypeError(
        'an admitted session needs user.expiresAt (epoch ms), within its longest life (R9)',
      );
    }
    const key = sessionKey(id);
    // The cookie's settings are the same for all sessions: they need not be kept.
    const plain = JSON.stringify({ ...data, cookie: undefined });
    if (!create && this.#written.get(data) === plain) return;
    const written = await records.set(key, sealer.seal(plain, key), create ? 'NX' : 'XX', idleSeconds);
    if (create && !written) throw new Error('a session with this id exists already');
    this.#written.set(data, plain);
  }

  /** Takes the record away and leaves a note where there was one; of several callers, one is told whose it was. */
  async take(id: string, note?: Note): Promise<{ existed: boolean; owner?: SessionOwner | undefined }> {
    const sealed = await this.#parts.records.getDel(sessionKey(id), note);
    return { existed: sealed !== undefined, owner: sealed && signedOf(this.#open(id, sealed)) };
  }

  async *ids(): AsyncGenerator<string[]> {
    const [before, after] = sessionKey('\n').split('\n') as [string, string];
    for await (const keys of this.#parts.records.scan(before)) {
      yield keys.map((key) => key.slice(before.length, -after.length));
    }
  }

  async #living(id: string, sealed: Buffer | undefined): Promise<SessionData | undefined> {
    const data = sealed && this.#open(id, sealed);
    if (!data) return undefined;
    const signed = signedOf(data);
    if (signed && signed.expiresAt > Date.now()) return data;
    // Without a user it has no absolute end, so it has ended.
    await this.#parts.expire(id);
    return undefined;
  }

  #open(id: string, sealed: Buffer): SessionData | undefined {
    const { sealer, log } = this.#parts;
    const key = sessionKey(id);
    try {
      const plain = sealer.open(sealed, key);
      if (plain) return { ...JSON.parse(plain.toString()), cookie: { originalMaxAge: null } };
    } catch {
      // No JSON: told below, as any record that is not ours.
    }
    log.warn('A session in the store does not open with our secrets. It counts as no session.');
    return undefined;
  }
}

function signedOf(data: SessionData | undefined): Signed | undefined {
  const user = (data as { user?: Partial<Signed> } | undefined)?.user;
  return typeof user?.expiresAt === 'number' ? (user as Signed) : undefined;
}
