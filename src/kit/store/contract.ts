import type { SessionData, Store } from 'express-session';
import type { RedisConfig } from '../config/index.ts';
import type { EndReason } from '../errors/end-reasons.ts';
import type { Audit, Log } from '../log/index.ts';
import type { Records } from './records.ts';

/** Whose session it is. Users are keyed by (iss, sub), never by email (R8); sid is the provider's own session. */
export interface SessionOwner {
  iss: string;
  sub: string;
  sid?: string | undefined;
}

/** An access token, and what is known about it. */
export interface AccessToken {
  access_token: string;
  /** Epoch milliseconds; absent when the provider did not say. */
  expires_at?: number | undefined;
  /** When the access token was got, epoch milliseconds. */
  obtained_at?: number | undefined;
  /** When an API last refused an access token of this kind and it was refreshed for that, epoch milliseconds. */
  refused_at?: number | undefined;
  /** An API refused this access token, and only a new sign-in brings another. */
  dead?: true | undefined;
}

/** The token record of one session. It is kept beside the session, read only by what needs it (R12). */
export interface TokenRecord extends AccessToken {
  refresh_token?: string | undefined;
  /** There was a refresh token, and it was used up without another one: only a new sign-in brings one. */
  spent?: true | undefined;
  id_token?: string | undefined;
  scope?: string | undefined;
  /** Epoch milliseconds of the last refresh; absent until there was one. */
  refreshed_at?: number | undefined;
  /** The private JWK that access tokens are bound to (RFC 9449), when DPoP is on. */
  dpop_key?: object | undefined;
  /** The access tokens of APIs that have one of their own, by the API's name in site.ts. */
  apis?: Readonly<Record<string, ApiTokenRecord>> | undefined;
  /** The APIs that the sign-in has asked the provider for, by name. */
  asked_for?: readonly string[] | undefined;
}

/** What is known of one API's own access token. */
export interface ApiTokenRecord {
  /** A hash of what it was asked for with. When site.ts or the subject token changes, another token is needed. */
  asked: string;
  token?: AccessToken | undefined;
  /** The provider gave none, and why: it is not asked again at once. `again`: a new sign-in may help. */
  failed?: { at: number; hint: string; again?: true } | undefined;
}

export interface StoredSession {
  id: string;
  data: SessionData;
  /** Seconds until the idle end, as the store counts them. */
  idleSecondsLeft: number;
}

/** A session's user, as the sign-in defines it. */
type StoredUser = NonNullable<SessionData['user']>;
export type ChangeUser = (user: StoredUser) => StoredUser | undefined;
export interface ChangedUser {
  /** As it is now. */
  user: StoredUser;
  /** False where `change` wanted nothing. */
  changed: boolean;
}

/** What one run of `npm run sessions` has ended. */
export interface OperatorNote {
  /** Epoch milliseconds. */
  at: number;
  /** How many. */
  sessions: number;
  /** Each of them; none where they are too many to name. */
  endings: readonly { iss?: string | undefined; sub?: string | undefined; session?: string | undefined }[];
}

/** A point in the order of things: endings after it void a sign-in that began before it. */
export type SignInMark = number;

/** What became of a session that was entered under its owner. */
export type Entered = 'entered' | 'doubted' | 'ended';

/**
 * All that the app keeps about signed-in users, in memory or in Redis behind one contract.
 * Every method rejects with a StoreError when the store does not answer within 2 seconds (R14);
 * none ever answers "nobody" for "I cannot tell".
 */
export interface Sessions {
  /**
   * For express-session. Reading slides the idle end (R9); saving overwrites, never re-creates (R10), and leaves
   * `user` as it is (R12).
   */
  readonly store: Store;

  /** The session, read without sliding its idle end. Undefined once it has ended. */
  look(id: string): Promise<SessionData | undefined>;

  /**
   * Lets the next save of this session object create its record, its `user` included, and that of its tokens in the same
   * step. Only a sign-in calls it.
   */
  createOnSave(session: object, tokens?: TokenRecord): void;

  /**
   * Changes the `user` of a session and nothing else, for a recheck; each change is made on the newest user.
   *
   * @param change returns the new user; undefined where nothing is to change. May be called several times
   * @returns undefined where the session has ended meanwhile: nothing was written (R10)
   * @throws TypeError when it would change whose session it is or when it ends
   */
  updateUser(id: string, change: ChangeUser): Promise<ChangedUser | undefined>;

  /**
   * Enters a saved session under its owner, so that it can be listed and ended. `'ended'`: the owner's sessions were
   * ended since the mark, and this one with them (R15). `'doubted'`: entered, and `doubtSignIns` was called since.
   *
   * @param since what `answers.takeUp` gave
   */
  enter(id: string, owner: SessionOwner, expiresAt: number, since: SignInMark): Promise<Entered>;

