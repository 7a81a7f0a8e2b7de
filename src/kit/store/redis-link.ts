import type { RedisClientOptions } from '@redis/client';

export type Argument = string | Buffer;
export type Send = (args: Argument[], binary?: boolean) => Promise<unknown>;

/** One connection to Redis, or one set of connections to a cluster: made, used and thrown away as a whole. */
export interface Link {
  connect(): Promise<unknown>;
  /** The key says which node; the answer's strings are Buffers where `binary`. */
  send(key: string, args: Argument[], binary: boolean): Promise<unknown>;
  /** One for each master. */
  nodes(): Promise<Send[]>;
  destroy(): void;
  /** Whether parts of it may work while others do not. */
  readonly partial: boolean;
}

export type CreateLink = (onGone: (cause: Error) => void) => Link;

const connectTimeout = 1700;

/**
 * node-redis, told to do what only we can do here: no queue for commands while Redis is away, no timer for
 * each command, no reconnecting of its own (a link that failed is replaced, see redis-connection.ts).
 * It is imported here and only when it is needed: it takes a tenth of a second, and the package `redis`, which adds
 * the commands of four Redis modules, a quarter more.
 */
export async function prepareLinks(urls: readonly string[]): Promise<CreateLink> {
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

  function single(onGone: (cause: Error) => void): Link {
    const url = urls[0] as string;
    const socket = { connectTimeout, reconnectStrategy: false } as const;
    // createClient would add a method for each of four hundred commands first: a tenth of a start.
    const client = new RedisClient({ ...common, url, socket });
    client.on('error', onGone);
    return {
      partial: false,
      connect: () => client.connect(),
      send: (_key, args, binary) => client.sendCommand(args, optionsFor(binary)),
      nodes: async () => [(args, binary = false) => client.sendCommand(args, optionsFor(binary))],
      destroy: () => client.destroy(),
    };
  }

  function cluster(): Link {
    const { username, password, protocol } = new URL(urls[0] as string);
    const client = createCluster({
      // Silent seeds must not use up the time for the others.
      rootNodes: urls.map((url) => ({ url, socket: { socketTimeout: 900 } })),
      // Without it, one node that is down would keep the others from being used.
      minimizeConnections: true,
      topologyRefreshOnReconnectionAttemptStrategy: 1000,
      defaults: {
        ...common,
        ...(username && { username: decodeURIComponent(username) }),
        ...(password && { password: decodeURIComponent(password) }),
        socket: {
          connectTimeout,
          reconnectStrategy: (retries: number) => Math.min(50 * 2 ** retries, 1000),
          ...(protocol === 'rediss:' && { tls: true }),
        },
      },
    });
    // Each failure also comes back with the command that met it.
    client.on('error', () => {});
    return {
      partial: true,
      connect: () => client.connect(),
      send: (key, args, binary) => client.sendCommand(key, false, args, optionsFor(binary)),
      nodes: async () =>
        client.masters.map((master) => async (args, binary = false) => {
          const node = await client.nodeClient(master);
          return node.sendCommand(args, optionsFor(binary));
        }),
      destroy: () => client.destroy(),
    };
  }

  return (onGone) => (urls.length > 1 ? cluster() : single(onGone));
}
