import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Whether a server can be reached, as a test says. */
export function createReach(server: Server) {
  let port = 0;
  let state: 'there' | 'away' | 'hanging' = 'away';

  /** Listens, at the same port as before. */
  async function open(): Promise<number> {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
    state = 'there';
    return port;
  }

  async function close(): Promise<void> {
    state = 'away';
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  return {
    open,
    close,
    isThere: () => state === 'there',
    isHanging: () => state === 'hanging',
    /** From now on requests are taken and never answered. */
    async hang(): Promise<void> {
      if (state === 'away') await open();
      state = 'hanging';
    },
    async comeBack(): Promise<void> {
      // Closing ends the requests that hang.
      if (state === 'hanging') await close();
      if (state === 'away') await open();
    },
  };
}
