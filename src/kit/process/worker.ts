import cluster from 'node:cluster';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Connections } from './connections.ts';

/** What the first process says to a worker. A connection comes without: it is the handle of an empty message. */
export type ToWorker =
  | { kit: 'state'; allStarted: boolean; stopping: boolean }
  | { kit: 'connection' }
  | { kit: 'finish' };

/** What a worker says to the first process: it is ready; it has taken a connection and can take another. */
export type FromWorker = { kit: 'started' } | { kit: 'free' };

/** The first process, as one of its workers sees it. */
export interface FirstProcess {
  /** Have all workers started once? */
  allStarted(): boolean;
  /** Is it on its way out, and we with it? */
  stopping(): boolean;
  /** Serves what it hands over from now on. */
  serve(server: Server): Connections;
  /** Resolves when nothing more will be handed over, and running requests have to finish. */
  finish: Promise<'finish' | 'alone'>;
}

/** In a worker's environment: the process id of the first process, which started it. */
export const firstProcessId = 'WORKERS_FIRST_PROCESS';

/**
 * Whether something else than WORKERS has started this process by node:cluster, such as `pm2 -i`. That shares the port among
 * its workers by itself, and would never hand over a connection.
 */
export function isForeignWorker(env: NodeJS.ProcessEnv): boolean {
  return cluster.isWorker && env[firstProcessId] !== String(process.ppid);
}

/** For a worker of WORKERS. Undefined in a process that runs alone. */
export function firstProcess(): FirstProcess | undefined {
  const { worker } = cluster;
  if (!worker) return undefined;
  let state = { allStarted: false, stopping: false };
  let take = (connection: Socket) => void connection.destroy();
  const finish = new Promise<'finish' | 'alone'>((resolve) => {
    process.on('message', (message: ToWorker, connection?: Socket) => {
      if (message?.kit === 'state') state = message;
      if (message?.kit === 'finish') resolve('finish');
      if (message?.kit !== 'connection') return;
      // It is missing if the client has gone meanwhile.
      if (connection) take(connection);
      tell({ kit: 'free' });
    });
    worker.on('disconnect', () => {
      // The first process has died. Node would end us at once, and cut off whoever is waiting for an answer.
      worker.exitedAfterDisconnect = true;
      state = { ...state, stopping: true };
      resolve('alone');
    });
  });
  // They are for the first process, which hands them on: a Ctrl-C in a terminal reaches every process.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});

  return {
    allStarted: () => state.allStarted,
    stopping: () => state.stopping,
    serve(server) {
      const open = new Set<Socket>();
      let whenEmpty: (() => void) | undefined;
      take = (connection) => {
        open.add(connection);
        connection.on('close', () => {
          open.delete(connection);
          if (open.size === 0) whenEmpty?.();
        });
        // As a server that listens itself has it: a client may end its side and still wait for the answer.
        connection.allowHalfOpen = true;
        server.emit('connection', connection);
      };
      // From this event on Node looks for clients that are too slow (`headersTimeout`) or idle.
      server.emit('listening');
      tell({ kit: 'started' });
      tell({ kit: 'free' });
      return {
        allClosed: () =>
          new Promise<void>((resolve) => {
            whenEmpty = resolve;
            if (open.size === 0) resolve();
          }),
      };
    },
    finish,
  };
}

function tell(message: FromWorker): void {
  // A first process that has died hears nothing; that it died is noticed elsewhere.
  process.send?.(message, undefined, {}, () => {});
}
