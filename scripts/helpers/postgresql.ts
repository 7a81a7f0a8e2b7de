import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findPostgres, unprivileged } from '../../src/kit/testing/postgres.ts';

const programs = findPostgres();

export interface Postgresql {
  /** Makes an empty database and gives its address. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Nothing of it answers any more, and no connection is closed. */
  freeze(): void;
  thaw(): void;
  remove(): Promise<void>;
}

/** A server of its own in a temporary folder, on a free port of this machine. */
export async function startPostgresql(): Promise<Postgresql> {
  const folder = mkdtempSync(join(tmpdir(), 'postgresql-test-'));
  const options = { cwd: folder, ...unprivileged(folder) };
  const data = join(folder, 'data');
  const initial = ['--username=app', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync'];
  execFileSync(join(programs ?? '', 'initdb'), ['-D', data, ...initial], { ...options, stdio: 'pipe' });
  const port = await freePort();
  const address = (database: string) => `postgres://app@127.0.0.1:${port}/${database}`;
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'].flatMap((one) => [
    '-c',
    one,
  ]);

  const launch = () => {
    const args = ['-D', data, '-p', String(port), ...settings];
    return spawn(join(programs ?? '', 'postgres'), args, { ...options, stdio: 'ignore' });
  };
  let server = launch();
  const signal = (name: NodeJS.Signals) => {
    for (const pid of familyOf(server.pid)) process.kill(pid, name);
  };

  async function stop(how: NodeJS.Signals = 'SIGINT') {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill(how);
    await gone;
  }
  async function answers() {
    for (const end = Date.now() + 20_000; ; await sleep(50)) {
      const client = new pg.Client({ connectionString: address('postgres'), connectionTimeoutMillis: 1_000 });
      client.on('error', () => {});
      try {
        await client.connect();
        return client;
      } catch (error) {
        if (server.exitCode !== null || Date.now() > end) throw error;
      }
    }
  }
  await (await answers()).end();

  return {
    async createDatabase() {
      const name = `test_${randomUUID().replaceAll('-', '_')}`;
      const client = await answers();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return address(name);
    },
    stop,
    async start() {
      server = launch();
      await (await answers()).end();
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async remove() {
      signal('SIGCONT');
      await stop('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The server and the processes that it has started: one for each connection. */
function familyOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  const { stdout } = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  return [pid, ...stdout.split('\n').filter(Boolean).map(Number)];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
