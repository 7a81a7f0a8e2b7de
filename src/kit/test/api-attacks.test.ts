import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { AnySite } from '../site.ts';
import { startTestApp } from '../testing/index.ts';
import { smallSite } from './helpers/small-site.ts';

// What could cost a session its tokens where an API has an access token of its own.

const proxy = '/api/notes';

/** An app with an API that has an access token of its own. */
async function startWith(signIn: NonNullable<AnySite['signIn']>) {
  const server = createServer((_req, res) => void res.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const more = { apis: () => ({ notes: { url, proxy, scope: 'notes' } }), signIn };
  const app = await startTestApp(smallSite({ more }));
  onTestFinished(() => app.stop());
  return app;
}

test('a call that signIn does not wait for uses up no refresh token that the session keeps', async () => {
  const called = Promise.withResolvers<number>();
  const app = await startWith(async ({ fetchApi }) => {
    fetchApi('notes', '/seen').then(({ status }: Response) => called.resolve(status), called.reject);
  });
  const alice = await app.signIn('alice');
  expect(await called.promise).toBe(200);
  await app.passTime('20m');
  expect((await alice.fetch(proxy)).status).toBe(200);
  expect(app.log.filter(({ event }) => event === 'token.refresh_failed')).toEqual([]);
});

test('a call that signIn makes when it has returned is refused, and the session keeps its tokens', async () => {
  const late = Promise.withResolvers<() => Promise<Response>>();
  const app = await startWith(async ({ fetchApi, reason }) => {
    if (reason === 'sign-in') late.resolve(() => fetchApi('notes', '/seen'));
  });
  const alice = await app.signIn('alice');
  await expect((await late.promise)()).rejects.toThrow(/had returned/);
  expect((await alice.fetch(proxy)).status).toBe(200);
});
