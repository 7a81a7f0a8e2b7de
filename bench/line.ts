import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A request that went over the line. */
export interface Trip {
  readonly who: 'browser' | 'server';
  readonly path: string;
  /** The first on its connection, which had to be made for it. */
  readonly isFresh: boolean;
}

/** A line to the provider that is as long as one likes, and counts who goes along it. */
export interface Line {
  readonly url: string;
  /** How long it takes there and back, in milliseconds. */
  roundTripMs: number;
  /** What has gone over it since it was last asked. */
  take(): Trip[];
  /** Closes all connections, as happens to those that nobody uses for a while. */
  hangUp(): void;
}

/** The longest head of a request that is looked at for its path. */
const requestLine = /^[A-Z]+ (\/[^ ?]*)/;

/**
 * Stands in front of the provider, for browsers and for servers. On the way there and on the way back everything takes
 * half a round trip. A connection can be used one round trip after it was asked for, as over TCP: whatever is sent
 * earlier waits. So a request costs one round trip on a connection that was kept open, and two on a new one.
 *
 * @param targetPort where the provider listens, once that is known
 */
export async function layLine(targetPort: () => number): Promise<Line> {
  let trips: Trip[] = [];
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: targetPort(), host: '127.0.0.1', noDelay: true });
    const usableAt = performance.now() + line.roundTripMs;
    let isFresh = true;
    open.add(near);
    near.once('close', () => {
      open.delete(near);
      far.destroy();
    });
    carry(near, far, usableAt, (chunk) => {
      // Small requests, one after the other: each begins a piece of its own. A body that follows matches nothing.
      const path = requestLine.exec(chunk.toString('latin1', 0, 200))?.[1];
      if (path === undefined) return;
      trips.push({ who: path === '/authorize' ? 'browser' : 'server', path, isFresh });
      isFresh = false;
    });
    carry(far, near, usableAt);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const line = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    roundTripMs: 0,
    take() {
      const taken = trips;
      trips = [];
      return taken;
    },
    hangUp() {
      for (const near of open) near.end();
    },
  };
  return line;

  /** Everything arrives half a round trip later, in the order in which it was sent, the end included. */
  function carry(from: Socket, to: Socket, usableAt: number, see?: (chunk: Buffer) => void): void {
    const underWay: (() => unknown)[] = [];
    const send = (arrive: () => unknown) => {
      const now = performance.now();
      underWay.push(arrive);
      setTimeout(() => underWay.shift()?.(), Math.max(now, usableAt) + line.roundTripMs / 2 - now);
    };
    from.on('data', (chunk: Buffer) => {
      see?.(chunk);
      send(() => to.write(chunk));
    });
    from.on('end', () => send(() => to.end()));
    from.on('error', () => to.destroy());
  }
}
