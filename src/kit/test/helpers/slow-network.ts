import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A network between the app and a server on this machine that a test can make slow, or silent. */
export interface Network {
  port: number;
  /** Milliseconds that each packet of an answer takes longer. */
  delay: number;
  /** From now on nothing comes through the connections there are; nobody closes them. New ones work. */
  loseConnections(): void;
  /** The same for new ones: they are accepted, and then there is silence. */
  silent: boolean;
  stop(): Promise<void>;
}

export async function startNetwork(to: number): Promise<Network> {
  const pairs = new Set<[Socket, Socket]>();
  const lost = new WeakSet<Socket>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    if (network.silent) lost.add(near);
    near.on('data', (data) => void (lost.has(near) || far.write(data)));
    far.on('data', (data) => {
      const deliver = () => void (lost.has(near) || near.destroyed || near.write(data));
      if (network.delay > 0) setTimeout(deliver, network.delay);
      else deliver();
    });
    for (const [one, two] of [pair, [far, near] as const]) {
      one.on('error', () => {});
      one.on('close', () => {
        pairs.delete(pair);
        if (!lost.has(near)) two.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const network: Network = {
    port: (server.address() as AddressInfo).port,
    delay: 0,
    silent: false,
    loseConnections() {
      for (const [near] of pairs) lost.add(near);
    },
    async stop() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return network;
}
