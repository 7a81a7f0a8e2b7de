import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** What a Sentinel that a test makes up says: an address, that it knows none, or nothing at all. */
export type Says = { host?: string; port: number } | 'unknown' | 'nothing';

export interface StubSentinel {
  readonly url: string;
  /** From now on. */
  says: Says;
  /** How often it was asked. */
  readonly asked: number;
  stop(): Promise<void>;
}

/** A Sentinel that may be wrong, speaking just enough of the protocol. */
export async function startStubSentinel(says: Says): Promise<StubSentinel> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let rest = '';
    socket.on('data', (bytes) => {
      rest += bytes;
      for (let taken = takeCommand(rest); taken; taken = takeCommand(rest)) {
        rest = taken.rest;
        if (stub.says !== 'nothing') socket.write(answerTo(taken.words));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  function answerTo([command]: string[]): string {
    if (command === 'HELLO') return '%1\r\n$5\r\nproto\r\n:3\r\n';
    if (command !== 'SENTINEL') return '+OK\r\n';
    asked++;
    if (typeof stub.says === 'string') return '_\r\n';
    const { host = '127.0.0.1', port } = stub.says;
    return `*2\r\n${[host, `${port}`].map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  }

  let asked = 0;
  const stub: StubSentinel = {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    says,
    get asked() {
      return asked;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return stub;
}

/** The first command that has come as a whole; all are arrays of strings without line ends. */
function takeCommand(text: string): { words: string[]; rest: string } | undefined {
  const lines = text.split('\r\n');
  const count = Number(lines[0]?.slice(1));
  if (!lines[0]?.startsWith('*') || lines.length < 2 * count + 2) return undefined;
  const words = Array.from({ length: count }, (_, index) => lines[2 * index + 2] ?? '');
  return { words, rest: lines.slice(2 * count + 1).join('\r\n') };
}
