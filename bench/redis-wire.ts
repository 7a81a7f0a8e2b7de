import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Milliseconds since 1970, finer than Date.now; the provider tells its own moments so. */
export const now = () => performance.timeOrigin + performance.now();

/** What stood on the wire to Redis: a command that was sent, or a reply that came. */
interface Event {
  readonly at: number;
  readonly kind: 'sent' | 'replied';
  readonly count: number;
}

/**
 * Stands in front of Redis and counts whole commands and replies. INFO counts those inside scripts too, which cost no
 * way to Redis and back.
 */
export async function watchRedis(redisUrl: string) {
  const target = new URL(redisUrl);
  let events: Event[] = [];
  const server = createServer((client) => {
    const redis = connect(Number(target.port), target.hostname).setNoDelay();
    client.setNoDelay();
    relay(client, redis, 'sent');
    relay(redis, client, 'replied');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  function relay(from: Socket, to: Socket, kind: Event['kind']): void {
    let rest: Buffer = Buffer.alloc(0);
    from.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const { count, end } = wholeMessages(rest);
      rest = rest.subarray(end);
      if (count > 0) events.push({ at: now(), kind, count });
      to.write(chunk);
    });
    from.on('error', () => {});
    from.on('close', () => to.destroy());
  }

  return {
    url: `redis://127.0.0.1:${(server.address() as { port: number }).port}`,
    forget: () => {
      events = [];
    },
    commands: () => events.filter(({ kind }) => kind === 'sent').reduce((sum, { count }) => sum + count, 0),
    close: () => server.close(),
    /** How often somebody waited for Redis between two moments. */
    waitsBetween: (from: number, to: number) => waitsIn(events.filter(({ at }) => at >= from && at <= to)),
  };
}

/** Commands that are sent before a reply came share their way; one whose reply did not come was not waited for. */
function waitsIn(events: readonly Event[]): number {
  return events.filter(({ kind }, i) => kind === 'replied' && events[i - 1]?.kind === 'sent').length;
}

/** How many messages of RESP are whole, and where the last of them ends. */
function wholeMessages(bytes: Buffer): { count: number; end: number } {
  let count = 0;
  let end = 0;
  for (let next = endOf(bytes, 0); next !== -1; next = endOf(bytes, end)) {
    count += 1;
    end = next;
  }
  return { count, end };
}

/** Where the message that begins at `start` ends; -1 where it is not whole. */
function endOf(bytes: Buffer, start: number): number {
  const line = bytes.indexOf('\r\n', start);
  if (line === -1) return -1;
  const type = String.fromCharCode(bytes[start] as number);
  const number = Number(bytes.toString('latin1', start + 1, line));
  const after = line + 2;
  // Texts that say their length: bulk strings, verbatim strings, bulk errors.
  if ('$=!'.includes(type)) {
    if (number < 0) return after;
    return after + number + 2 <= bytes.length ? after + number + 2 : -1;
  }
  const parts = partsOf(type, number);
  let end = after;
  for (let part = 0; part < parts && end !== -1; part += 1) end = endOf(bytes, end);
  return end;
}

function partsOf(type: string, number: number): number {
  if ('*~>'.includes(type)) return Math.max(number, 0);
  return type === '%' ? number * 2 : 0;
}
