import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { openUpload, startProxied } from './helpers/proxied.ts';

// Large bodies through `proxy` are never held in memory: whoever is slower sets the pace.

const megabyte = 1024 * 1024;
const piece = Buffer.alloc(64 * 1024, 'a');

/** Writes so many bytes, and no more than the other side takes. */
async function writeAll(res: ServerResponse, bytes: number, counted: (sent: number) => void): Promise<void> {
  const closed = once(res, 'close');
  for (let sent = 0; sent < bytes && !res.destroyed; sent += piece.length) {
    if (!res.write(piece)) await Promise.race([new Promise((go) => void res.once('drain', go)), closed]);
    counted(sent);
  }
  res.end();
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** What buffers hold that somebody still needs, in bytes. */
function held(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

/** Resolves when a count has not changed for a while. */
async function stalled(count: () => number): Promise<void> {
  for (let before = -1; before !== count() || before === 0; ) {
    before = count();
    await sleep(300);
  }
}

test('an answer of 50 MB waits for whoever reads it, and then comes whole', { timeout: 60_000 }, async () => {
  let sent = 0;
  const { caller } = await startProxied({
    answer: (_req, res) =>
      void writeAll(res, 50 * megabyte, (count) => {
        sent = count;
      }),
  });
  const alice = await caller();
  const before = held();
  const answer = await alice.open();
  answer.pause();
  await stalled(() => sent);
  // What the system's own buffers hold, on two connections.
  expect(sent).toBeLessThan(25 * megabyte);
  let [got, most] = [0, held()];
  for await (const chunk of answer) {
    const last = got;
    got += chunk.length;
    if (Math.floor(got / megabyte) > Math.floor(last / megabyte)) most = Math.max(most, held());
  }
  expect(got).toBe(50 * megabyte);
  // Of the API, the app and the reader together.
  expect(most - before).toBeLessThan(15 * megabyte);
});

test('a body of 10 MB waits for an API that does not read', { timeout: 60_000 }, async () => {
  const { app, api, caller } = await startProxied({ answer: () => {}, reads: false });
  const upload = openUpload(app.url, await caller(), { 'Content-Length': String(10 * megabyte) });
  let sent = 0;
  const writing = (async () => {
    for (; sent < 10 * megabyte; sent += piece.length)
      if (!upload.outgoing.write(piece)) await once(upload.outgoing, 'drain');
    upload.outgoing.end();
  })();
  const { req, res } = await api.call(1);
  await stalled(() => req.socket.bytesRead);
  expect(req.socket.bytesRead).toBeLessThan(2 * megabyte);
  let got = 0;
  for await (const chunk of req) got += chunk.length;
  await writing;
  expect(got).toBe(10 * megabyte);
  res.end();
  expect((await upload.answer).statusCode).toBe(200);
});

test('a hundred of 1 MB at once, both ways, all come whole', { timeout: 60_000 }, async () => {
  const { caller } = await startProxied({ answer: (req, res) => void req.pipe(res), reads: false });
  const alice = await caller();
  const body = Buffer.alloc(megabyte, 'b');
  const answers = await Promise.all(Array.from({ length: 100 }, () => alice.send({ method: 'PUT', body })));
  expect(new Set(answers.map((one) => `${one.status} ${one.body.length}`))).toEqual(new Set(['200 1048576']));
});
