import type { Sentinel } from '../config/index.ts';
import { createDeadline } from './deadline.ts';
import { LinkError, withoutArguments } from './link.ts';
import { type Access, type Client, clientOf, type NodeRedis, type Server } from './node-redis.ts';

/** For one Sentinel to connect and to answer. */
const patienceMs = 600;
/** For the others, once one has answered. */
const othersMs = 150;

const defaultPort = 26_379;

interface Found {
  /** `host:port`, those that the most Sentinels name first. Never empty. */
  addresses: readonly [string, ...string[]];
  /** More than half of all Sentinels name the first. */
  agreed: boolean;
}

/** Asks the Sentinels where the primary is: all at once, so that a silent one costs no time and a wrong one is outvoted. */
export class Sentinels {
  readonly #name: string;
  readonly #each: OneSentinel[];

  constructor(redis: NodeRedis, urls: readonly string[], { name, username, password }: Sentinel) {
    this.#name = name;
    this.#each = urls.map((url) => {
      const { hostname, port, protocol } = new URL(url);
      const server = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || defaultPort };
      return new OneSentinel(redis, server, { username, password, tls: protocol === 'rediss:' });
    });
  }

  /** @throws LinkError when none of them names a primary */
  async find(): Promise<Found> {
    const votes = new Map<string, number>();
    const failures: string[] = [];
    let unknown = 0;
    const most = () => Math.max(0, ...votes.values());
    const agreed = () => most() > this.#each.length / 2;

    await new Promise<void>((resolve) => {
      let pending = this.#each.length;
      const count = (address: string | undefined) => {
        if (address === undefined) unknown++;
        else votes.set(address, (votes.get(address) ?? 0) + 1);
        if (votes.size > 0) setTimeout(resolve, othersMs).unref();
      };
      for (const one of this.#each) {
        one
          .primaryOf(this.#name)
          .then(
            count,
            (error: Error) => void failures.push(`${one.address}: ${withoutArguments(error.message)}`),
          )
          .finally(() => {
            if (--pending === 0 || agreed()) resolve();
          });
      }
    });

    const [first, ...others] = [...votes].sort(([, one], [, two]) => two - one).map(([address]) => address);
    if (first !== undefined) return { addresses: [first, ...others], agreed: agreed() };
    if (unknown > 0) {
      const hint =
        'Compare REDIS_SENTINEL_NAME with the name after `sentinel monitor` in their configuration.';
      throw new LinkError(`no Sentinel knows a primary named ${this.#name}`, hint);
    }
    throw new LinkError(`no Sentinel answers (${failures.join('; ')})`, hintFor(failures.join()));
  }

  destroy(): void {
    for (const one of this.#each) one.destroy();
  }
}

function hintFor(failures: string): string {
  if (/NOAUTH|WRONGPASS|NOPERM|AUTH/.test(failures))
    return 'Put the user and the password of the Sentinels into REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD; those in REDIS_URL are for Redis itself.';
  if (/unknown command|unknown subcommand/i.test(failures))
    return 'With REDIS_SENTINEL_NAME, REDIS_URL names Sentinels (port 26379 as a rule), not Redis itself.';
  if (/cert|SSL|TLS|wrong version|socket hang up|disconnected before/i.test(failures))
    return 'Compare redis:// and rediss:// with what the Sentinels speak. If they have a CA of their own, name it in EXTRA_CA_FILE.';
  return "Check the Sentinels' hosts and ports in REDIS_URL, and that they run.";
}

/** One Sentinel, on a connection that is made when it is asked and made anew when it has failed. */
class OneSentinel {
  readonly address: string;
  readonly #open: () => Client;
  readonly #within = createDeadline(patienceMs);
  #client: Client | undefined;
  #connected: Promise<unknown> | undefined;

  constructor(redis: NodeRedis, server: Server, access: Access) {
    this.address = `${server.host}:${server.port}`;
    this.#open = () => clientOf(redis, server, access, patienceMs);
  }

  /** Undefined where it knows no primary of this name. */
  async primaryOf(name: string): Promise<string | undefined> {
    try {
      return await this.#within(this.#ask(name));
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  destroy(): void {
    this.#client?.destroy();
    this.#client = undefined;
  }

  async #ask(name: string): Promise<string | undefined> {
    const client = this.#client ?? this.#connect();
    await this.#connected;
    const answer: unknown = await client.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]);
    if (answer === null) return undefined;
    const [host, port] = Array.isArray(answer) ? answer.map(String) : [];
    if (!host || !/^\d{1,5}$/.test(port ?? '')) throw new Error('its answer is no address');
    return `${host}:${port}`;
  }

  #connect(): Client {
    const client = this.#open();
    // It comes back with the command that met it, too.
    client.on('error', () => {});
    this.#client = client;
    this.#connected = client.connect();
    return client;
  }
}
