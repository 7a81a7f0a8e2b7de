import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import type { RedisConfig } from '../../config/index.ts';
import { grant } from '../../doctor/redis-rights.ts';
import { freePort, kill } from '../../testing/processes.ts';
import { launchRedis } from '../../testing/redis.ts';
import type { TestCertificates } from './private-ca.ts';
import { findRedis } from './programs.ts';
import { type RedisServer, startRedis, until } from './redis-server.ts';

export const primaryName = 'the-primary';

/** Each side has a user and a password of its own, which may do what the app needs and nothing else. */
export const redisUser = { username: 'app', password: 'the-password-of-redis' };
const sentinelUser = { username: 'reader', password: 'the-password-of-readers' };
/** Whom the Sentinels are to each other, and what a test is to them. */
const watcher = { username: 'watcher', password: 'the-password-of-watchers' };

export interface SentinelServer {
  readonly port: number;
  run(...args: string[]): Promise<unknown>;
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
}

export interface Watched {
  /** The first is the primary at the beginning. */
  readonly servers: readonly [RedisServer, RedisServer, ...RedisServer[]];
  readonly sentinels: readonly [SentinelServer, SentinelServer, SentinelServer];
  readonly config: RedisConfig;
  /** Settings of an app that uses them. */
  readonly env: Record<string, string>;
  /** The server that the Sentinels name now. */
  primary(): Promise<RedisServer>;
  /** Waits until all Sentinels name this one. */
  promoted(server: RedisServer): Promise<void>;
  stop(): Promise<void>;
}

interface WatchedOptions {
  replicas?: number;
  /** When the Sentinels take a server for down: late, so that a busy machine replaces no primary by itself. */
  downAfterMs?: number;
  tls?: TestCertificates;
  /** More arguments of the replica of this number, from 1. */
  argsOf?: (replica: number) => string[];
}

/** A primary, its replicas, and three Sentinels of which two must agree. */
export async function startWatched({
  replicas = 1,
  downAfterMs = 10_000,
  tls,
  argsOf = () => [],
}: WatchedOptions = {}): Promise<Watched> {
  const servers: RedisServer[] = [];
  const sentinels: Sentinel[] = [];
  const stop = async () => {
    await Promise.all(sentinels.map((sentinel) => sentinel.stop()));
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    const common = commonArgs(tls);
    const options = { password: redisUser.password, ...(tls && { tls }) };
    const primary = await startRedis({ ...options, args: common });
    servers.push(primary);
    const following = ['--replicaof', '127.0.0.1', `${primary.port}`];
    for (let replica = 1; replica <= replicas; replica++)
      servers.push(await startRedis({ ...options, args: [...common, ...following, ...argsOf(replica)] }));
    await until(async () => (await replicasOf(primary)).length === replicas);
    for (let count = 0; count < 3; count++)
      sentinels.push(await startSentinel(primary.port, { downAfterMs, tls }));
    for (const { run } of sentinels) await until(() => knowsAll(run, replicas));
  } catch (error) {
    await stop();
    throw error;
  }

  const scheme = tls ? 'rediss' : 'redis';
  const login = `${redisUser.username}:${redisUser.password}`;
  const urls = sentinels.map(({ port }) => `${scheme}://${login}@127.0.0.1:${port}`);
  const named = async ({ run }: Sentinel) => Number((await namedBy(run))[1]);
  return {
    servers: servers as unknown as Watched['servers'],
    sentinels: sentinels as unknown as Watched['sentinels'],
    config: { urls, sentinel: { name: primaryName, ...sentinelUser }, keyPrefix: 'app:' },
    env: {
      REDIS_URL: urls.join(','),
      REDIS_SENTINEL_NAME: primaryName,
      REDIS_SENTINEL_USERNAME: sentinelUser.username,
      REDIS_SENTINEL_PASSWORD: sentinelUser.password,
    },
    async primary() {
      const port = await named(sentinels[0] as Sentinel);
      return servers.find((server) => server.port === port) as RedisServer;
    },
    async promoted({ port }) {
      for (const sentinel of sentinels) await until(async () => (await named(sentinel)) === port, 15_000);
    },
    stop,
  };
}

