import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/index.ts';
import { graceMs } from './closing.ts';

/** What a server has to do with its connections. */
export interface Connections {
  /** Takes no new connection, and resolves when no connection is open any more. */
  allClosed(): Promise<unknown>;
}

/** Rejects with the listen error, such as EADDRINUSE. */
export async function listen(server: Server, { port, host }: Config): Promise<Connections> {
  server.listen(port, host);
  await once(server, 'listening');
  return {
    async allClosed() {
      await acceptWaiting(server);
      const closed = once(server, 'close');
      NetServer.prototype.close.call(server); // The one of http closes idle connections at once.
      return closed;
    },
  };
}

/** How long connections that go on coming are accepted at a stop. */
const acceptingMs = 250;

/**
 * Accepts the connections that wait in the system's queue, which would be reset when the server closes. Node takes one
 * in each turn of the event loop; after two turns without any, none waits.
 */
export async function acceptWaiting(server: NetServer): Promise<void> {
  let quietTurns = 0;
  const accepted = () => {
    quietTurns = 0;
  };
  server.on('connection', accepted);
  for (const end = performance.now() + acceptingMs; quietTurns < 2 && performance.now() < end; ) {
    quietTurns += 1;
    await new Promise(setImmediate);
  }
  server.off('connection', accepted);
}

/**
 * Takes no new connection and waits for the running requests. A proxy may be sending on a connection that it kept
 * just when we close it, and must not repeat a form: so each gets one answer more, which says that it is the last,
 * and only those that nobody uses for `idleMs` are closed without.
 */
export async function finish(
  server: Server,
  allClosed: Connections['allClosed'],
  idleMs: number,
): Promise<void> {
  server.prependListener('request', (_req, res) => void res.setHeader('Connection', 'close'));
  const closed = allClosed();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await Promise.race([closed, sleep(idleMs)]);
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
