import { RedisStore } from 'connect-redis';
import type { SessionData } from 'express-session';
import type { EndReason } from '../errors/end-reasons.ts';
import type { Log } from '../log/index.ts';
import type { ChangedUser, ChangeUser, SessionOwner, StoredSession, TokenRecord } from './contract.ts';
import type { Keys } from './keys.ts';
import { OpenedRecords } from './opened-records.ts';
import { type NewRecord, type Records, StoreError } from './records.ts';
import type { Sealer } from './sealing.ts';
import { endOfHead, sealOwn, sealUser } from './session-form.ts';

/**
 * What session records are sealed for. Change it with their form: what another version of the app has written then
 * counts as no session, instead of being misread.
 */
export const sealedFor = 'session, in two parts, with its provider';

/** The store must know two things of what the sign-in put into a session: whose it is, and its absolute end. */
type Signed = SessionOwner & { expiresAt: number };

/** Each attempt that fails is one that somebody else's change has won. */
const mostAttempts = 20;

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

interface Surroundings {
  records: Records;
  keys: Keys;
  sealer: Sealer;
  idleSeconds: number;
  maxSeconds: number;
  log: Log;
  /** The record of a new session's tokens. */
  newTokens(id: string, tokens: TokenRecord, expiresAt: number): NewRecord;
  /** Called for a session whose absolute end has passed. */
  expire(id: string): Promise<unknown>;
}

/**
 * The session records: two sealed parts in one, with the idle end as their time to live. Who is signed in is written by
 * the sign-in and by `updateUser` only; what a page saves replaces the other part, so that no page, however late and
 * on whichever instance, puts back an old user (R12).
 */
export class SessionRecords {
  readonly #parts: Surroundings;
  readonly #opened: OpenedRecords;
  readonly #toCreate = new WeakMap<object, TokenRecord | undefined>();
  /** What pages' part of a request's session was last written as: express-session saves a new one twice. */
  readonly #written = new WeakMap<object, string>();

  constructor(parts: Surroundings) {
    this.#parts = parts;
    this.#opened = new OpenedRecords(parts.sealer, parts.idleSeconds);
  }

  createOnSave(session: object, tokens: TokenRecord | undefined): void {
    this.#toCreate.set(session, tokens);
  }

  /** One command: GETEX. */
  async read(id: string): Promise<SessionData | undefined> {
    if (isForeignId(id)) return undefined;
    const { records, keys, idleSeconds } = this.#parts;
    return this.#living(id, await records.getEx(keys.session(id), idleSeconds), 'of a page');
  }

  /** Reads without sliding: one GET. */
  async peek(id: string): Promise<SessionData | undefined> {
    if (isForeignId(id)) return undefined;
    const { records, keys } = this.#parts;
    return this.#living(id, await records.get(keys.session(id)));
  }

  /** Reads without sliding, and how long there is until the idle end. */
  async look(id: string): Promise<StoredSession | undefined> {
    const { records, keys } = this.#parts;
    const key = keys.session(id);
    const [sealed, left] = await Promise.all([records.get(key), records.msLeft(key)]);
    const data = await this.#living(id, sealed);
    return data && { id, data, idleSecondsLeft: Math.max(0, Math.round(left / 1000)) };
  }

