import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ask } from '../doctor/ask.ts';
import { createProviderFetch } from '../provider/fetch.ts';
import { createBrowser } from './helpers/browser.ts';
import { type Breaking, type ClosingFront, startClosingFront } from './helpers/closing-front.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import { expectHonestSignIn, type Pair, reasons, withPair } from './helpers/misbehaving-sign-in.ts';

// A server may close a connection that it kept whenever it likes, also just as our next request arrives.

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** A provider whose endpoints for the server stand behind a front that closes connections. */
async function behindFront(
  breaking: Breaking,
  headers: Record<string, string>,
  use: (pair: Pair, front: ClosingFront) => Promise<void>,
): Promise<void> {
  let origin = '';
  const front = await startClosingFront(() => origin, breaking, headers);
  endings.push(front.stop);
  const at = (path: string) => front.origin + path;
  const metadata = {
    token_endpoint: at('/token'),
    userinfo_endpoint: at('/userinfo'),
    jwks_uri: at('/jwks'),
    revocation_endpoint: at('/revoke'),
    pushed_authorization_request_endpoint: at('/par'),
  };
  const op = { profile: { ...plain, metadata: { ...plain.metadata, ...metadata } } };
  await withPair({ op, env: { API_URL: at('/api') } }, async (pair) => {
    origin = pair.op.origin;
    await use(pair, front);
  });
}

const announced = { 'keep-alive': 'timeout=1' };
const moments: [string, Breaking, Record<string, string>][] = [
  ['never', 'never', {}],
  ['right after it answered', 'after-answer', {}],
  ['when a further request arrives', 'on-reuse', {}],
  ['after a second, as it says, or when a further request arrives', 'on-reuse', announced],
  ['right after it answered, although it says a second', 'after-answer', announced],
];

describe.each(moments)('a provider that closes connections %s', (_, breaking, headers) => {
  test('signs everybody in, refreshes and signs out, and no code or token is sent twice', () =>
    behindFront(breaking, headers, async (pair, front) => {
      const { op, app } = pair;
      for (let i = 0; i < 4; i++) {
        const browser = createBrowser();
        op.next({ token: { json: { expires_in: 1 } } });
        const page = await expectHonestSignIn({ ...pair, open: (path) => browser.get(app.url(path)) });
        expect((await browser.get(app.url('/api-data'))).status).toBe(200);
        await browser.submit(page);
      }
      expect(reasons(app)).toEqual([]);
      expect(app.events('token.refreshed')).toHaveLength(4);
      const posts = (path: string) => front.seen.filter((line) => line === `POST ${path}`).length;
      // A code and a refresh token for each, a pushed request, a revocation.
      expect([posts('/token'), posts('/par'), posts('/revoke')]).toEqual([8, 4, 4]);
      expect(op.calls.token).toBe(8);
      // Each broken request was one that may be asked again.
      expect(front.broken.filter((line) => !line.startsWith('GET '))).toEqual([]);
    }));
});

describe('connections', () => {
  async function calm(breaking: Breaking = 'never', headers: Record<string, string> = {}) {
    const target = createServer((_req, res) => res.end('{}')).listen(0, '127.0.0.1');
    await once(target, 'listening');
    const front = await startClosingFront(
      () => `http://127.0.0.1:${(target.address() as AddressInfo).port}`,
      breaking,
      headers,
    );
    const { fetch, close } = createProviderFetch({});
    endings.push(async () => {
      close();
      await front.stop();
      target.close();
    });
    const ask = (method: string) =>
      fetch(`${front.origin}/x`, { method, ...(method !== 'GET' && { body: 'a=b' }) });
    return { front, ask };
  }

  test.each(['POST', 'GET'])('whose protocol changes after a %s are given up at once', async (method) => {
    const target = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
      );
    }).listen(0, '127.0.0.1');
    await once(target, 'listening');
    const { fetch, close } = createProviderFetch({});
    endings.push(async () => {
      close();
      target.close();
    });
    const { port } = target.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}/x`;
    await expect(fetch(address, { method })).rejects.toThrow('/x answered 101');
    await expect(ask(new URL(address)), 'the doctor').rejects.toThrow('answered 101');
  });

  test('are used again for what only reads', async () => {
    const { front, ask } = await calm();
    for (let i = 0; i < 5; i++) await ask('GET');
    expect(front.connections).toBe(1);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'post'])('are new for each %s', async (method) => {
    const { front, ask } = await calm('on-reuse');
    await ask('GET');
    for (let i = 0; i < 3; i++) await ask(method);
    expect([front.connections, front.broken]).toEqual([4, []]);
  });

  test('are not used again where the server closes them within a second', async () => {
    const { front, ask } = await calm('on-reuse', announced);
    for (let i = 0; i < 3; i++) await ask('GET');
    expect([front.connections, front.broken]).toEqual([3, []]);
  });

  test('that all broke meanwhile cost one request more, on a new one', async () => {
    const { front, ask } = await calm('on-reuse');
    await Promise.all(Array.from({ length: 5 }, () => ask('GET')));
    const before = front.connections;
    expect((await ask('GET')).status).toBe(200);
    expect([front.connections, front.broken]).toEqual([before + 1, ['GET /x']]);
  });
});
