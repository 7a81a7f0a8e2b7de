import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill, type Launch, launch, onFreePort } from './processes.ts';

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
    const { port, child } = await onFreePort(async (port) => {
      const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
      return { port, child: await launchRedis('redis-server', [...args, '--dir', folder], { folder }) };
    });
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

/** Resolves when it takes connections. It ends with this process, also where that is killed. */
export function launchRedis(
  executable: string,
  args: readonly string[],
  { ready = /Ready to accept connections/, folder }: Partial<Pick<Launch, 'ready' | 'folder'>> = {},
): Promise<ChildProcess> {
  return launch(executable, args, { ready, missing: `${missing}.`, folder });
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
