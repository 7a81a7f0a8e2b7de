import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Browsers and the usual proxies send the next request of a connection when the answer before has come. */
const mostAtOnce = 16;

const underWay = new WeakMap<Socket, number>();

/**
 * Ends a connection that has sent more requests than are answered (HTTP/1.1 pipelining): Node reads them all, and a
 * megabyte of them would hold up everybody else for seconds (R23).
 */
export function boundPipelines(server: Server): void {
  server.prependListener('request', ({ socket }: IncomingMessage, res: ServerResponse) => {
    const count = (underWay.get(socket) ?? 0) + 1;
    underWay.set(socket, count);
    res.once('close', () => underWay.set(socket, (underWay.get(socket) ?? 1) - 1));
    if (count > mostAtOnce) socket.destroy();
  });
}
