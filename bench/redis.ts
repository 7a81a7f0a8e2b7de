import { tmpdir } from 'node:os';
import { createClient } from 'redis';
import { freePort, startBeside, until } from './processes.ts';

/** One Redis for the whole bench, without persistence, and a line of our own to ask it questions. */
export interface BenchRedis {
  readonly url: string;
  /** Commands it has run for the servers so far; our own questions are not counted. */
  commands(): Promise<number>;
  /** Each command's count, to see what a number is made of. */
  commandsByName(): Promise<Map<string, number>>;
  keys(): Promise<number>;
  /** Bytes of all keys with what Redis needs to keep them, summed by the name's beginning. */
  bytesByPrefix(): Promise<Map<string, { keys: number; bytes: number }>>;
  usedMemory(): Promise<number>;
  empty(): Promise<void>;
  stop(): Promise<void>;
}

/** What only the bench asks, and what keeps a connection up whoever visits. */
const ownCommands = new Set([
  'hello',
  'ping',
  'client|setinfo',
  'info',
  'dbsize',
  'scan',
  'memory|usage',
  'flushall',
  'config|resetstat',
]);

export async function startRedis(): Promise<BenchRedis> {
  const port = await freePort();
  const server = startBeside('redis-server', [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', tmpdir()],
    ...['--save', '', '--appendonly', 'no', '--loglevel', 'warning'],
  ]);
  const url = `redis://127.0.0.1:${port}`;
  const client = createClient({ url, socket: { reconnectStrategy: 50 } });
  client.on('error', () => {});
  await until('redis-server', () => client.connect());

  async function commandsByName(): Promise<Map<string, number>> {
    const lines = (await client.info('commandstats')).matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm);
    const all = [...lines].map(([, name, calls]) => [name as string, Number(calls)] as const);
    return new Map(all.filter(([name]) => !ownCommands.has(name)));
  }

  return {
    url,
    commandsByName,
    async commands() {
      return [...(await commandsByName()).values()].reduce((sum, calls) => sum + calls, 0);
    },
    keys: () => client.dbSize(),
    async bytesByPrefix() {
      const found = new Map<string, { keys: number; bytes: number }>();
      for await (const names of client.scanIterator({ COUNT: 1000 })) {
        for (const name of names) {
          const prefix = name.slice(0, name.lastIndexOf(':') + 1);
          const sum = found.get(prefix) ?? { keys: 0, bytes: 0 };
          sum.keys += 1;
          sum.bytes += (await client.memoryUsage(name)) ?? 0;
          found.set(prefix, sum);
        }
      }
      return found;
    },
    async usedMemory() {
      return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
    },
    async empty() {
      await client.flushAll();
    },
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}
