import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net';
import { onTestFinished } from 'vitest';

/** What an API got, with its body as far as it has come. */
export interface Call {
  req: IncomingMessage;
  res: ServerResponse;
  body: string;
  /** Resolves when the body has come whole. */
  whole: Promise<void>;
  /** Resolves when the connection has gone, or the answer. */
  closed: Promise<unknown>;
}

export interface ScriptedApi {
  /** Below it is what the app may reach. */
  url: string;
  calls: Call[];
  /** `GET /v1/7`, for each call so far. */
  lines(): string[];
  /** Resolves with the call of this number, from 1 on. */
  call(number: number): Promise<Call>;
  /** How many connections were opened to it. */
  readonly connections: number;
  now(answer: RequestListener): void;
  stop(): Promise<void>;
}

/**
 * An API that keeps what came, and answers as the test says.
 *
 * @param reads false: it never looks at a body
 */
export async function startScriptedApi(
  answer: RequestListener = (_req, res) => void res.end(),
  { reads = true } = {},
): Promise<ScriptedApi> {
  let does = answer;
  let connections = 0;
  const calls: Call[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((req, res) => {
    const call: Call = { req, res, body: '', whole: Promise.resolve(), closed: once(res, 'close') };
    if (reads) {
      call.whole = once(req, 'end').then(() => {});
      call.whole.catch(() => {});
      req.setEncoding('latin1').on('data', (text) => {
        call.body += text;
      });
      req.on('error', () => {});
    }
    calls.push(call);
    for (const tell of waiting.splice(0)) tell();
    does(req, res);
  });
  server.on('connection', () => void connections++);
  const stop = () => stopped(server);
  const port = await listen(server);
  onTestFinished(stop);
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    lines: () => calls.map(({ req }) => `${req.method} ${req.url}`),
    async call(number) {
      while (calls.length < number) await new Promise<void>((resolve) => waiting.push(resolve));
      return calls[number - 1] as Call;
    },
    get connections() {
      return connections;
    },
    now: (next) => {
      does = next;
    },
    stop,
  };
}

/** An API that answers whatever comes with these bytes, which need not be HTTP, and closes the connection. */
export async function startRawApi(
  answer: (socket: Socket) => void,
): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    let head = '';
    socket.setEncoding('latin1').on('data', (text) => {
      const had = head.includes('\r\n\r\n');
      head += text;
      if (had || !head.includes('\r\n\r\n')) return;
      seen.push(head);
      answer(socket);
    });
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    return stopped(server);
  });
  return { url: `http://127.0.0.1:${port}/v1`, seen };
}

async function listen(server: NetServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function stopped(server: Server | NetServer): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
  await closed;
}
