import type { IncomingMessage, ServerResponse } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import {
  expectInert,
  expectProblem,
  nextPiece,
  oneConnection,
  openUpload,
  proxyPath,
  startProxied,
} from './helpers/proxied.ts';

// Requests and answers stream through `proxy`.

const megabyte = 1024 * 1024;

describe('what an API answers', () => {
  test('comes with its status', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    for (const status of [200, 201, 202, 204, 205, 206, 299, 300, 303, 304, 400, 401, 402, 403, 404, 409]) {
      api.now((_req, res) => res.writeHead(status).end());
      expect((await alice.send()).status).toBe(status);
    }
    for (const status of [412, 418, 422, 429, 451, 499, 500, 501, 502, 503, 504, 511, 599]) {
      api.now((_req, res) => res.writeHead(status).end(`{"from":${status}}`));
      const answer = await alice.send({ method: 'POST' });
      expect([answer.status, answer.body]).toEqual([status, `{"from":${status}}`]);
      expectInert(answer);
    }
  });

  test('has no body with 205, whatever the API sends behind it (RFC 9110 §15.3.6)', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    const agent = oneConnection();
    api.now((_req, res) => res.writeHead(205, { 'Content-Type': 'text/html' }).end('<b>more</b>'));
    const { status, body, headers } = await alice.send({ agent });
    expect([status, body, headers['content-length']]).toEqual([205, '', '0']);
    api.now((_req, res) => void res.end('{}'));
    expect((await alice.send({ agent })).body).toBe('{}');
    agent.destroy();
  });

  test('has no body where there is none: HEAD, 204, 304', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    const agent = oneConnection();
    api.now((_req, res) => res.writeHead(200, { 'Content-Length': '1234', ETag: '"7"' }).end());
    const head = await alice.send({ method: 'HEAD', agent });
    expect([head.body, head.headers['content-length'], head.headers.etag]).toEqual(['', '1234', '"7"']);
    for (const status of [204, 304]) {
      api.now((_req, res) => res.writeHead(status, { ETag: '"7"' }).end());
      const { body, headers } = await alice.send({ agent });
      expect([body, headers.etag, headers['content-type']]).toEqual(['', '"7"', undefined]);
    }
    agent.destroy();
  });

  test('stays packed, and a part stays a part', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    const packed = gzipSync('a text '.repeat(100));
    api.now((_req, res) =>
      res.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': packed.length }).end(packed),
    );
    const { headers, body } = await alice.send();
    expect([headers['content-encoding'], headers['content-length']]).toEqual(['gzip', String(packed.length)]);
    expect(gunzipSync(Buffer.from(body, 'latin1')).toString()).toBe('a text '.repeat(100));
    api.now((req, res) =>
      res.writeHead(206, { 'Content-Range': `${req.headers.range}/9`.replace('=', ' ') }).end('bcd'),
    );
    const part = await alice.send({ headers: { Range: 'bytes=1-3' } });
    expect([part.status, part.headers['content-range'], part.body]).toEqual([206, 'bytes 1-3/9', 'bcd']);
  });

  test('comes piece by piece, while the API goes on', async () => {
    const { api, caller } = await startProxied({ answer: (_req, res) => void res.write('one') });
    const answer = await (await caller()).open();
    expect(await nextPiece(answer)).toBe('one');
    const { res } = await api.call(1);
    res.write('two');
    expect(await nextPiece(answer)).toBe('two');
    res.end('three');
    expect(await nextPiece(answer)).toBe('three');
    await vi.waitUntil(() => answer.complete);
  });

  test('uses one connection for one read after the other', async () => {
    const { api, caller } = await startProxied({ answer: (_req, res) => void res.end('a') });
    const alice = await caller();
    for (let count = 0; count < 5; count++) await alice.send();
    expect(api.connections).toBe(1);
  });
});

describe('what a script sends', () => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('arrives by %s, with a body or without', async (method) => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    const chunks = { 'Transfer-Encoding': 'chunked' };
    for (const [sent, headers] of [
      ['', {}],
      ['abc', { 'Content-Length': '3' }],
      ['abc', chunks],
      ['', chunks],
    ] as const) {
      expect((await alice.send({ method, body: sent, headers })).status).toBe(200);
      const call = api.calls.at(-1);
      await call?.whole;
      expect([call?.req.method, call?.body]).toEqual([method, sent]);
    }
  });

  test('of a GET or HEAD does not go out, and spoils nothing', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    const agent = oneConnection();
    for (const method of ['GET', 'HEAD', 'GET'])
      expect(
        (await alice.send({ method, agent, body: 'abc', headers: { 'Content-Length': '3' } })).status,
      ).toBe(200);
    expect(api.calls.map(({ body, req }) => [body, req.headers['content-length']])).toEqual(
      Array(3).fill(['', undefined]),
    );
    agent.destroy();
  });

  test('arrives piece by piece, while it goes on', async () => {
    const answerAfter = (req: IncomingMessage, res: ServerResponse) => void req.once('end', () => res.end());
    const { app, api, caller } = await startProxied({ answer: answerAfter });
    const { outgoing, answer } = openUpload(app.url, await caller());
    outgoing.write('one');
    const call = await api.call(1);
    await vi.waitUntil(() => call.body === 'one');
    outgoing.end('two');
    await call.whole;
    expect(call.body).toBe('onetwo');
    expect((await answer).statusCode).toBe(200);
  });

  test('may have 10 MB, announced or not', { timeout: 60_000 }, async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    const agent = oneConnection();
    const whole = Buffer.alloc(10 * megabyte, 'a');
    for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
      api.now((req, res) => void req.once('end', () => res.end()));
      expect((await alice.send({ method: 'PUT', body: whole, headers, agent })).status).toBe(200);
      expect(api.calls.at(-1)?.body.length).toBe(whole.length);
      const answer = await alice.send({ method: 'PUT', body: Buffer.concat([whole, whole]), headers, agent });
      expectProblem(answer, 413);
      expectProblem(
        await alice.send({ method: 'PUT', body: Buffer.alloc(10 * megabyte + 1), headers, agent }),
        413,
      );
    }
    // What was announced as too long was not sent at all; what only turned out to be was given up.
    expect(api.calls.map(({ req }) => req.complete)).toEqual([true, true, false, false]);
    agent.destroy();
  });

  test('leaves its connection usable after each refusal', { timeout: 60_000 }, async () => {
    const { api, caller } = await startProxied({ reads: false });
    const alice = await caller();
    const agent = oneConnection();
    const body = Buffer.alloc(5 * megabyte, 'a');
    const send = (headers = {}, path = proxyPath) =>
      alice.send({ method: 'POST', body, agent, headers, path });
    for (const chunked of [{}, { 'Transfer-Encoding': 'chunked' }]) {
      expect((await send({ ...chunked, 'Kit-Form': 'x' })).status).toBe(403);
      expect((await send({ ...chunked, Cookie: '' })).status).toBe(401);
      expect((await send(chunked, `${proxyPath}/..`)).status).toBe(400);
      // The API answers before it has read anything.
      api.now((_req, res) => res.writeHead(422).end('no'));
      expect((await send(chunked)).body).toBe('no');
    }
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    expect((await alice.send({ agent })).status).toBe(422);
    agent.destroy();
  });
});