  /**
   * Only a session that `createOnSave` was called for creates its record. Any other save replaces what pages keep in it and
   * leaves the user as it is, whatever the page wrote there; it is lost where the session was ended meanwhile (R10). Its
   * user then is signed out, which is what ending means.
   */
  async write(id: string, data: SessionData): Promise<void> {
    const { records, keys, sealer, idleSeconds } = this.#parts;
    const key = keys.session(id);
    const isNew = this.#toCreate.has(data);
    // The cookie's settings are the same for all sessions: they need not be kept.
    const own = JSON.stringify({ ...data, user: undefined, cookie: undefined });
    if (isNew) {
      const tokens = this.#toCreate.get(data);
      this.#toCreate.delete(data);
      const user = this.#demandEnd(data);
      const value = Buffer.concat([sealUser(sealer, key, JSON.stringify(user)), sealOwn(sealer, key, own)]);
      const session = { key, value, seconds: idleSeconds };
      const made = tokens ? [this.#parts.newTokens(id, tokens, user.expiresAt)] : [];
      if (!(await records.create([session, ...made]))) {
        throw new Error('a session with this id exists already');
      }
    } else {
      if (this.#written.get(data) === own) return;
      await records.replaceTail(key, sealOwn(sealer, key, own), idleSeconds);
    }
    this.#written.set(data, own);
  }

  /**
   * Changes who is signed in, and nothing else: neither the idle end nor what pages keep. Of several changes at once
   * each is made on what the one before left. Whose session it is and when it ends stay the sign-in's.
   *
   * @param change makes a new user of the one that is stored; undefined where it is to stay. May be called again
   * @returns undefined where the session has ended meanwhile, and stays ended (R10)
   */
  async updateUser(id: string, change: ChangeUser): Promise<ChangedUser | undefined> {
    if (isForeignId(id)) return undefined;
    const { records, keys, sealer } = this.#parts;
    const key = keys.session(id);
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const sealed = await records.get(key);
      const old = sealed && signedOf(this.#open(id, sealed));
      if (!old) return undefined;
      const user = change(old);
      if (user === undefined) return { user: old, changed: false };
      for (const name of ['provider', 'iss', 'sub', 'sid', 'expiresAt'] as const) {
        if (user[name] !== old[name]) throw new TypeError(`a session keeps the ${name} of its sign-in`);
      }
      const was = sealed.subarray(0, endOfHead(sealed));
      const result = await records.replaceHead(key, sealUser(sealer, key, JSON.stringify(user)), was);
      if (result === 'done') return { user, changed: true };
      if (result === 'gone') return undefined;
    }
    throw new StoreError('the session changed each time before it could be updated');
  }

  /** Takes the record away and leaves a note where there was one; of several callers, one gets to know whose it was. */
  async take(id: string, note?: NewRecord): Promise<{ existed: boolean; owner?: SessionOwner | undefined }> {
    const { records, keys } = this.#parts;
    const sealed = await records.getDel(keys.session(id), note);
    const owner = sealed && signedOf(this.#open(id, sealed));
    this.#opened.forget(keys.session(id));
    return { existed: sealed !== undefined, owner };
  }

  async *ids(): AsyncGenerator<string[]> {
    const { records, keys } = this.#parts;
    const [before, after] = keys.session('\n').split('\n') as [string, string];
    for await (const page of records.scan(before)) {
      yield page.map((key) => key.slice(before.length, -after.length));
    }
  }

  async #living(
    id: string,
    sealed: Buffer | undefined,
    whose?: 'of a page',
  ): Promise<SessionData | undefined> {
    if (!sealed) this.#opened.forget(this.#parts.keys.session(id));
    const data = sealed && this.#open(id, sealed, whose);
    if (!data) return undefined;
    const signed = signedOf(data);
    if (signed && signed.expiresAt > Date.now()) return data;
    // Without a user it has no absolute end, so it has ended.
    await this.#parts.expire(id);
    return undefined;
  }

  /** The user of a session that is to be made: with an absolute end, and within the longest life (R9). */
  #demandEnd(data: SessionData): Signed {
    const user = signedOf(data);
    if (user && user.expiresAt <= Date.now() + this.#parts.maxSeconds * 1000) return user;
    throw new TypeError(
      'a session that is created needs user.expiresAt (epoch ms), within its longest life (R9)',
    );
  }

  #open(id: string, sealed: Buffer, whose?: 'of a page'): SessionData | undefined {
    const { keys, log } = this.#parts;
    const key = keys.session(id);
    const data = whose ? this.#opened.open(key, sealed) : this.#opened.openOnce(key, sealed);
    if (data) return { ...data, cookie: { originalMaxAge: null } } as SessionData;
    log.warn('A session in the store does not open with our secrets. It counts as no session.');
    return undefined;
  }
}

function signedOf(data: SessionData | undefined): SessionData['user'] {
  const user = data?.user;
  return typeof user?.expiresAt === 'number' ? user : undefined;
}
