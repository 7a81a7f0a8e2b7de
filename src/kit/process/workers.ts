import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import { longestStopMs } from './closing.ts';
import { createHandOver, tell } from './hand-over.ts';
import { type FromWorker, firstProcessId } from './worker.ts';

/** How long a worker that died is waited for: growing, until one has lived so long that it is a new trouble. */
const shortestPauseMs = 100;
const longestPauseMs = 30_000;
const longLifeMs = 60_000;

/** The first process, which answers no request itself. */
export interface Supervisor {
  /** Resolves when it listens and the first worker answers; rejects with the listen error. */
  listening: Promise<void>;
  /** Ends the process, with this code or that of a worker that failed. */
  stop(code: number): Promise<void>;
}

/**
 * Serves from several processes (WORKERS), each a whole instance of the app. The first worker starts alone, so what
 * `open` in site.ts prepares, such as tables, is there for the others, and what keeps the app from starting is said once.
 */
export function supervise({ workers: count, ...config }: Config, log: Log): Supervisor {
  const connections = createHandOver();
  const running = new Set<Worker>();
  const started = new Set<Worker>();
  const firstServes = Promise.withResolvers<void>();
  const allGone = Promise.withResolvers<void>();
  let allStarted = false;
  let stopping = false;
  let exitCode = 0;

  function fork(pauseMs = 0): void {
    const worker = forkWorker(count, { hasStarted, hasEnded });
    running.add(worker);
    connections.add(worker);

    function hasStarted(): void {
      started.add(worker);
      log.info({ pid: worker.process.pid }, 'worker started');
      firstServes.resolve();
      if (!allStarted && started.size === count) {
        allStarted = true;
        log.info(`all ${count} workers have started`);
      }
      tellState();
    }

    function hasEnded({ code, signal, livedMs, error }: Ending): void {
      running.delete(worker);
      started.delete(worker);
      if (error) log.error({ err: error }, 'a worker could not be started');
      if (stopping) {
        endedAtStop(code, signal);
        return;
      }
      // Until all have started once, whoever started us should know; and another try makes no settings right.
      if (!allStarted || code === 78) return void stop(code || 1);
      const nextPauseMs = pauseAfter(livedMs, pauseMs);
      const { pid } = worker.process;
      log.error(
        { pid, exit_code: code, signal, restart_in_ms: nextPauseMs, hint: hintFor(signal) },
        'worker died',
      );
      setTimeout(() => stopping || fork(nextPauseMs), nextPauseMs);
    }
  }

  function endedAtStop(code: number | null, signal: string | null): void {
    if (!isClean(code, signal)) exitCode ||= code || 1;
    if (running.size === 0) allGone.resolve();
  }

  function tellState(): void {
    for (const worker of running) tell(worker, { kit: 'state', allStarted, stopping });
  }

  async function stop(code: number): Promise<void> {
    exitCode ||= code;
    if (stopping) return;
    stopping = true;
    tellState();
    if (running.size === 0) allGone.resolve();
    // No load balancer sends anybody before all have started.
    if (allStarted) await Promise.race([allGone.promise, sleep(config.shutdownDelaySeconds * 1000)]);
    const late = setTimeout(() => killAll(running, log), longestStopMs);
    await connections.close();
    for (const worker of running) tell(worker, { kit: 'finish' });
    await allGone.promise;
    clearTimeout(late);
    process.exit(exitCode);
  }

  async function listen(): Promise<void> {
    await firstServes.promise;
    if (stopping) return;
    await connections.listen(config.port, config.host);
    if (stopping) return;
    log.info(`listening on ${config.baseUrl}`);
    for (let more = count - 1; more > 0; more -= 1) fork();
  }

  fork();
  return { listening: listen(), stop };
}

interface Ending {
  code: number | null;
  signal: string | null;
  /** How long it served: 0 if it had not started. */
  livedMs: number;
  /** The system had no process for us. */
  error?: Error;
}

function forkWorker(
  count: number,
  { hasStarted, hasEnded }: { hasStarted: () => void; hasEnded: (ending: Ending) => void },
): Worker {
  // It goes by our number, whatever `auto` would mean to it.
  const worker = cluster.fork({ WORKERS: String(count), [firstProcessId]: String(process.pid) });
  const { pid } = worker.process;
  let startedAt: number | undefined;
  worker.on('message', (message: FromWorker) => {
    if (message?.kit !== 'started') return;
    startedAt = performance.now();
    hasStarted();
  });
  worker.on('exit', (code: number | null, signal: string | null) =>
    hasEnded({ code, signal, livedMs: startedAt === undefined ? 0 : performance.now() - startedAt }),
  );
  // Where there is no process, no exit follows.
  worker.on('error', (error) => pid ?? hasEnded({ code: null, signal: null, livedMs: 0, error }));
  return worker;
}

function killAll(workers: Iterable<Worker>, log: Log): void {
  for (const { process: late } of workers) {
    log.error({ pid: late.pid }, 'worker did not stop in time: killed');
    late.kill('SIGKILL');
  }
}

/** How long to wait for a new worker, after one that had waited for `pauseMs` itself and then served for `livedMs`. */
export function pauseAfter(livedMs: number, pauseMs: number): number {
  if (livedMs >= longLifeMs) return shortestPauseMs;
  return Math.min(Math.max(2 * pauseMs, shortestPauseMs), longestPauseMs);
}

/** A signal to the whole process group may find a worker that has just begun, and knows no signals yet. */
function isClean(code: number | null, signal: string | null): boolean {
  return code === 0 || signal === 'SIGINT' || signal === 'SIGTERM';
}

function hintFor(signal: string | null): string {
  return signal === 'SIGKILL'
    ? 'If nobody killed it, the system did, as memory ran out: allow more memory, or set WORKERS to fewer.'
    : 'The last lines of its own log, with the same pid in service.instance.id, say why.';
}
