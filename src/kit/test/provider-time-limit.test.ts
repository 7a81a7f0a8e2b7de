import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createProviderFetch, Unreachable } from '../provider/fetch.ts';

// A call to the provider or an API takes five seconds at most, whatever the other side does (R21). docs/design.md says so.

const limitMs = 5_000;

let server: Server;
let calls: ReturnType<typeof createProviderFetch>;
let address: string;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  calls = createProviderFetch({});
  // Node's own timers of connections go on.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  calls.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

/** A call that has arrived, and what has become of it. */
async function begun() {
  const arrived = once(server, 'request');
  const outcome: { error?: unknown; status?: number } = {};
  const call = calls.fetch(address, {}).then(
    ({ status }) => void Object.assign(outcome, { status }),
    (error) => void Object.assign(outcome, { error }),
  );
  const [, response] = (await arrived) as [unknown, ServerResponse];
  return { outcome, call, response };
}

/** Lets what has arrived be read. */
async function turns() {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
}

test.each([
  ['says nothing', (_res: ServerResponse) => {}],
  ['has answered, and sends its body piece by piece', (res: ServerResponse) => void res.write('{"a":')],
])('a call whose other side %s is given up after five seconds, and not before', async (_what, answer) => {
  const { outcome, call, response } = await begun();
  answer(response);
  vi.advanceTimersByTime(limitMs - 1);
  await turns();
  expect(outcome).toEqual({});
  vi.advanceTimersByTime(1);
  await call;
  expect(outcome.error).toBeInstanceOf(Unreachable);
});

test('an answer just in time counts', async () => {
  const { outcome, call, response } = await begun();
  vi.advanceTimersByTime(limitMs - 1);
  response.end('{}');
  await call;
  expect(outcome).toEqual({ status: 200 });
});
