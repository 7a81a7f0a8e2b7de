import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A request that is sent again and again. */
export interface Shot {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** Any answer that is not right ends the bench; without it, any whose status is no success. */
  readonly verifyBody?: (body: string) => boolean;
}

/**
 * One connection that asks the same again and again. Rounds are short, so that what else the machine does falls on
 * all alike: a load program would open its connections anew in each, and would use as much CPU as a fast server.
 */
export class Connection {
  readonly #shot: Shot;
  readonly #request: string;
  #socket: Socket | undefined;
  #came: Buffer[] = [];
  /** Of the answer that is coming: bytes in all, or -1 where it comes in chunks. */
  #length: number | undefined;
  #size = 0;
  #waiting: PromiseWithResolvers<void> | undefined;
  #lastUse = 0;

  constructor(shot: Shot) {
    this.#shot = shot;
    this.#request = requestOf(shot);
  }

  /** Servers close what was idle for some seconds; a request that comes just then would be lost. */
  async open(): Promise<void> {
    if (this.#socket && performance.now() - this.#lastUse < 2_000) return;
    this.#socket?.destroy();
    const { hostname, port } = new URL(this.#shot.url);
    const socket = connect(Number(port), hostname).setNoDelay();
    this.#socket = socket;
    await once(socket, 'connect');
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    // What went wrong ends in a close.
    socket.on('error', () => {});
    socket.on('close', () => {
      // One that was replaced while it was idle.
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#waiting?.reject(new Error(`${this.#shot.url}: closed in the middle of an answer`));
    });
  }

  /** One request and its answer. */
  async ask(): Promise<void> {
    if (!this.#socket) await this.open();
    this.#waiting = Promise.withResolvers();
    this.#socket?.write(this.#request);
    await this.#waiting.promise;
  }

  #take(chunk: Buffer): void {
    this.#came.push(chunk);
    this.#size += chunk.length;
    this.#length ??= lengthOf(chunk);
    const done = this.#length === -1 ? this.#endsInLastChunk() : this.#size >= this.#length;
    if (!done) return;
    const answer = this.#came.length === 1 ? chunk : Buffer.concat(this.#came);
    this.#came = [];
    this.#size = 0;
    this.#length = undefined;
    this.#lastUse = performance.now();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const wrong = this.#wrongIn(answer);
    if (wrong) waiting?.reject(new Error(`a wrong answer from ${this.#shot.url}:\n${wrong.slice(0, 500)}`));
    else waiting?.resolve();
  }

  /** It may come in a packet of its own, as Kestrel sends it, with the end of the line before it in another. */
  #endsInLastChunk(): boolean {
    if (this.#size < lastChunk.length) return false;
    return Buffer.concat(this.#came.slice(-2)).subarray(-lastChunk.length).equals(lastChunk);
  }

  #wrongIn(answer: Buffer): string | undefined {
    const { verifyBody } = this.#shot;
    // The first digit of the status: "HTTP/1.1 200 OK".
    if (answer[9] === 0x32 && (!verifyBody || verifyBody(answer.toString()))) return;
    return answer.toString();
  }
}

const lastChunk = Buffer.from('\r\n0\r\n\r\n');

/** Head and body; a head comes whole in the first packet, as all that answer here write it at once. */
function lengthOf(first: Buffer): number {
  const end = first.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: (\d+)/i.exec(first.toString('latin1', 0, end))?.[1];
  return length === undefined ? -1 : end + 4 + Number(length);
}

function requestOf({ url, method = 'GET', headers, body }: Shot): string {
  const { host, pathname, search } = new URL(url);
  const all = {
    host,
    ...headers,
    ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${pathname}${search} HTTP/1.1`, ...lines, '', body ?? ''].join('\r\n');
}
