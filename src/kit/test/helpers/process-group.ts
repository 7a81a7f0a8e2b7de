import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/**
 * Starts a program as the first of a group, to which all belong that it starts in turn. The group ends with us,
 * however we end.
 */
export async function startGroup(
  executable: string,
  args: readonly string[],
  { folder, ...options }: SpawnOptions & { folder?: string } = {},
): Promise<ChildProcess> {
  const child = spawn(executable, args, { ...options, detached: true });
  await once(child, 'spawn');
  guardGroup(child, folder);
  return child;
}

/**
 * A test run that is killed must leave no browser behind: the guard's standard input ends with us. It is in no group
 * of ours, so that Ctrl+C does not end it first. A display that is asked to end takes its lock file with it; who does
 * not end within a second is killed.
 *
 * @param folder what the group wrote, which goes with it
 */
export function guardGroup(child: ChildProcess, folder = ''): void {
  const script = 'read -r _; kill -- "-$0"; sleep 1; kill -9 -- "-$0"; [ -z "$1" ] || rm -rf -- "$1"';
  const watching = spawn('sh', ['-c', script, `${child.pid}`, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watching.stdin.on('error', () => {});
  child.once('exit', () => watching.kill('SIGKILL'));
  for (const handle of [watching, watching.stdin as Socket]) handle.unref();
}

export async function endGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.pid === undefined) return;
  const gone = child.exitCode === null && child.signalCode === null && once(child, 'exit');
  try {
    process.kill(-child.pid, signal);
  } catch {
    // All of it had ended by itself.
  }
  await gone;
}
