import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { createAgents, isSafe, type Way } from './agents.ts';
import { toHeaders } from './answer-headers.ts';
import { unpacked } from './content-encoding.ts';
import type { Route } from './internal-address.ts';
import { connectionHint, wasClosedMeanwhile } from './network-hints.ts';
import { opening } from './proxy.ts';

/** Nothing that a provider or an API says may take longer or be larger. */
const timeoutMs = 5_000;
const maxBytes = 1024 * 1024;
const longestDate = 40;

/** The other side did not answer: unreachable, too slow, or a gateway in front of it says so. */
export class Unreachable extends Error {
  override name = 'Unreachable';
  /** What may be wrong on our side. */
  hint: string | undefined;
  /** The Retry-After of a gateway. */
  retryAfter: string | undefined;
}

/** It answered, but no protocol message can look like that. */
export class UnusableAnswer extends Error {
  override name = 'UnusableAnswer';
}

interface FetchOptions {
  method?: string | undefined;
  headers?: Record<string, string> | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** One exchange, as health and telemetry see it: nothing of what was said in it. */
export interface ProviderCall {
  method: string;
  url: URL;
  /** How long it took. */
  ms: number;
  status?: number | undefined;
  /** The answer's Date header, epoch milliseconds. */
  date?: number | undefined;
  failure?: Unreachable;
}

export type ProviderFetch = (url: string, options: FetchOptions) => Promise<ProviderAnswer>;

/** An answer that has come whole: as a text or as JSON it can be read without a stream, which is dear, and again. */
export class ProviderAnswer extends Response {
  readonly content: Buffer;
  /** Who answered, to be named in a log. */
  override readonly url: string;

  constructor(status: number, headers: Headers, content: Buffer, url = '') {
    super(null, { status, headers });
    this.content = content;
    this.url = url;
  }

  /** The same with another ID token; `originalIdToken` still finds the one that came. */
  withIdToken(body: object & { id_token: string }, id_token: string): ProviderAnswer {
    const answer = new ProviderAnswer(this.status, this.headers, this.content, this.url);
    return Object.assign(answer, { json: async () => ({ ...body, id_token, [original]: body.id_token }) });
  }

  /** The same with another body. */
  withContent(content: string): ProviderAnswer {
    return new ProviderAnswer(this.status, this.headers, Buffer.from(content), this.url);
  }

  withBody(body: object): ProviderAnswer {
    return this.withContent(JSON.stringify(body));
  }

  override readonly text = async () => utf8.decode(this.content);
  override readonly json = async () => parseJson(utf8.decode(this.content));
  override readonly clone = () => this;
}

const original = Symbol('the ID token as it came');

/** The ID token of a token answer, as the provider sent it: it wants that one back as a hint. */
export function originalIdToken(answer: { id_token?: string | undefined }): string | undefined {
  return (answer as { [original]?: string })[original] ?? answer.id_token;
}

/** Leaves a byte order mark out, as Response does. */
const utf8 = new TextDecoder();

/** The same as anybody's Response, whose body may be read in any way. */
export function toResponse({ status, headers, content }: ProviderAnswer): Response {
  return new ApiAnswer(isBodiless(status) ? null : new Uint8Array(content), { status, headers });
}

class ApiAnswer extends Response {
  override readonly json = async () => parseJson(await this.text());

  override readonly clone = (): Response => {
    const { body, status, headers } = super.clone();
    return new ApiAnswer(body, { status, headers });
  };
}

/** JSON.parse quotes what it could not read, and that may be a token on its way into a log (R20). */
function parseJson(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    throw new SyntaxError('the answer is not JSON');
  }
}

const isBodiless = (status: number) => status === 204 || status === 205 || status === 304;

/**
 * A fetch over node:http with kept-alive connections: half the cost of the built-in one for a sign-in, and it
 * takes a client certificate (RFC 8705). Follows no redirect, ever (ASVS 15.3.2). Rejects with Unreachable or
 * UnusableAnswer.
 *
 * @param options.route where a request really goes; where it says, without one
 * @param options.observe called with each answer and each failure
 */
