import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What one server costs, as its probe tells it. */
export interface Server {
  readonly pid: number;
  /** Microseconds of CPU it has used so far, all its threads. */
  cpuMicros(): Promise<number>;
  /** Asked after a garbage collection. */
  memory(): Promise<{ rss: number; heapUsed: number; handles: number }>;
  stop(): Promise<void>;
}

/** The servers of a duel have the first core, whatever loads them has the others. */
export const pinned = canPin();

/** Starts a Node program on the servers' core. `probed: false` leaves it exactly as users start it. */
export function startServer(file: string, env: Record<string, string>, { probed = true } = {}): Server {
  const args = [...(probed ? ['--import', new URL('probe.js', import.meta.url).href] : []), file];
  return serverOf(startOn(pinned ? '0' : undefined, process.execPath, args, env));
}

/** Starts a program beside the load: Redis, the provider. */
export function startBeside(command: string, args: string[], env: Record<string, string> = {}): Server {
  return serverOf(startOn(undefined, command, args, env));
}

/** A server of the bench's own beside the load, such as the provider; answers with its address. */
export async function startStub(name: string, env: Record<string, string> = {}): Promise<string> {
  const port = await freePort();
  startBeside(process.execPath, [fileURLToPath(new URL(name, import.meta.url))], {
    ...env,
    PORT: String(port),
  });
  const url = `http://127.0.0.1:${port}`;
  await until(name, () => fetch(url));
  return url;
}

/** Moves this process (and with it what it starts) off the servers' core. */
export function leaveServersCore(): void {
  if (!pinned) return;
  execFileSync('taskset', ['-acp', `1-${availableParallelism() - 1}`, String(process.pid)], {
    stdio: 'ignore',
  });
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Calls until it succeeds; whatever is being started is given ten seconds. */
export async function until<T>(what: string, attempt: () => Promise<T>, everyMs = 20): Promise<T> {
  const end = Date.now() + 10_000;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      if (Date.now() > end) throw new Error(`${what} did not come up`, { cause });
      await pause(everyMs);
    }
  }
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

function startOn(core: string | undefined, command: string, args: string[], env: Record<string, string>) {
  const [program, ...rest] = core ? ['taskset', '-c', core, command, ...args] : [command, ...args];
  const child = spawn(program as string, rest, {
    // Only what is named: a setting left over in the caller's shell must not change a result.
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

function serverOf(child: ChildProcess): Server {
  const ask = async (question: string) => {
    const answer = once(child, 'message');
    child.send(question);
    return (await answer)[0];
  };
  return {
    pid: child.pid as number,
    cpuMicros: async () => (await ask('cpu')).cpuMicros,
    memory: () => ask('memory'),
    async stop() {
      if (!running.has(child)) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 8_000);
      await gone;
      clearTimeout(killer);
    },
  };
}

function canPin(): boolean {
  if (availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Has a program do its part on each core that there is; answers with what all of them print. */
export async function outputOnEachCore(
  file: string,
  inputOf: (part: number, parts: number) => object,
): Promise<string> {
  const parts = pinned ? availableParallelism() : 1;
  const all = Array.from({ length: parts }, async (_each, part) => {
    const command = [...(pinned ? ['taskset', '-c', String(part)] : []), process.execPath, file];
    const [program = '', ...args] = command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    running.add(child);
    const ended = once(child, 'close');
    child.stdin.end(JSON.stringify(inputOf(part, parts)));
    const printed = await text(child.stdout);
    const [code] = await ended;
    running.delete(child);
    if (code !== 0) throw new Error(`${file} ended with ${code}`);
    return printed;
  });
  return (await Promise.all(all)).join('');
}
