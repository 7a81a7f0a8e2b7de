import type { Worker } from 'node:cluster';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptWaiting } from './connections.ts';
import type { FromWorker, ToWorker } from './worker.ts';

/** The address that all workers serve from. The first process accepts connections and hands each to a worker. */
export interface HandOver {
  /** Rejects with the listen error, such as EADDRINUSE. */
  listen(port: number, host: string | undefined): Promise<void>;
  /** This worker takes a connection, from its next `free` message on. */
  add(worker: Worker): void;
  /** Takes no connection more, and resolves when those that it has are handed over. */
  close(): Promise<void>;
}

/** Workers that are all too busy to take a connection for so long will not take it any more. */
const patienceMs = 1_500;

/**
 * In place of the distribution that node:cluster brings: that one stops listening when its last worker does, and resets
 * what it has accepted by then and what is on its way to a worker. Here the listening ends first, and a worker hears
 * that it has to finish after its last connection. Each has one on its way at a time, so none waits for a worker that
 * is busy while another is free.
 */
export function createHandOver(): HandOver {
  const free = new Set<Worker>();
  const waiting: Socket[] = [];
  let drained: (() => void) | undefined;
  // Nothing is read here. `noDelay`, which servers of http set, stays with the connection.
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (connection) => {
    // What one client does must not end the process that all depend on.
    connection.on('error', () => {});
    waiting.push(connection);
    handOver();
  });

  function handOver(): void {
    while (waiting.length > 0) {
      const [worker] = free;
      if (!worker) return;
      free.delete(worker);
      tell(worker, { kit: 'connection' }, waiting.shift());
    }
    drained?.();
  }

  return {
    async listen(port, host) {
      server.listen(port, host);
      await once(server, 'listening');
    },
    add(worker) {
      worker.on('message', (message: FromWorker) => {
        if (message?.kit !== 'free') return;
        free.add(worker);
        handOver();
      });
      worker.on('disconnect', () => void free.delete(worker));
    },
    async close() {
      await acceptWaiting(server);
      server.close();
      const allGone = new Promise<void>((resolve) => {
        drained = resolve;
      });
      handOver();
      await Promise.race([allGone, sleep(patienceMs, undefined, { ref: false })]);
    },
  };
}

/** A worker that has died hears nothing; that it died is noticed elsewhere. */
export function tell(worker: Worker, message: ToWorker, connection?: Socket): void {
  if (worker.isConnected()) worker.send(message, connection, () => {});
  else connection?.destroy();
}
