import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { proc } from './proc.ts';

/** What one server costs: as its probe tells it, or where it has none, as Linux does. */
export interface Server {
  readonly pid: number;
  /** Microseconds of CPU it has used so far, all its threads and processes. */
  cpuMicros(): Promise<number>;
  /** A probe is asked after a garbage collection; without one, only `rss` is known. */
  memory(): Promise<{ rss: number; heapUsed: number; handles: number }>;
  stop(): Promise<void>;
}

const cores = availableParallelism();
const allCores = `0-${cores - 1}`;

/** The servers of a duel have the first core, whatever loads them has the others. */
export const pinned = canPin();

/** What runs beside the load. */
const beside = new Set<ChildProcess>();

/** How a server is started, in whatever it is written. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  /** A Node program that can be asked what it costs; without it, it is exactly as users start it. */
  readonly probed?: boolean;
}

/** Starts a program on the servers' core, or on all. */
export function startServer({ command, args, env, probed = false }: Program, { free = false } = {}): Server {
  const before = probed ? ['--import', new URL('probe.js', import.meta.url).href] : [];
  const core = free ? allCores : '0';
  return serverOf(startOn(pinned ? core : undefined, command, [...before, ...args], env), probed);
}

/** Starts a program beside the load: Redis, the provider. */
export function startBeside(command: string, args: string[], env: Record<string, string> = {}): Server {
  const child = startOn(undefined, command, args, env);
  beside.add(child);
  child.once('exit', () => beside.delete(child));
  return serverOf(child, false);
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

/** Moves this process, and what it has started beside the load, off the servers' core. */
export const leaveServersCore = () => moveLoad(`1-${cores - 1}`);

/** And back: then servers and load share all cores, as on a machine of one's own. */
export const shareAllCores = () => moveLoad(allCores);

function moveLoad(to: string): void {
  if (!pinned) return;
  for (const { pid } of [process, ...beside])
    execFileSync('taskset', ['-acp', to, String(pid)], { stdio: 'ignore' });
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

function startOn(
  core: string | undefined,
  command: string,
  args: readonly string[],
  env: Record<string, string>,
) {
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

function serverOf(child: ChildProcess, probed: boolean): Server {
  const pid = child.pid as number;
  const ask = async (question: string) => {
    const answer = once(child, 'message');
    child.send(question);
    return (await answer)[0];
  };
  return {
    pid,
    cpuMicros: async () => (probed ? (await ask('cpu')).cpuMicros : proc.cpuMicros(pid)),
    memory: async () =>
      probed ? ask('memory') : { rss: proc.rss(pid), heapUsed: Number.NaN, handles: Number.NaN },
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
  if (cores < 2) return false;
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
