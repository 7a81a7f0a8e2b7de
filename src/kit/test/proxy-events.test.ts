import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type Caller,
  expectInert,
  expectProblem,
  nextPiece,
  openUpload,
  type Proxied,
  startProxied,
} from './helpers/proxied.ts';

// Server-sent events through `proxy`: they have no end of their own, so they end with the session or the app.

afterEach(() => void vi.useRealTimers());

const streaming = (_req: IncomingMessage, res: ServerResponse) => {
  res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
  res.flushHeaders();
};

/** What EventSource sends: it can send no header of ours. */
const eventSource = { headers: { Accept: 'text/event-stream', 'Kit-Form': undefined } };

async function started(): Promise<Proxied & { alice: Caller }> {
  const proxied = await startProxied({ answer: streaming });
  return { ...proxied, alice: await proxied.caller() };
}

/** Looks are due every three seconds. */
const fakeLooks = () => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
const looked = (count = 1) => vi.advanceTimersByTimeAsync(3_000 * count);

/** Resolves when a stream has ended as it should: with its last chunk. */
async function endOf(stream: IncomingMessage): Promise<void> {
  stream.resume();
  if (!stream.readableEnded) await once(stream, 'end');
  expect(stream.complete).toBe(true);
}

/** Resolves when a count has not changed for a while. */
async function stalled(count: () => number): Promise<void> {
  // On a busy machine one pause says nothing.
  for (let before = -1, pauses = 0; pauses < 4; ) {
    pauses = before === count() && before !== 0 ? pauses + 1 : 0;
    before = count();
    await sleep(200);
  }
}

