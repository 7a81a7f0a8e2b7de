import type { Worker } from 'node:cluster';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptWaiting } from './connections.ts';
import type { FromWorker, ToWorker } from './worker.ts';

/** The address at which all workers answer. The first process accepts connections and hands each to a worker. */
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
  /** What is on its way to a worker, which reads nothing of it before it says that it is free again. */
  const onTheirWay = new Map<Worker, Socket>();
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
      const connection = waiting.shift() as Socket;
      onTheirWay.set(worker, connection);
      tell(worker, { kit: 'connection' }, connection);
    }
    drained?.();
  }

  function hasGone(worker: Worker): void {
    free.delete(worker);
    // It died before it took this one: another can still answer it. Otherwise its client would wait for ever.
    const connection = onTheirWay.get(worker);
    onTheirWay.delete(worker);
    if (connection) waiting.unshift(connection);
    handOver();
  }

  return {
    async listen(port, host) {
      server.listen(port, host);
      await once(server, 'listening');
    },
    add(worker) {
      worker.on('message', (message: FromWorker) => {
        if (message?.kit !== 'free') return;
        // Ours is a copy: the worker's goes on.
        onTheirWay.get(worker)?.destroy();
        onTheirWay.delete(worker);
        if (worker.isConnected()) free.add(worker);
        handOver();
      });
      // Of one that was killed while it sent us something, only the end is heard.
      for (const event of ['disconnect', 'exit'] as const) worker.on(event, () => hasGone(worker));
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

/** A worker that has died hears nothing; that it died is noticed elsewhere. A connection stays open here too. */
export function tell(worker: Worker, message: ToWorker, connection?: Socket): void {
  if (worker.isConnected()) worker.send(message, connection, { keepOpen: true }, () => {});
}
