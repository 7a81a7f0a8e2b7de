import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { until } from './redis-server.ts';
import { launchServer, type ServerProcess } from './server-process.ts';

/**
 * Runs in each process before the app: answers say which process they are from, and SIGUSR2 throws what nobody catches.
 * Then comes what a test adds.
 */
const preload = `
import cluster from 'node:cluster';
import { existsSync, writeSync } from 'node:fs';
import { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
const { emit } = Server.prototype;
Server.prototype.emit = function (event, req, res) {
  if (event === 'request') res.setHeader('X-Pid', process.pid);
  return Reflect.apply(emit, this, arguments);
};
process.on('SIGUSR2', () => { throw new Error('nobody caught this'); });
`;

/** The test site, served by two processes, in a process group of its own, which `endGroup` ends. */
export function launchWorkers(
  settings: Record<string, string | undefined>,
  more = '',
): Promise<ServerProcess> {
  const code = `data:text/javascript,${encodeURIComponent(preload + more)}`;
  return launchServer({ WORKERS: '2', ...settings }, { nodeArguments: ['--import', code], ownGroup: true });
}

/** Ends whatever is left of its processes, and waits. */
export async function endGroup({ child, ended }: ServerProcess): Promise<void> {
  try {
    process.kill(-(child.pid as number), 'SIGKILL');
  } catch {
    // All have ended.
  }
  await ended;
}

/** Of the workers that have started so far, in this order; the dead ones too. */
export function workerPids({ lines }: ServerProcess): number[] {
  return lines.filter(({ msg }) => msg === 'worker started').map(({ pid }) => Number(pid));
}

/** To a worker. Without its pid nobody: 0 would be this test and whoever started it. */
export function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (!pid) throw new Error('no such worker');
  process.kill(pid, name);
}

interface Question {
  path?: string;
  agent?: Agent;
  headers?: Record<string, string>;
  /** Gives up after so long without an answer. */
  patienceMs?: number;
}

/** Asks once, on a connection of its own where no agent is given. */
export async function ask(
  { origin }: ServerProcess,
  { path = '/', agent, headers = {}, patienceMs = 30_000 }: Question = {},
) {
  const signal = AbortSignal.timeout(patienceMs);
  const req = get(origin + path, { agent: agent ?? false, headers, signal });
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  const body = (await res.setEncoding('utf8').toArray()).join('');
  return { status: res.statusCode, body, pid: Number(res.headers['x-pid']) };
}

export async function ready(server: ServerProcess) {
  const { status, body } = await ask(server, { path: '/readyz' });
  return { status, body: JSON.parse(body) as { status: string; checks: Record<string, boolean> } };
}

/** Who answers so many requests, one after the other and each on a new connection. */
export async function pidsOfAnswers(server: ServerProcess, count: number): Promise<Set<number>> {
  const pids = new Set<number>();
  for (let turn = 0; turn < count; turn++) pids.add((await ask(server)).pid);
  return pids;
}

/**
 * So many clients that ask without a pause, each on a connection that it keeps, until the app refuses new ones. To be
 * refused is no failure: a proxy then asks another instance.
 */
export function startClients(server: ServerProcess, clients: number) {
  let count = 0;
  const failures: string[] = [];
  const all = Array.from({ length: clients }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (;;) {
      try {
        const { status } = await ask(server, { agent });
        count += 1;
        if (status !== 200) failures.push(`status ${status}`);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code !== 'ECONNREFUSED') failures.push(code ?? message);
        if (code === 'ECONNREFUSED' || failures.length > 20) return agent.destroy();
      }
    }
  });
  return {
    reached: (wanted: number) => until(() => count >= wanted || failures.length > 0),
    /** Of all, once the last client was refused. */
    async failures(): Promise<string[]> {
      await Promise.all(all);
      return failures;
    },
  };
}
