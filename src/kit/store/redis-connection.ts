import { setTimeout as delay } from 'node:timers/promises';
import { isUnknownCa, nameTheCa } from '../errors/unknown-ca.ts';
import type { Audit } from '../log/index.ts';
import { createDeadline } from './deadline.ts';
import { StoreError } from './records.ts';
import type { Argument, CreateLink, Link, Send } from './redis-link.ts';

/** With the deadline's own coarseness, an answer or an error comes within two seconds. */
const commandMs = 1800;

/** Answers of a Redis that cannot serve now: it loads its data, became a replica, or lost its cluster. */
const awayReplies = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|NOAUTH)\b/;
const anyReply = /^[A-Z]+ /;

/**
 * Holds a link to Redis and replaces it for as long as it takes when it fails (R14): a connection that was
 * closed, and also one that is silent, which no operating system tells us about for a quarter of an hour.
 */
export class RedisConnection {
  readonly #create: CreateLink;
  readonly #audit: Audit;
  readonly #probed: string;
  readonly #within = createDeadline(commandMs);
  #link: Link | undefined;
  /** The first attempt: commands that come before its outcome wait for it. */
  #first: Promise<void> | undefined;
  #connecting = false;
  #closed = false;
  #lost: string | undefined;

  /** @param probed a key of the app's, which need not exist: by it the store is asked whether it takes writes */
  constructor(create: CreateLink, audit: Audit, probed: string) {
    this.#create = create;
    this.#audit = audit;
    this.#probed = probed;
    this.#first = this.#attempt().then((connected) => {
      this.#first = undefined;
      if (!connected) void this.#connect();
    });
  }

  send(key: string, args: Argument[], binary = false): Promise<unknown> {
    return this.#through((link) => link.send(key, args, binary));
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
    if (!link) throw new StoreError(`Redis is away: ${this.#lost ?? 'closed'}`);
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
    for (let wait = 25; !this.#closed && !(await this.#attempt()); wait = Math.min(wait * 2, 1000)) {
      await delay(wait, undefined, { ref: false });
    }
    this.#connecting = false;
  }

  async #attempt(): Promise<boolean> {
    const link = this.#create((cause) => this.#replace(link, cause));
    let usable = false;
    try {
      await this.#within(link.connect());
      // Of a cluster, a part is better than nothing.
      usable = link.partial && !this.#link && !this.#closed;
      if (usable) this.#link = link;
      await this.#within(probe(link, this.#probed));
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

  /** One line when it goes away, not one for each request. */
  #tellLost(cause: Error): void {
    if (this.#lost === undefined && !this.#closed) {
      const unknown = isUnknownCa((cause as NodeJS.ErrnoException).code);
      const hint = unknown
        ? `Redis' certificate comes from a CA that is not trusted here: ${nameTheCa}`
        : undefined;
      this.#audit('store.lost', { reason: cause.message, hint });
    }
    this.#lost = cause.message;
  }
}

/** Every master answers and is in service; and a command that counts as a write, which a replica would refuse. */
async function probe(link: Link, key: string): Promise<void> {
  const nodes = await link.nodes();
  const states = await Promise.all(nodes.map((send) => send(link.partial ? ['CLUSTER', 'INFO'] : ['PING'])));
  const down = states.some((state) => /cluster_state:fail/.test(String(state)));
  if (down) throw new Error('a part of the cluster is down');
  // Without an option it changes nothing, not even the key's end.
  await link.send(key, ['GETEX', key], false);
}

/** An error for a log. Redis repeats an unknown command with its arguments, and in them are session ids (R20). */
function plain(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const message = error.message || String((error as NodeJS.ErrnoException).code ?? error.name);
  const end = message.search(/,? with args beginning with/i);
  return end < 0 && error.message ? error : new Error(end < 0 ? message : message.slice(0, end));
}
