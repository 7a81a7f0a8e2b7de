import { once } from 'node:events';
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { graceMs } from './closing.ts';
import type { Config } from './config/index.ts';

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
    allClosed() {
      const closed = once(server, 'close');
      NetServer.prototype.close.call(server); // The one of http closes idle connections at once.
      return closed;
    },
  };
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
