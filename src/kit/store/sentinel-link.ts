import type { RedisConfig, Sentinel } from '../config/index.ts';
import { createDeadline } from './deadline.ts';
import { createKeys } from './keys.ts';
import { type CreateLink, type Link, LinkError } from './link.ts';
import { accessTo, type Client, clientOf, type NodeRedis, type Server } from './node-redis.ts';
import { ReplicaFence } from './replica-fence.ts';
import { Sentinels } from './sentinels.ts';

/** For a primary to connect and to say that it is one: the old one may hang, and then the Sentinels are asked again. */
const primaryMs = 800;
/** How often the Sentinels are asked whether it is still the same. */
const watchMs = 1000;

/**
 * Links to the primary that Sentinels name, as Redis' guidelines for Sentinel clients want it: ask them, connect, and
 * let the server itself say by ROLE that it is the primary. The link ends when the connection does, or when most of the
 * Sentinels name another primary: one that they have replaced may still answer, and what is written there is lost.
 *
 * Not node-redis' own client for Sentinels: it retries by itself, with no bound that we can set, so that a request
 * would wait for as long as the failover takes (R14), and it asks one Sentinel after the other.
 */
export function prepareSentinelLinks(redis: NodeRedis, config: RedisConfig, sentinel: Sentinel): CreateLink {
  const { urls, keyPrefix } = config;
  const access = accessTo(urls);
  const within = createDeadline(primaryMs);
  const { settled } = createKeys(keyPrefix);

  return (onGone): Link => {
    const sentinels = new Sentinels(redis, urls, sentinel);
    let primary: Client | undefined;
    let fence: ReplicaFence | undefined;
    let watching: NodeJS.Timeout | undefined;
    let destroyed = false;

    async function connect(): Promise<void> {
      const { addresses } = await sentinels.find();
      let failure: unknown;
      for (const address of addresses) {
        try {
          await within(use(address));
          return;
        } catch (error) {
          primary?.destroy();
          failure = ofPrimary(address, error as Error);
          if (destroyed) break;
        }
      }
      throw failure;
    }

    async function use(address: string): Promise<void> {
      const server = serverAt(address);
      const client = clientOf(redis, server, access);
      primary = client;
      client.on('error', onGone);
      await demandPrimary(client);
      if (destroyed) return client.destroy();
      const readBack = (mark: string) => client.sendCommand(['GET', mark]);
      fence = new ReplicaFence({ open: () => clientOf(redis, server, access), readBack });
      watching = setInterval(() => watch(address), watchMs).unref();
    }

    async function watch(current: string): Promise<void> {
      const found = await sentinels.find().catch(() => undefined);
      if (!found?.agreed || found.addresses[0] === current || destroyed) return;
      const [address] = found.addresses;
      // In a failover one Sentinel names the new primary first, and the others, for a moment, still the dead one.
      const other = clientOf(redis, serverAt(address), access);
      other.on('error', () => {});
      try {
        await within(demandPrimary(other));
      } catch {
        return;
      } finally {
        other.destroy();
      }
      if (!destroyed) onGone(new Error(`the Sentinels name another primary: ${address}`));
    }

    const connected = () => {
      if (!primary) throw new Error('there is no connection yet');
      return primary;
    };

    return {
      partial: false,
      connect,
      send: async (_key, args, binary) => connected().sendCommand(args, redis.optionsFor(binary)),
      nodes: async () => [(args, binary = false) => connected().sendCommand(args, redis.optionsFor(binary))],
      settle: async () => fence?.settle(settled('primary')),
      destroy() {
        destroyed = true;
        clearInterval(watching);
        sentinels.destroy();
        fence?.destroy();
        primary?.destroy();
      },
    };
  };
}

async function demandPrimary(client: Client): Promise<void> {
  await client.connect();
  const [role] = (await client.sendCommand(['ROLE'])) as unknown as [string];
  if (role !== 'master') throw new Error('it is a replica');
}

/** A host may be an IPv6 address, which has colons of its own. */
function serverAt(address: string): Server {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

function ofPrimary(address: string, cause: Error): LinkError {
  const { message } = cause;
  const hint = /NOAUTH|WRONGPASS|AUTH/.test(message)
    ? "Put Redis' own user and password into REDIS_URL; those of the Sentinels belong in REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD."
    : /replica/.test(message)
      ? 'A failover may be under way. If this lasts, ask a Sentinel: SENTINEL MASTER with this name.'
      : /cert|SSL|TLS|altname/i.test(message)
        ? "Redis' certificate must be for the address that the Sentinels announce; with host names in it, set resolve-hostnames and announce-hostnames to yes there. A CA of your own belongs in EXTRA_CA_FILE."
        : 'Check that Redis runs there and answers. The app must reach it at the address that the Sentinels announce (replica-announce-ip), not only the Sentinels.';
  return new LinkError(`the primary ${address} cannot be used: ${message || cause.name}`, hint, { cause });
}