describe('events', () => {
  test('arrive at once, and the answer before the first of them', async () => {
    const { api, alice } = await started();
    const stream = await alice.open(eventSource);
    expect([stream.statusCode, stream.headers['content-type']]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    expectInert(stream as never);
    const { res } = await api.call(1);
    for (const event of ['data: one\n\n', 'data: two\n\n']) {
      res.write(event);
      expect(await nextPiece(stream)).toBe(event);
    }
    const closed = once(stream, 'end');
    res.end();
    await closed;
  });

  test('may be hours apart, also where the script asked with a body', async () => {
    const { app, api, alice } = await started();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stream = await alice.open(eventSource);
    const { outgoing, answer } = openUpload(app.url, alice, {
      Accept: 'application/json, text/event-stream',
    });
    outgoing.write('a question');
    const posted = await answer;
    const [first, second] = [await api.call(1), await api.call(2)];
    outgoing.end(' and more');
    await vi.advanceTimersByTimeAsync(3_600_000);
    for (const [message, { res }] of [
      [stream, first],
      [posted, second],
    ] as const) {
      res.write('data: late\n\n');
      expect(await nextPiece(message)).toBe('data: late\n\n');
    }
    stream.destroy();
    posted.destroy();
    await Promise.all([first.closed, second.closed]);
  });

  test('end at the API when the page is closed, and nobody looks at the session any more', async () => {
    fakeLooks();
    const { api, alice } = await started();
    const before = vi.getTimerCount();
    const stream = await alice.open(eventSource);
    expect(vi.getTimerCount()).toBe(before + 1);
    stream.destroy();
    await (await api.call(1)).closed;
    await vi.waitUntil(() => vi.getTimerCount() === before);
  });
});

describe('the end of the session', () => {
  test.each<[string, (app: Proxied['app'], alice: Caller) => Promise<unknown>]>([
    ['by signing out', (_app, alice) => alice.person.signOut()],
    ['by an operator', (app) => app.endSessions('alice')],
    ['when nobody does anything for half an hour', (app) => app.passTime('31m')],
    ['at its absolute end', (app) => app.passTime('9h')],
    [
      'by a recheck, though nobody asks for anything else',
      (app, alice) => {
        alice.person.disable();
        return app.passTime('11m');
      },
    ],
  ])('%s ends its streams, and at the API', async (_name, end) => {
    fakeLooks();
    const { app, api, alice, caller } = await started();
    const streams = await Promise.all([alice.open(eventSource), alice.open(eventSource)]);
    await looked(2);
    expect(streams.map(({ readableEnded, destroyed }) => readableEnded || destroyed)).toEqual([false, false]);
    await end(app, alice);
    await looked();
    await Promise.all(streams.map(endOf));
    await Promise.all(api.calls.map(({ closed }) => closed));
    expectProblem(await alice.send(eventSource), 401);
    expect(api.calls).toHaveLength(2);
    expect((await (await caller('bob')).open(eventSource)).statusCode).toBe(200);
  });

  test('does not come by a recheck that goes well', async () => {
    fakeLooks();
    const { app, api, alice } = await started();
    const stream = await alice.open(eventSource);
    alice.person.setRoles(['member']);
    await app.passTime('11m');
    await looked();
    await app.logged('claims.changed');
    (await api.call(1)).res.write('data: one\n\n');
    expect(await nextPiece(stream)).toBe('data: one\n\n');
  });

  test('ends only its own', async () => {
    fakeLooks();
    const { api, alice, caller } = await started();
    const bob = await caller('bob');
    const [one, other] = [await alice.open(eventSource), await bob.open(eventSource)];
    await alice.person.endSession();
    await looked();
    await endOf(one);
    (await api.call(2)).res.write('data: still\n\n');
    expect(await nextPiece(other)).toBe('data: still\n\n');
  });

  test('breaks the stream of whoever does not read what came', async () => {
    fakeLooks();
    const { api, alice } = await started();
    const stream = await alice.open(eventSource);
    stream.pause();
    const { res, closed } = await api.call(1);
    const piece = `data: ${'a'.repeat(60_000)}\n\n`;
    for (let sent = 0; sent < 1_000; sent++) res.write(piece);
    await stalled(() => stream.socket.bytesRead);
    const gone = once(stream.socket, 'close');
    await alice.person.endSession();
    await looked(2);
    await closed;
    stream.on('error', () => {});
    stream.resume();
    await gone;
    expect(stream.complete).toBe(false);
  });
});

describe('a body that is still on its way', () => {
  test('is broken off with its session, and the API never has all of it', async () => {
    const { app, api, caller } = await startProxied({ answer: () => {} });
    const [alice, bob] = [await caller(), await caller('bob')];
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    const [ended, other] = [openUpload(app.url, alice), openUpload(app.url, bob)];
    ended.outgoing.write('one');
    const call = await api.call(1);
    other.outgoing.write('one');
    const others = await api.call(2);
    await alice.person.endSession();
    await looked(2);
    await call.closed;
    await expect(ended.answer).rejects.toThrow();
    expect(call.req.complete).toBe(false);
    other.outgoing.end('two');
    await others.whole;
    expect(others.body).toBe('onetwo');
    others.res.end();
    expect((await other.answer).statusCode).toBe(200);
  });

  test('is no reason to break off the stream that it asked for: that ends in order', async () => {
    const { app, api, caller } = await startProxied({ answer: () => {} });
    const alice = await caller();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    const { outgoing, answer } = openUpload(app.url, alice);
    outgoing.write('a slow');
    const call = await api.call(1);
    await looked(2);
    outgoing.end(' question');
    await call.whole;
    streaming(call.req, call.res);
    const stream = await answer;
    await alice.person.endSession();
    const ended = endOf(stream);
    await looked(1);
    await ended;
  });
});

describe('the idle end', () => {
  test('is not moved by a stream: neither by opening it, nor while it is open', async () => {
    const { app, api, alice } = await started();
    await app.passTime('20m');
    const stream = await alice.open(eventSource);
    await app.passTime('9m');
    (await alice.open(eventSource)).destroy();
    (await api.call(1)).res.write('data: one\n\n');
    expect(await nextPiece(stream)).toBe('data: one\n\n');
    await app.passTime('2m');
    expectProblem(await alice.send(), 401);
  });

  test('is moved by any other request', async () => {
    const { app, api, alice } = await started();
    api.now((_req, res) => void res.end());
    for (let count = 0; count < 4; count++) {
      await app.passTime('20m');
      expect((await alice.send()).status).toBe(200);
    }
  });
});
