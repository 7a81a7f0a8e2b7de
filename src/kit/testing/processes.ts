import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface Launch {
  /** What it prints when it takes connections. */
  ready: RegExp;
  /** The error where the program is not there. */
  missing: string;
  /** As whom and where it runs; left out, as we do. */
  as?: { uid?: number; gid?: number; cwd?: string };
  /** How it is ended where this process ends without doing so. */
  signal?: 'KILL' | 'QUIT';
  /** Deleted then. */
  folder?: string | undefined;
}

/** Starts a server, and resolves when it takes connections. It ends with this process, also where that is killed. */
export async function launch(
  executable: string,
  args: readonly string[],
  how: Launch,
): Promise<ChildProcess> {
  // In a process group of its own: Ctrl+C is for us, and whoever ends it also tidies up.
  const child = spawn(executable, args, { ...how.as, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'ENOENT' ? new Error(how.missing, { cause }) : cause),
    );
    const hear = (text: string) => {
      said += text;
      if (!how.ready.test(said)) return;
      // It goes on printing, and would wait for somebody to read that.
      for (const stream of [child.stdout, child.stderr]) stream.off('data', hear).resume();
      resolve();
    };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', hear);
    child.once('exit', () => reject(new Error(`${executable} ended at its start: ${said}`)));
    if (child.pid !== undefined) guard(child, how);
  });
  // A server that a test forgot must not keep its process alive.
  for (const handle of [child, child.stdout as Socket, child.stderr as Socket]) handle.unref();
  return child;
}

/** A test run that is killed must leave no server behind: the guard's standard input ends with us. */
function guard(child: ChildProcess, { signal = 'KILL', folder }: Launch): void {
  const remove = 'for _ in $(seq 100); do kill -0 "$1" || break; sleep 0.1; done; rm -rf "$3"';
  const script = `read -r _; kill "-$2" "$1"${folder === undefined ? '' : `; ${remove}`}`;
  const watching = spawn('sh', ['-c', script, 'sh', `${child.pid}`, signal, folder ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  for (const handle of [watching, watching.stdin]) handle.on('error', () => {});
  child.once('exit', () => watching.kill('SIGKILL'));
  for (const handle of [watching, watching.stdin as Socket]) handle.unref();
}

export async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // Nothing else may be keeping this process alive until then.
  child.ref();
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** Calls it with a free port, and with another one where somebody was quicker to take that. */
export async function onFreePort<Result>(work: (port: number) => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work(await freePort());
    } catch (error) {
      if (tries === 5 || !/address already in use/i.test((error as Error).message)) throw error;
    }
  }
}

/**
 * A port that was free a moment ago, for whoever must know it before something listens there. It is outside the ports that
 * systems hand out by themselves; free is also the one that cluster nodes talk on, 10,000 above. Each of vitest's
 * processes has ports of its own, and gives none twice, so that no other test takes one in between.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + (next++ % each);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
}

const each = 600;
const first = 12_000 + each * (Number(process.env.VITEST_POOL_ID ?? process.pid) % 16);
let next = randomInt(each);

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const listening = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  if (listening) await new Promise((resolve) => server.close(resolve));
  return listening;
}
