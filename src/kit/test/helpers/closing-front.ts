import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/**
 * When the front breaks a connection: never; as soon as it has answered on it; when the headers of a further request
 * arrive on it.
 */
export type Breaking = 'never' | 'after-answer' | 'on-reuse';

export interface ClosingFront {
  origin: string;
  /** How many connections were opened. */
  readonly connections: number;
  /** The requests that arrived, also those that it broke, such as `POST /token`. */
  seen: string[];
  /** Those that it broke. */
  broken: string[];
  stop(): Promise<void>;
}

/** A gateway in front of a provider that closes connections at moments of its own, always by a reset. */
export async function startClosingFront(
  target: () => string,
  breaking: Breaking,
  headers: Record<string, string> = {},
): Promise<ClosingFront> {
  const seen: string[] = [];
  const broken: string[] = [];
  const used = new WeakSet<Socket>();
  let connections = 0;
  const server = createServer((req, res) => {
    const { socket } = req;
    const line = `${req.method} ${req.url}`;
    seen.push(line);
    if (used.has(socket) && breaking === 'on-reuse') {
      broken.push(line);
      return void socket.resetAndDestroy();
    }
    used.add(socket);
    const options = { method: req.method, headers: req.headers, agent: false };
    const onward = request(target() + req.url, options, (answer) => {
      const { connection, 'keep-alive': _, ...rest } = answer.headers;
      res.writeHead(answer.statusCode ?? 502, { ...rest, ...headers });
      if (breaking === 'after-answer') res.on('finish', () => setImmediate(() => socket.resetAndDestroy()));
      answer.pipe(res);
    });
    onward.on('error', () => socket.destroy());
    req.pipe(onward);
  });
  // Node would announce when it closes, and so spoil the surprise.
  server.keepAliveTimeout = 0;
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    seen,
    broken,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