  /**
   * Says that what sign-ins of (iss, sub) which are on their way have found out about the user may be old by now. Call
   * it before `list`: of each session either that one knows, or its `enter` does.
   */
  doubtSignIns(owner: SessionOwner): Promise<void>;

  readonly tokens: {
    read(id: string): Promise<TokenRecord | undefined>;
    /** False: the session has ended meanwhile, nothing was written. Keeps the record's end. */
    replace(id: string, tokens: TokenRecord): Promise<boolean>;
    /** The lock that one refresh holds over all instances (R13); undefined when somebody else holds it. */
    lock(id: string): Promise<(() => Promise<void>) | undefined>;
  };

  /** All of the owner's living sessions, without sliding their idle ends. Sweeps entries of dead ones, as the next two. */
  list(owner: SessionOwner): Promise<StoredSession[]>;

  /**
   * The newest of them, `most` at most, and how many older ones there are besides, of which some may have ended.
   * Reads no more than it returns, and those that have died since it was asked last.
   */
  newest(owner: SessionOwner, most: number): Promise<{ sessions: StoredSession[]; older: number }>;
  /** The one whose id is meant. Reads no other. */
  find(owner: SessionOwner, isMeant: (id: string) => boolean): Promise<StoredSession | undefined>;

  /** Whether a session of this one at the provider lives. Writes nothing but what sweeping takes. */
  isSignedIn(owner: { iss: string; sid: string }): Promise<boolean>;

  /** Ends one session with its tokens and entries. False when it was gone already. */
  end(id: string, reason: EndReason): Promise<boolean>;

  /**
   * Ends a session because another one of the same browser takes its place. Of several sign-ins at once each may find
   * that one before it did so already: true for all of them. False: somebody ended it, or what took its place.
   */
  replace(id: string, by: string): Promise<boolean>;

  /**
   * Ends all sessions of (iss, sid) when sid is given, and with a sub beside it those of (iss, sub) that bear no sid;
   * else all of (iss, sub); but for `except`. Sign-ins of them that are on their way do not survive. Returns how many
   * ended.
   */
  endOwner(
    owner: { iss: string; sub?: string; sid?: string },
    reason: EndReason,
    except?: string,
  ): Promise<number>;

  /**
   * How many sessions there are: in memory now, in Redis at most a minute ago. Undefined while another instance counts
   * for the first time.
   */
  count(): Promise<number | undefined>;

  /** Ends every session of the app. Returns how many. */
  endAll(reason: EndReason): Promise<number>;

  /** Why this session is gone; undefined when the store does not know. Kept for a day. */
  whyEnded(id: string): Promise<EndReason | undefined>;

  /** True the first time a name is seen, over all instances; remembered for so many seconds (replay of a jti). */
  firstUse(name: string, seconds: number): Promise<boolean>;
  /** Whether `firstUse` remembers this name; uses nothing up. */
  wasUsed(name: string): Promise<boolean>;

  /** The provider's answers, by their state: each is used once, over all instances (R3). */
  readonly answers: {
    /**
     * For the first that asks: the mark of its sign-in. Undefined for any other; remembered for so many seconds. Call it
     * before the code is exchanged, and hand the mark to `enter`.
     */
    takeUp(state: string, seconds: number): Promise<SignInMark | undefined>;
    /** The first has been answered, whatever came of it. */
    finish(state: string): Promise<void>;
    /** False once the first has been answered, or where nothing is known of it. */
    isUnderWay(state: string): Promise<boolean>;
  };

  /** What an operator's command has ended, for the log of the running app. */
  readonly operatorNotes: {
    /** Kept for a day. */
    leave(note: OperatorNote): Promise<void>;
    /** Those that no instance has taken yet; none is given out twice. One command where there is none. */
    take(): Promise<OperatorNote[]>;
  };

  /** A raw Redis command, for the rate limits' store; absent in memory. The key says which node of a cluster. */
  command?: ((key: string | undefined, args: string[]) => Promise<unknown>) | undefined;

  /** Resolves when the store answers. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Told the name of a command before it is sent; what it returns is told the outcome. */
export type ObserveCommand = (command: string) => (failure?: unknown) => void;

export interface SessionsOptions {
  redis: RedisConfig;
  /** The first seals, all open (R11). */
  secrets: readonly string[];
  idleSeconds: number;
  /** No sign-in may set its absolute end later than this (R9). */
  maxSeconds: number;
  log: Log;
  audit: Audit;
  /** Told of each command to Redis. */
  observe?: ObserveCommand | undefined;
  /** What to keep them in without redis.urls. Only the development server hands in one of its own. */
  memory?: OpenMemory | undefined;
}

export type OpenMemory = (secrets: readonly string[], log: Log) => Records;
