import http from 'node:http';
import https from 'node:https';
import { type Duplex, pipeline, type Readable } from 'node:stream';
import { createAgents, isSafe, type Way } from './agents.ts';
import { Unreachable, UnusableAnswer } from './fetch.ts';
import type { Route } from './internal-address.ts';
import { connectionHint, wasClosedMeanwhile } from './network-hints.ts';
import { opening } from './proxy.ts';

/** A request whose body and answer are not kept in memory. */
export interface StreamRequest {
  method: string;
  headers: Record<string, string>;
  /** Sent once. */
  body: Readable | undefined;
  /** Gives the request up, also while its answer streams. */
  signal: AbortSignal;
}

export type OpenStream = (url: URL, request: StreamRequest) => Promise<http.IncomingMessage>;

/**
 * Requests over node:http, streamed both ways. Follows no redirect. How long the other side may take is the caller's to
 * say, by `signal`.
 *
 * @returns `open`, which rejects with Unreachable or UnusableAnswer before there is an answer
 */
export function createStreaming(options: Way & { route: (url: URL) => Route; setting: string }): {
  open: OpenStream;
  close(): void;
} {
  const { setting } = options;
  const agents = createAgents(options);

  async function open(url: URL, request: StreamRequest): Promise<http.IncomingMessage> {
    const way = options.route(url);
    const { method, body } = request;
    try {
      return await send(way, request, agents.for(way.url, method)).catch((error) => {
        if (wasClosedMeanwhile(error) && isSafe(method) && !body)
          return send(way, request, agents.for(way.url, method, true));
        throw error;
      });
    } catch (error) {
      if (error instanceof UnusableAnswer || error instanceof Unreachable) throw error;
      const failure = new Unreachable(`${way.url.host} does not answer`, { cause: error });
      failure.hint = connectionHint(error, way, { ownCertificate: options.tls !== undefined, setting });
      throw failure;
    }
  }

  return { open, close: agents.close };
}

function send(
  { url, headers: ofRoute, servername }: Route,
  { method, headers, body, signal }: StreamRequest,
  agent: http.Agent,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const { request } = url.protocol === 'https:' ? https : http;
    // A connection that sent a body is not used again. Still, asked to close it, a server may do so when it answers in the
    // middle of the body: what we are still sending then would break it before we have read the answer (RFC 9112 §9.6).
    const open = body ? { connection: 'keep-alive' } : {};
    let connection: Duplex | undefined;
    const outgoing = request(url, {
      ...{ method, headers: { ...headers, ...open, ...ofRoute }, agent, servername },
      [opening]: (opened: Duplex) => {
        connection = opened;
      },
    } as http.RequestOptions);
    const fail = (error: Error) => reject(Object.assign(error, { reusedSocket: outgoing.reusedSocket }));
    const giveUp = () => {
      const error = signal.reason instanceof Error ? signal.reason : new Unreachable('given up');
      outgoing.destroy(error);
      // Node has not given it to the request yet.
      if (!outgoing.socket) connection?.destroy();
      fail(error);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    outgoing.once('close', () => signal.removeEventListener('abort', giveUp));
    outgoing.on('error', fail);
    // We never ask for another protocol. Without a listener Node drops the connection without an event, and the call would wait.
    outgoing.on('upgrade', (message, socket) => {
      socket.destroy();
      fail(new UnusableAnswer(`${url.origin}${url.pathname} answered ${message.statusCode}`));
    });
    outgoing.on('response', resolve);
    // What goes wrong comes as an error of the request.
    if (body) pipeline(body, outgoing, () => {});
    else outgoing.end();
  });
}
