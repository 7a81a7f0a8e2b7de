import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { startTestApp } from '../testing/index.ts';
import { smallSite } from './helpers/small-site.ts';

// `proxy` of an API in site.ts: scripts of our own pages reach the API with the user's token.

/** An API that keeps what came, and answers as the test says. */
async function startApi(answer: RequestListener = (_req, res) => void res.end()) {
  const calls: { req: IncomingMessage; body: Promise<string> }[] = [];
  const server = createServer((req, res) => {
    calls.push({ req, body: text(req) });
    answer(req, res);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { calls, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

async function startProxied(answer?: RequestListener) {
  const api = await startApi(answer);
  const proxy = '/api/notes';
  const app = await startTestApp(smallSite({ more: { apis: () => ({ notes: { url: api.url, proxy } }) } }));
  onTestFinished(() => app.stop());
  return { ...api, app, alice: await app.signIn('alice') };
}

test('a script of our own page reads and writes with the access token of its user', async () => {
  const { alice, calls } = await startProxied((_req, res) => {
    res.setHeader('Content-Type', 'application/json').setHeader('ETag', '"7"').end('{"id":7}');
  });
  const read = await alice.fetch('/api/notes/7?full=1');
  expect([read.status, read.body, read.headers.get('etag')]).toEqual([200, '{"id":7}', '"7"']);
  const written = await alice.fetch('/api/notes', { json: { text: 'Milk' } });
  expect(written.status).toBe(200);
  expect(calls.map(({ req }) => `${req.method} ${req.url}`)).toEqual(['GET /v1/7?full=1', 'POST /v1']);
  for (const { req } of calls) {
    expect(req.headers.authorization).toMatch(/^Bearer ./);
    expect(req.headers.cookie).toBeUndefined();
  }
  expect(await calls[1]?.body).toBe('{"text":"Milk"}');
});
