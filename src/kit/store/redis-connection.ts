import { setTimeout as delay } from 'node:timers/promises';
import { isUnknownCa, nameTheCa } from '../errors/unknown-ca.ts';
import type { Audit, Log } from '../log/index.ts';
import { createDeadline } from './deadline.ts';
import { type Argument, type CreateLink, type Link, LinkError, type Send, withoutArguments } from './link.ts';
import { RecentEndings } from './recent-endings.ts';
import { StoreError } from './records.ts';

/**
 * With the deadline's own coarseness, and with what a busy server adds until the page of the failure is out, a request
 * gets its answer within two seconds.
 */
const commandMs = 1500;
/** The replicas' own time and a little more: an ending has other commands to wait for, too. */
const settleMs = 700;

/** Answers of a Redis that cannot serve now: it loads its data, became a replica, or lost its replicas or its cluster. */
const awayReplies = /^(LOADING|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|NOAUTH)\b/;
const anyReply = /^[A-Z]+ /;

interface Surroundings {
  audit: Audit;
  log: Log;
  /** A key of the app's, which need not exist: by it the store is asked whether it takes writes. */
  probed: string;
}

/**
 * Holds a link to Redis and replaces it for as long as it takes when it fails (R14): a connection that was
 * closed, and also one that is silent, which no operating system tells us about for a quarter of an hour.
 */
export class RedisConnection {
  readonly #create: CreateLink;
  readonly #audit: Audit;
  readonly #log: Log;
  readonly #probed: string;
  readonly #within = createDeadline(commandMs);
  readonly #settledWithin = createDeadline(settleMs);
  readonly #endings = new RecentEndings();
  readonly #marks = new RecentEndings();
  #link: Link | undefined;
  /** The first attempt: commands that come before its outcome wait for it. */
  #first: Promise<void> | undefined;
  #connecting = false;
  #closed = false;
  #lost: Error | undefined;
  #hasReplicas = false;
  #unsettledSaidAt = Number.NEGATIVE_INFINITY;