export function createProviderFetch(
  options: Way & {
    route?: ((url: URL) => Route) | undefined;
    observe?: ((call: ProviderCall) => void) | undefined;
    /** What says where it is, for hints. */
    setting?: string;
  },
): { fetch: ProviderFetch; close(): void } {
  const agents = createAgents(options);
  const { route = (url: URL): Route => ({ url, headers: {}, internal: false }) } = options;

  async function fetch(address: string, init: FetchOptions): Promise<ProviderAnswer> {
    const url = new URL(address);
    const way = route(url);
    const method = (init.method ?? 'GET').toUpperCase();
    const startedAt = performance.now();
    let status: number | undefined;
    const call = () => ({ method, url, ms: performance.now() - startedAt, status });
    try {
      const { message, body } = await send(way, init, agents.for(way.url, method)).catch((error) => {
        if (wasClosedMeanwhile(error) && isSafe(method))
          return send(way, init, agents.for(way.url, method, true));
        throw error;
      });
      status = message.statusCode ?? 502;
      if (status >= 502 && status <= 504) {
        const unreachable = new Unreachable(`${url.pathname} answered ${status}`);
        unreachable.retryAfter = message.headers['retry-after']?.slice(0, longestDate);
        throw unreachable;
      }
      const date = Date.parse(message.headers.date?.slice(0, longestDate) ?? '');
      options.observe?.({ ...call(), date: Number.isNaN(date) ? undefined : date });
      return new ProviderAnswer(status, toHeaders(message), await contentOf(message, body), url.href);
    } catch (error) {
      if (error instanceof UnusableAnswer) throw error;
      const failure =
        error instanceof Unreachable
          ? error
          : new Unreachable(`${way.url.host} does not answer`, { cause: error });
      // A gateway that answers is there.
      if (status === undefined) {
        const { tls, setting } = options;
        failure.hint = connectionHint(error, way, { ownCertificate: tls !== undefined, setting });
      }
      options.observe?.({ ...call(), failure });
      throw failure;
    }
  }

  return {
    fetch,
    close: agents.close,
  };
}

function send(
  { url, headers: ofRoute, servername }: Route,
  init: FetchOptions,
  agent: http.Agent,
): Promise<{ message: http.IncomingMessage; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const body = init.body == null ? undefined : String(init.body);
    const headers = {
      ...init.headers,
      ...ofRoute,
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    };
    const { request } = url.protocol === 'https:' ? https : http;
    let connection: Duplex | undefined;
    const options = {
      ...{ method: init.method ?? 'GET', headers, agent, servername },
      [opening]: (opened: Duplex) => {
        connection = opened;
      },
    };
    const outgoing = request(url, options);
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(Object.assign(error, { reusedSocket: outgoing.reusedSocket }));
    };
    // A request that Node has destroyed already emits no error, so nobody waits for one.
    const giveUp = (error: Error) => {
      outgoing.destroy(error);
      if (!outgoing.socket) connection?.destroy();
      fail(error);
    };
    // One timer over the whole exchange: a body that trickles in counts too.
    const timer = setTimeout(() => giveUp(new Unreachable(`no answer within ${timeoutMs} ms`)), timeoutMs);
    init.signal?.addEventListener('abort', () => giveUp(new Unreachable('given up')), { once: true });
    outgoing.on('error', fail);
    // We never ask for another protocol. Without a listener Node drops the connection, and no event tells.
    outgoing.on('upgrade', (message, socket) => {
      socket.destroy();
      fail(new UnusableAnswer(`${url.origin}${url.pathname} answered ${message.statusCode}`));
    });
    outgoing.on('response', (message) => {
      const chunks: Buffer[] = [];
      let size = 0;
      message.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) giveUp(new UnusableAnswer(tooLarge(url, message)));
        else chunks.push(chunk);
      });
      message.on('error', fail);
      message.on('end', () => {
        clearTimeout(timer);
        resolve({ message, body: Buffer.concat(chunks) });
      });
    });
    outgoing.end(body);
  });
}

function tooLarge({ origin, pathname }: URL, { statusCode }: http.IncomingMessage): string {
  return `${origin}${pathname} answered ${statusCode} with more than ${maxBytes} bytes`;
}

async function contentOf({ headers }: http.IncomingMessage, body: Buffer): Promise<Buffer> {
  try {
    return await unpacked(body, headers['content-encoding'], maxBytes);
  } catch (error) {
    throw new UnusableAnswer((error as Error).message);
  }
}
