import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { describe } from 'vitest';
import type { RedisConfig } from '../../config/index.ts';
import { kill as killChild, onFreePort } from '../../testing/processes.ts';
import { launchRedis } from '../../testing/redis.ts';
import type { TestCertificates } from './private-ca.ts';
import { findRedis } from './programs.ts';

export { makeCertificates } from './private-ca.ts';

const executable = findRedis();
export const hasRedis = executable !== undefined;

/** Tests in here are skipped where redis-server is missing (missing-programs.ts says so). */
export const describeWithRedis = describe.skipIf(!hasRedis);

/** What settings with these addresses and no other for Redis come to. */
export function redisAt(...urls: string[]): RedisConfig {
  return { urls, sentinel: undefined, keyPrefix: 'app:' };
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** A command of the test's own, on a connection of its own. */
  run(...args: string[]): Promise<unknown>;
  /** The commands that clients send while `work` runs. */
  monitor(work: () => Promise<unknown>): Promise<string[]>;
  stop(): Promise<void>;
}

export interface RedisOptions {
  password?: string;
  /** Listens by TLS only, with these certificates. */
  tls?: TestCertificates;
  /** More arguments, as `['--maxmemory', '2mb']`. */
  args?: string[];
}

export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return onFreePort((port) => startOn(port, options));
}

async function startOn(listenOn: number, { password, tls, args = [] }: RedisOptions): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-test-'));
  const ports = tls
    ? ['--port', '0', '--tls-port', `${listenOn}`, '--tls-cert-file', tls.cert, '--tls-key-file', tls.key]
    : ['--port', `${listenOn}`];
  const all = [
    ...ports,
    ...(tls ? ['--tls-ca-cert-file', tls.ca, '--tls-auth-clients', 'no'] : []),
    ...['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder],
    ...(password ? ['--requirepass', password] : []),
    ...args,
  ];
  const url = `${tls ? 'rediss' : 'redis'}://${password ? `:${password}@` : ''}localhost:${listenOn}`;
  const socket = tls ? ({ tls: true, ca: tls.caText } as const) : {};
  let child = await launch(all);

  async function connect() {
    const client = createClient({ url, socket: { ...socket, reconnectStrategy: false } });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  const kill = () => killChild(child);

  const server: RedisServer = {
    url,
    port: listenOn,
    get pid() {
      return child.pid as number;
    },
    kill,
    async restart() {
      await kill();
      child = await launch(all);
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async run(...command) {
      const client = await connect();
      try {
        return await client.sendCommand(command);
      } finally {
        client.destroy();
      }
    },
    async monitor(work) {
      const seen: string[] = [];
      const client = await connect();
      const heard = new EventEmitter();
      await client.monitor((line) => {
        const [, from = '', text = ''] = /^\S+ \[\S+ (\S+)\] (.*)$/s.exec(String(line)) ?? [];
        const mark = /"PING" "(begin|end)"/.exec(text)?.[1];
        if (mark) heard.emit(mark);
        // What a script does inside is not a command of a client.
        else if (from !== 'lua') seen.push(text);
      });
      const begun = once(heard, 'begin');
      await server.run('PING', 'begin');
      await begun;
      seen.length = 0;
      await work();
      const ended = once(heard, 'end');
      await server.run('PING', 'end');
      await ended;
      client.destroy();
      // What the connection that sends the mark says of itself.
      return seen.filter((line) => !/^"(HELLO|hello|CLIENT|client)"/.test(line));
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return server;
}

export interface RedisCluster {
  readonly urls: string[];
  /** The three masters, and then the replica of each. */
  readonly nodes: RedisServer[];
  /** The keys of all nodes. */
  keys(): Promise<string[]>;
  stop(): Promise<void>;
}

/** Three masters, each with a third of the slots, and behind them, where they are wanted, a replica of each. */
export async function startRedisCluster({ replicas = false } = {}): Promise<RedisCluster> {
  // With less than two seconds a busy machine has a master replaced by itself.
  const settings = ['enabled yes', 'node-timeout 2000', 'require-full-coverage no', 'config-file nodes.conf'];
  const args = settings.flatMap((setting) => `--cluster-${setting}`.split(' '));
  if (replicas) args.push('--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1');
  const nodes: RedisServer[] = [];
  for (let count = 0; count < 3; count++) nodes.push(await startRedis({ args }));
  const [first] = nodes as [RedisServer];
  const bounds = [0, 5461, 10_923, 16_384];
  for (const [index, node] of nodes.entries()) {
    const last = (bounds[index + 1] as number) - 1;
    await node.run('CLUSTER', 'ADDSLOTSRANGE', `${bounds[index]}`, `${last}`);
    await node.run('CLUSTER', 'SET-CONFIG-EPOCH', `${index + 1}`);
    if (node !== first) await first.run('CLUSTER', 'MEET', '127.0.0.1', `${node.port}`);
  }
  const urls = nodes.map((node) => `redis://127.0.0.1:${node.port}`);
  for (const node of nodes)
    await until(async () => /cluster_state:ok/.test(String(await node.run('CLUSTER', 'INFO'))));
  await until(async () => {
    const known = await Promise.all(nodes.map((node) => node.run('CLUSTER', 'SLOTS')));
    return known.every((slots) => (slots as unknown[]).length === 3);
  });
  for (const master of replicas ? [...nodes] : []) {
    const id = String(await master.run('CLUSTER', 'MYID'));
    const replica = await startRedis({ args });
    nodes.push(replica);
    await replica.run('CLUSTER', 'MEET', '127.0.0.1', `${first.port}`);
    await until(async () => String(await replica.run('CLUSTER', 'NODES')).includes(`${id} `));
    await until(async () => /cluster_state:ok/.test(String(await replica.run('CLUSTER', 'INFO'))));
    await replica.run('CLUSTER', 'REPLICATE', id);
    await until(async () => ((await master.run('ROLE')) as unknown[][])[2]?.length === 1);
  }
  return {
    urls,
    nodes,
    keys: async () => (await Promise.all(nodes.map((node) => node.run('KEYS', '*')))).flat() as string[],
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  };
}

/** Waits for something to become true, looking every few milliseconds; fails after `ms`. */
export async function until(look: () => Promise<boolean> | boolean, ms = 10_000): Promise<void> {
  for (const end = performance.now() + ms; ; ) {
    if (await look()) return;
    if (performance.now() > end) throw new Error(`still not so after ${ms} ms: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function launch(args: string[]) {
  if (!executable) throw new Error('redis-server is not installed here');
  return launchRedis(executable, args);
}
