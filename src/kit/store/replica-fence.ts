import { randomUUID } from 'node:crypto';
import type { Client } from './node-redis.ts';

/** How long a replica may take; a healthy one takes a millisecond. */
const waitMs = 500;

interface Parts {
  /** A connection of the fence's own: WAIT holds up whatever comes behind it. */
  open(): Client;
  /** Reads by the connection that everything else goes through. */
  readBack(key: string): Promise<unknown>;
}

/**
 * Waits until the replicas of one primary have all that was written there before.
 *
 * WAIT speaks of what its own connection wrote. So a mark is written there: in the stream to the replicas it comes after
 * whatever was answered on any connection before. The mark is then read by the connection of those writes; if it is not
 * found, that one spoke to another server (an address that a failover has moved), and nothing is proven.
 *
 * All that ask while a round runs share the next one: however many sessions end at once, there are two rounds at most.
 */
export class ReplicaFence {
  readonly #parts: Parts;
  #client: Client | undefined;
  #running: Promise<string | undefined> | undefined;
  #next: Promise<string | undefined> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * @param key where to leave the mark: a name that belongs to this primary
   * @returns undefined when every replica has it; else why that is not known
   */
  settle(key: string): Promise<string | undefined> {
    if (!this.#running && !this.#next) return this.#start(key);
    this.#next ??= (this.#running as Promise<unknown>).then(() => {
      this.#next = undefined;
      return this.#start(key);
    });
    return this.#next;
  }

  destroy(): void {
    this.#client?.destroy();
    this.#client = undefined;
  }

  #start(key: string): Promise<string | undefined> {
    this.#running = this.#round(`${key}:${randomUUID()}`)
      .catch((error: Error) => {
        this.destroy();
        return error.message;
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async #round(mark: string): Promise<string | undefined> {
    const client = await this.#connected();
    const [, role] = await Promise.all([
      client.sendCommand(['SET', mark, '1', 'PX', String(2 * waitMs)]),
      client.sendCommand(['ROLE']),
    ]);
    // All that are connected: each of them may be the one that is promoted.
    const [, , replicas] = role as unknown as [string, number, unknown[]];
    if (!replicas?.length) return 'no replica is connected';
    const [found, count] = await Promise.all([
      this.#parts.readBack(mark),
      client.sendCommand(['WAIT', String(replicas.length), String(waitMs)]),
    ]);
    if (found === null) return 'the primary has changed';
    const late = replicas.length - Number(count);
    return late > 0 ? `${late} of ${replicas.length} replicas did not answer within ${waitMs} ms` : undefined;
  }

  async #connected(): Promise<Client> {
    if (this.#client) return this.#client;
    const client = this.#parts.open();
    // It comes back with the command that met it, too.
    client.on('error', () => {});
    this.#client = client;
    await client.connect();
    return client;
  }
}