  constructor(create: CreateLink, { audit, log, probed }: Surroundings) {
    this.#create = create;
    this.#audit = audit;
    this.#log = log;
    this.#probed = probed;
    this.#first = this.#attempt().then((connected) => {
      this.#first = undefined;
      if (!connected) void this.#connect();
    });
  }

  send(key: string, args: Argument[], binary = false): Promise<unknown> {
    return this.#through((link) => link.send(key, args, binary));
  }

  /** As `send`, for a command that ends something: it is carried out again by each link that comes after this one. */
  async end(key: string, args: Argument[], binary = false): Promise<unknown> {
    const answer = await this.send(key, args, binary);
    // Nothing, or none: there was nothing to end.
    if (answer) this.#endings.add(key, args);
    return answer;
  }

  /** The same for a mark that something has ended, of which there may be many that concern nobody. */
  async mark(key: string, args: Argument[]): Promise<void> {
    await this.send(key, args);
    this.#marks.add(key, args);
  }

  /**
   * Waits until the replicas have what was written under these keys; not for long, and it never fails: what was ended
   * has ended. Where they have not got it, the log says so, once in a while.
   */
  async settle(keys: readonly string[]): Promise<void> {
    if (!this.#hasReplicas) return;
    const settled = Promise.all(
      keys.map((key) => this.#link?.settle?.(key) ?? 'the connection to Redis was lost'),
    );
    const reasons = await this.#settledWithin(settled).catch((error: Error) => [error.message]);
    const reason = reasons.find((each) => each !== undefined);
    if (reason === undefined || performance.now() - this.#unsettledSaidAt < unsettledEveryMs) return;
    this.#unsettledSaidAt = performance.now();
    this.#log.warn({ reason, hint: unsettledHint }, unsettledText);
  }

  /** Each master, for what must ask all of them. */
  async nodes(): Promise<Send[]> {
    const nodes = await this.#through((link) => link.nodes());
    return nodes.map((send) => (args, binary) => this.#through(() => send(args, binary)));
  }

  check(): Promise<void> {
    return this.#through((link) => probe(link, this.#probed));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#link?.destroy();
    this.#link = undefined;
  }

  async #through<T>(work: (link: Link) => Promise<T>): Promise<T> {
    if (this.#first && !this.#link) await this.#within(this.#first).catch(() => {});
    const link = this.#link;
    if (!link)
      throw new StoreError(`Redis cannot be reached: ${this.#lost?.message ?? 'closed'}`, {
        cause: this.#lost,
      });
    try {
      return await this.#within(work(link));
    } catch (thrown) {
      const error = plain(thrown);
      if (awayReplies.test(error.message) || !anyReply.test(error.message)) this.#replace(link, error);
      throw new StoreError(`Redis failed: ${error.message}`, { cause: error });
    }
  }

  #replace(link: Link, cause: Error): void {
    if (link !== this.#link || this.#closed) return;
    this.#tellLost(cause);
    if (!link.partial) {
      this.#link = undefined;
      link.destroy();
    }
    // The other nodes of a cluster go on serving by the old link until the new one has reached them all.
    void this.#connect();
  }

  async #connect(): Promise<void> {
    if (this.#connecting) return;
    this.#connecting = true;
    for (let wait = 25; !this.#closed && !(await this.#attempt()); wait = Math.min(wait * 2, 500)) {
      await delay(wait, undefined, { ref: false });
    }
    this.#connecting = false;
  }

  async #attempt(): Promise<boolean> {
    const link = this.#create((cause) => this.#replace(link, cause));
    this.#hasReplicas = link.settle !== undefined;
    let usable = false;
    try {
      await this.#within(link.connect());
      // Of a cluster, a part is better than nothing.
      usable = link.partial && !this.#link && !this.#closed;
      if (usable) this.#link = link;
      await this.#within(probe(link, this.#probed));
      await this.#within(this.#endAgain(link));
    } catch (thrown) {
      if (!usable) link.destroy();
      this.#tellLost(plain(thrown));
      return false;
    }
    if (this.#closed) {
      link.destroy();
      return true;
    }
    const old = this.#link;
    // Commands on their way through the old link may still be answered.
    if (old && old !== link) setTimeout(() => old.destroy(), commandMs).unref();
    this.#link = link;
    if (this.#lost !== undefined) this.#audit('store.found', {});
    this.#lost = undefined;
    return true;
  }

  /** Before anybody reads by this link. Redis' own refusal of one (it is full) must not keep it from being used. */
  async #endAgain(link: Link): Promise<void> {
    const again = [...this.#marks.all(), ...this.#endings.all()].map(({ key, args }) =>
      link.send(key, args, false).catch((error: Error) => {
        if (!anyReply.test(error.message)) throw error;
      }),
    );
    await Promise.all(again);
  }

  /** One line when it goes away, not one for each request. */
  #tellLost(cause: Error): void {
    if (this.#lost === undefined && !this.#closed) {
      this.#audit('store.lost', { reason: cause.message, hint: hintFor(cause) });
    }
    this.#lost = cause;
  }
}

function hintFor(cause: Error): string | undefined {
  if (isUnknownCa((cause as NodeJS.ErrnoException).code))
    return `Redis' certificate comes from a CA that is not trusted here: ${nameTheCa}`;
  if (cause instanceof LinkError) return cause.hint;
  const { message } = cause;
  if (/^(WRONGPASS|NOAUTH|ERR AUTH)\b/.test(message)) return 'Check user and password in REDIS_URL.';
  if (/^NOPERM\b/.test(message))
    return 'The user in REDIS_URL lacks a right: `npm run doctor` says which, and how to give it.';
  // Redis itself says what is wrong.
  if (anyReply.test(message)) return undefined;
  return 'Check that Redis runs, and that REDIS_URL is its address. The app connects again by itself.';
}

const unsettledEveryMs = 600_000;
const unsettledText =
  'Sessions were ended in Redis, and not all of its replicas have acknowledged that. Should one of them become the primary now, this process ends the sessions again; if it stops before that, they may come back.';
const unsettledHint =
  'Check that replicas are connected and keep up (INFO replication on the primary). This is logged at most every ten minutes.';

/** Every master answers and is in service; and a command that counts as a write, which a replica would refuse. */
async function probe(link: Link, key: string): Promise<void> {
  const nodes = await link.nodes();
  const states = await Promise.all(nodes.map((send) => send(link.partial ? ['CLUSTER', 'INFO'] : ['PING'])));
  const down = states.some((state) => /cluster_state:fail/.test(String(state)));
  if (down) throw new Error('a part of the cluster is down');
  // Without an option it changes nothing, not even the key's end.
  await link.send(key, ['GETEX', key], false);
}

/** An error for a log. */
function plain(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const said = error.message || String((error as NodeJS.ErrnoException).code ?? error.name);
  const message = withoutArguments(said);
  return message === error.message ? error : new Error(message);
}
