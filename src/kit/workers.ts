import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config/index.ts';
import { createHandOver, tell } from './hand-over.ts';
import type { Log } from './log/index.ts';
import type { FromWorker } from './worker.ts';

/** What a worker has to stop in, from its last connection on: ten seconds for requests, the rest for what `open` opened. */
const stopMs = 15_000;

/** How long a worker that died is waited for: growing, until one has lived so long that it is a new trouble. */
const shortestPauseMs = 100;
const longestPauseMs = 30_000;
const longLifeMs = 60_000;

/** The process that serves nobody itself. */
export interface Supervisor {
  /** Resolves when it listens and the first worker serves; rejects with the listen error. */
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
  let allStarted = false;
  let stopping = false;
  let exitCode = 0;
  let noneLeft: (() => void) | undefined;

  function fork(pauseMs = 0): void {
    // Each goes by this number, whatever `auto` would mean for it.
    const worker = cluster.fork({ WORKERS: String(count) });
    const { pid } = worker.process;
    let startedAt: number | undefined;
    running.add(worker);
    connections.add(worker);
    worker.on('message', (message: FromWorker) => {
      if (message?.kit !== 'started') return;
      startedAt = performance.now();
      started.add(worker);
      firstServes.resolve();
      if (!allStarted && started.size === count) {
        allStarted = true;
        log.info(`all ${count} workers have started`);
      }
      tellState();
    });
    const ended = (code: number | null, signal: string | null) => {
      if (!running.delete(worker)) return;
      started.delete(worker);
      if (stopping) {
        if (!isClean(code, signal)) exitCode ||= code || 1;
        if (running.size === 0) noneLeft?.();
        return;
      }
      // Before all have started once, whoever started us should know; and another try won't make settings right.
      if (!allStarted || code === 78) return void stop(code || 1);
      const lived = startedAt === undefined ? 0 : performance.now() - startedAt;
      const nextPauseMs = pauseAfter(lived, pauseMs);
      log.error({ pid, code, signal, restart_in_ms: nextPauseMs, hint: hintFor(signal) }, 'worker died');
      setTimeout(() => stopping || fork(nextPauseMs), nextPauseMs);
    };
    worker.on('exit', ended);
    worker.on('error', (error) => {
      // Where the system has no process for us, no exit follows.
      if (pid !== undefined) return;
      log.error({ err: error }, 'a worker could not be started');
      ended(1, null);
    });
  }

  function tellState(): void {
    for (const worker of running) tell(worker, { kit: 'state', allStarted, stopping });
  }

  async function stop(code: number): Promise<void> {
    exitCode ||= code;
    if (stopping) return;
    stopping = true;
    tellState();
    const gone = new Promise<void>((resolve) => {
      noneLeft = resolve;
      if (running.size === 0) resolve();
    });
    // Nobody was sent here before all had started.
    if (allStarted) await Promise.race([gone, sleep(config.shutdownDelaySeconds * 1000)]);
    const late = setTimeout(killAll, stopMs);
    await connections.close();
    for (const worker of running) tell(worker, { kit: 'finish' });
    await gone;
    clearTimeout(late);
    process.exit(exitCode);
  }

  function killAll(): void {
    for (const { process: late } of running) {
      log.error({ pid: late.pid }, 'worker did not stop in time: killed');
      late.kill('SIGKILL');
    }
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
