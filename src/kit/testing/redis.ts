import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const missing = 'redis-server is not installed here. Install Redis 6.2 or later';

/**
 * Whether `startTestApp({ site, redis: true })` can start one: `test.skipIf(!hasRedis())`. With CI=true nothing may be
 * skipped, so there a missing one is an error.
 */
export function hasRedis(): boolean {
  const there = spawnSync('redis-server', ['--version']).status === 0;
  if (!there && process.env.CI === 'true')
    throw new Error(`${missing}: with CI=true no test may be skipped.`);
  return there;
}

export interface TestRedis {
  url: string;
  stop(): Promise<void>;
}

/** A Redis of a test's own, which keeps nothing. */
export async function startTestRedis(): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'test-redis-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const { port, child } = await launchOnFreePort(folder);
    return {
      url: `redis://127.0.0.1:${port}`,
      async stop() {
        await kill(child);
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

async function launchOnFreePort(folder: string): Promise<{ port: number; child: ChildProcess }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    try {
      return { port, child: await launchRedis('redis-server', [...args, '--dir', folder]) };
    } catch (error) {
      // Another test was quicker to take that port.
      if (tries === 5 || !/address already in use/i.test((error as Error).message)) throw error;
    }
  }
}

/** Resolves when it takes connections. It ends with this process, also where that is killed. */
export async function launchRedis(
  executable: string,
  args: readonly string[],
  ready = /Ready to accept connections/,
): Promise<ChildProcess> {
  const child = spawn(executable, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'ENOENT' ? new Error(`${missing}.`, { cause }) : cause),
    );
    child.stdout.on('data', (text) => {
      said += text;
      if (ready.test(said)) resolve();
    });
    child.once('exit', () => reject(new Error(`redis-server ended at its start: ${said}`)));
    if (child.pid !== undefined) guard(child);
  });
  return child;
}

/** A test run that is killed must leave no server behind: the guard's standard input ends with us. */
function guard(child: ChildProcess): void {
  const watching = spawn('sh', ['-c', `read -r _; kill -9 ${child.pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watching.stdin.on('error', () => {});
  child.once('exit', () => watching.kill('SIGKILL'));
  for (const handle of [watching, watching.stdin as Socket]) handle.unref();
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Outside the ports that systems hand out by themselves; free is also the one that cluster nodes talk on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 22_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const listening = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  if (listening) await new Promise((resolve) => server.close(resolve));
  return listening;
}

/** The command that lets time pass: nobody can move the time of a Redis, so each key is moved nearer to its end. */
export function agingCommand(milliseconds: number): string[] {
  return ['EVAL', ageKeys, '0', `${milliseconds}`];
}

const ageKeys = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 then redis.call('PEXPIRE', key, left - tonumber(ARGV[1])) end
end`;
