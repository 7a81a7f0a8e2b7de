import type { RedisClientOptions } from '@redis/client';
import { readRedisAddress } from '../config/index.ts';

export const connectTimeout = 1700;

/**
 * node-redis, told to do what only we can do here: no queue for commands while Redis is away, no timer for
 * each command, no reconnecting of its own (a link that failed is replaced, see redis-connection.ts).
 * It is imported here and only when it is needed: it takes a tenth of a second. The package `redis`, which adds the
 * commands of four Redis modules, would make a start 6 % longer.
 */
export async function loadNodeRedis() {
  const { RedisClient, createCluster, RESP_TYPES } = await import('@redis/client');
  const binaryOptions = { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };
  const textOptions = { timeout: 0 };
  const common = {
    name: 'web-app-sessions',
    // It would need one more right in Redis, and says nothing that the name does not.
    disableClientInfo: true,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    commandOptions: textOptions,
  } as const satisfies RedisClientOptions;
  const optionsFor = (binary: boolean) => (binary ? binaryOptions : textOptions);
  return { RedisClient, createCluster, common, optionsFor };
}

export type NodeRedis = Awaited<ReturnType<typeof loadNodeRedis>>;
export type Client = InstanceType<NodeRedis['RedisClient']>;

export interface Server {
  host: string;
  port: number;
}

export interface Access {
  username: string | undefined;
  password: string | undefined;
  tls: boolean;
  database?: number | undefined;
}

/** The user, password and database that the addresses of REDIS_URL name: the same in each. */
export function accessTo([address = '']: readonly string[]): Access {
  const read = readRedisAddress(address);
  if (!read) throw new TypeError('no address of a Redis');
  const { username, password, scheme, database } = read;
  return {
    username: username || undefined,
    password: password || undefined,
    tls: scheme === 'rediss',
    database: Number(database) || undefined,
  };
}

/** A client of one server, which is not connected yet and never connects a second time. */
export function clientOf(redis: NodeRedis, server: Server, access: Access, timeout = connectTimeout): Client {
  const { username, password, tls, database } = access;
  return new redis.RedisClient({
    ...redis.common,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
    socket: { ...server, connectTimeout: timeout, reconnectStrategy: false, ...(tls && { tls: true }) },
  });
}
