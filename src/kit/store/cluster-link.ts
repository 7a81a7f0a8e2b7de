import type { RedisConfig } from '../config/index.ts';
import { slotOf, tagOf } from './cluster-slot.ts';
import { createDeadline, Overdue } from './deadline.ts';
import { createKeys } from './keys.ts';
import type { Argument, CreateLink, Link } from './link.ts';
import { accessTo, clientOf, connectTimeout, type NodeRedis } from './node-redis.ts';
import { ReplicaFence } from './replica-fence.ts';

/** Less than the time that any command has: who asks a silent node must find out that it was that one. */
const nodeMs = 1200;

export function prepareClusterLinks(redis: NodeRedis, { urls, keyPrefix }: RedisConfig): CreateLink {
  const access = accessTo(urls);
  const { username, password, tls } = access;
  const within = createDeadline(nodeMs);
  const { settled } = createKeys(keyPrefix);

  return (): Link => {
    const client = redis.createCluster({
      // Silent seeds must not use up the time for the others.
      rootNodes: urls.map((url) => ({ url, socket: { socketTimeout: 900 } })),
      // Without it, one node that is down would keep the others from being used.
      minimizeConnections: true,
      topologyRefreshOnReconnectionAttemptStrategy: 1000,
      defaults: {
        ...redis.common,
        ...(username !== undefined && { username }),
        ...(password !== undefined && { password }),
        socket: {
          connectTimeout,
          reconnectStrategy: (retries: number) => Math.min(50 * 2 ** retries, 1000),
          ...(tls && { tls: true }),
        },
      },
    });
    // Each failure also comes back with the command that met it.
    client.on('error', () => {});
    /** By the address of the master. */
    const fences = new Map<string, ReplicaFence>();

    /** Masters that have not answered. This link is replaced for it; until then nobody else waits for them. */
    const silent = new Set<string>();

    async function send(key: string, args: Argument[], binary: boolean): Promise<unknown> {
      const address = client.slots[slotOf(key)]?.master.address ?? '';
      if (silent.has(address)) throw new Error(`${address} of the cluster does not answer`);
      try {
        return await within(client.sendCommand(key, false, args, redis.optionsFor(binary)));
      } catch (error) {
        if (error instanceof Overdue) silent.add(address);
        throw error;
      }
    }

    function fenceOf(key: string): ReplicaFence | undefined {
      const master = client.slots[slotOf(key)]?.master;
      if (!master) return undefined;
      const { host, port, address } = master;
      const known = fences.get(address);
      if (known) return known;
      const fence = new ReplicaFence({
        open: () => clientOf(redis, { host, port }, access),
        readBack: (mark) => client.sendCommand(mark, false, ['GET', mark], redis.optionsFor(false)),
      });
      fences.set(address, fence);
      return fence;
    }

    return {
      partial: true,
      connect: () => client.connect(),
      send,
      nodes: async () =>
        client.masters.map((master) => async (args, binary = false) => {
          const node = await client.nodeClient(master);
          return node.sendCommand(args, redis.optionsFor(binary));
        }),
      settle: async (key) => {
        const fence = fenceOf(key);
        return fence ? fence.settle(settled(tagOf(key))) : 'no master is known for its slot';
      },
      destroy() {
        for (const fence of fences.values()) fence.destroy();
        client.destroy();
      },
    };
  };
}