/** What ROLE says of the replicas that are connected. */
export async function replicasOf(server: RedisServer): Promise<unknown[]> {
  const [, , replicas] = (await server.run('ROLE')) as [string, number, unknown[]];
  return replicas;
}

function commonArgs(tls: TestCertificates | undefined): string[] {
  const granted = grant({ name: redisUser.username, keyPrefix: 'app:', replicated: true });
  const rights = granted.split(' ').slice(3);
  return [
    ...['--user', redisUser.username, 'on', `>${redisUser.password}`, 'resetchannels', '-@all', ...rights],
    ...['--masterauth', redisUser.password],
    ...['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'],
    ...(tls ? ['--tls-replication', 'yes'] : []),
  ];
}

interface Sentinel extends SentinelServer {
  stop(): Promise<void>;
}

interface SentinelOptions {
  downAfterMs: number;
  tls: TestCertificates | undefined;
}

async function startSentinel(primaryPort: number, { downAfterMs, tls }: SentinelOptions): Promise<Sentinel> {
  const folder = mkdtempSync(join(tmpdir(), 'sentinel-test-'));
  const port = await freePort();
  const file = join(folder, 'sentinel.conf');
  writeFileSync(file, configuration({ port, primaryPort, folder, downAfterMs, tls }));
  // A failure to start is thrown with what it has said.
  const child = await launchRedis(findRedis() as string, [file, '--sentinel'], {
    ready: /\+monitor master/,
  }).catch((error) => {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  const { username, password } = watcher;
  const socket = tls ? ({ tls: true, ca: tls.caText } as const) : {};
  return {
    port,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill: () => kill(child),
    async run(...args) {
      const client = createClient({
        username,
        password,
        socket: { host: '127.0.0.1', port, reconnectStrategy: false, ...socket },
      });
      client.on('error', () => {});
      try {
        await client.connect();
        return await client.sendCommand(args);
      } finally {
        client.destroy();
      }
    },
    async stop() {
      await kill(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Configuration extends SentinelOptions {
  port: number;
  primaryPort: number;
  folder: string;
}

function configuration({ port, primaryPort, folder, downAfterMs, tls }: Configuration) {
  const { username, password } = watcher;
  const of = (name: string, value: string | number) => `sentinel ${name} ${primaryName} ${value}`;
  return [
    ...(tls
      ? [
          'port 0',
          `tls-port ${port}`,
          `tls-cert-file ${tls.cert}`,
          `tls-key-file ${tls.key}`,
          `tls-ca-cert-file ${tls.ca}`,
          'tls-auth-clients no',
          'tls-replication yes',
        ]
      : [`port ${port}`]),
    'bind 127.0.0.1',
    `dir ${folder}`,
    'user default off',
    `user ${username} on >${password} ~* &* +@all`,
    `user ${sentinelUser.username} on >${sentinelUser.password} -@all +sentinel|get-master-addr-by-name`,
    `sentinel sentinel-user ${username}`,
    `sentinel sentinel-pass ${password}`,
    `sentinel monitor ${primaryName} 127.0.0.1 ${primaryPort} 2`,
    of('auth-pass', redisUser.password),
    of('down-after-milliseconds', downAfterMs),
    of('failover-timeout', 5000),
    of('parallel-syncs', 3),
    '',
  ].join('\n');
}

async function namedBy(run: SentinelServer['run']): Promise<string[]> {
  return ((await run('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primaryName)) ?? []) as string[];
}

/** It can only fail over once it knows the others, and to replicas that it knows. */
async function knowsAll(run: SentinelServer['run'], replicas: number): Promise<boolean> {
  const quorum = String(await run('SENTINEL', 'CKQUORUM', primaryName).catch(() => ''));
  const known = (await run('SENTINEL', 'REPLICAS', primaryName)) as unknown[];
  const others = (await run('SENTINEL', 'SENTINELS', primaryName)) as unknown[];
  return quorum.startsWith('OK') && known.length === replicas && others.length === 2;
}
