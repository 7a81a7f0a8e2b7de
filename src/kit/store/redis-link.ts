import type { RedisConfig } from '../config/index.ts';
import { prepareClusterLinks } from './cluster-link.ts';
import type { CreateLink, Link } from './link.ts';
import { connectTimeout, loadNodeRedis } from './node-redis.ts';
import { prepareSentinelLinks } from './sentinel-link.ts';

export function isCluster({ urls, sentinel }: RedisConfig): boolean {
  return urls.length > 1 && !sentinel;
}

/** Links to what the settings name: one server, a cluster, or the primary that Sentinels watch over. */
export async function prepareLinks(config: RedisConfig): Promise<CreateLink> {
  const redis = await loadNodeRedis();
  if (config.sentinel) return prepareSentinelLinks(redis, config, config.sentinel);
  if (isCluster(config)) return prepareClusterLinks(redis, config);

  function single(onGone: (cause: Error) => void): Link {
    const url = config.urls[0] as string;
    const socket = { connectTimeout, reconnectStrategy: false } as const;
    // createClient would add a method for each of four hundred commands first: 7 % of a start.
    const client = new redis.RedisClient({ ...redis.common, url, socket });
    client.on('error', onGone);
    return {
      partial: false,
      connect: () => client.connect(),
      send: (_key, args, binary) => client.sendCommand(args, redis.optionsFor(binary)),
      nodes: async () => [(args, binary = false) => client.sendCommand(args, redis.optionsFor(binary))],
      destroy: () => client.destroy(),
    };
  }

  return single;
}
