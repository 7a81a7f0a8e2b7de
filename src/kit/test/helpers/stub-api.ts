import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** One call, as the API saw it. */
export interface ApiCall {
  method: string;
  path: string;
  /** Without its scheme. */
  token: string;
  scheme: string;
  body: string;
  headers: IncomingMessage['headers'];
}

export interface StubAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export type StubApi = Awaited<ReturnType<typeof startStubApi>>;

/** An API that keeps what came with each call, and answers as `now` says; with a message before that. */
export async function startStubApi() {
  const calls: ApiCall[] = [];
  type Does = (call: ApiCall, res: ServerResponse) => StubAnswer | undefined;
  let does: Does = () => ({});
  const server = createServer(async (req, res) => {
    const [scheme = '', token = ''] = (req.headers.authorization ?? '').split(' ');
    const { method = '', url: path = '', headers } = req;
    const call = { method, path, token, scheme, body: await text(req), headers };
    calls.push(call);
    const answer = does(call, res);
    if (!answer) return;
    res.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    res.end(answer.body ?? '{"message":"hello"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    /** The tokens that came, each once, in the order in which they came first. */
    tokens: () => [...new Set(calls.map(({ token }) => token))],
    /** What it does from now on; undefined: the function has answered, or never will. */
    now(next: Does) {
      does = next;
    },
    async stop() {
      server.closeAllConnections();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

/** Refuses whatever token it is sent. */
export const challenged =
  (challenge: string, status = 401) =>
  (): StubAnswer => ({ status, headers: { 'www-authenticate': challenge }, body: '{}' });
