import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../testing/processes.ts';
import { startApp } from './helpers/app.ts';
import { createBrowser, markOn } from './helpers/browser.ts';
import { clientId, clientSecret, startIdentityProvider } from './helpers/identity-provider.ts';
import { startScriptedApi } from './helpers/lying-api.ts';
import { hasNginx, startNginx } from './helpers/nginx.ts';
import { nextPiece, proxyPath, readAnswer, scripted } from './helpers/proxied.ts';
import { hasRedis, startRedis } from './helpers/redis-server.ts';

// `proxy` behind nginx, as deploy/nginx.conf says: it holds nothing back, and lets pass what the app takes.

/** What a test started, to be stopped when it ends: the last first. */
function stopLater<T extends { stop(): Promise<unknown> }>(started: T): T {
  onTestFinished(async () => void (await started.stop()));
  return started;
}

async function started(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const api = await startScriptedApi(answer);
  const ports = [await freePort(), await freePort()] as const;
  const nginx = stopLater(await startNginx(ports));
  const redis = stopLater(await startRedis());
  const { origin } = nginx;
  const provider = stopLater(await startIdentityProvider({ redirectOrigin: origin }));
  const env = {
    ...{ BASE_URL: origin, TRUST_PROXY_HOPS: '1', REDIS_URL: redis.url },
    ...{ OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret },
    SESSION_SECRET: 'the same secret for both instances',
  };
  const apis = () => ({ notes: { url: api.url, proxy: proxyPath } });
  for (const port of ports) stopLater(await startApp(env, port, { apis }));
  const browser = createBrowser({ ca: nginx.ca });
  const { location = '' } = await browser.get(`${origin}/profile`, { follow: false });
  const page = await browser.get(await provider.signIn(browser, location, 'alice'));
  const Cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = { ...scripted, Cookie, 'Kit-Form': markOn(page)['kit-form'] } as Record<string, string>;
  const agent = new Agent({ ca: nginx.ca });
  const open = (method: string, body?: Buffer, more: Record<string, string> = {}) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const url = origin + proxyPath;
      const outgoing = request(url, { method, agent, headers: { ...headers, ...more } }, resolve);
      outgoing.once('error', reject).end(body);
    });
  return { api, open, nginx };
}

describe.skipIf(!hasNginx || !hasRedis)('behind nginx', () => {
  test('events arrive one by one, at once', { timeout: 60_000 }, async () => {
    const { api, open } = await started((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
    });
    const stream = await open('GET', undefined, { Accept: 'text/event-stream' });
    const { res, closed } = await api.call(1);
    for (const event of ['data: one\n\n', 'data: two\n\n', 'data: three\n\n']) {
      res.write(event);
      expect(await nextPiece(stream)).toBe(event);
    }
    stream.destroy();
    await closed;
  });

  test('a body of 9 MB arrives, and one that is too large gets a 413', { timeout: 60_000 }, async () => {
    const { api, open, nginx } = await started((req, res) => void req.once('end', () => res.end('yes')));
    const sent = await readAnswer(await open('PUT', Buffer.alloc(9 * 1024 * 1024, 'a')));
    expect([sent.status, sent.body, api.calls[0]?.body.length]).toEqual([200, 'yes', 9 * 1024 * 1024]);
    const large = await open('PUT', Buffer.alloc(10 * 1024 * 1024 + 1)).then(
      ({ statusCode }) => statusCode,
      () => 413, // nginx may close the connection before all was sent.
    );
    expect(large).toBe(413);
    expect(nginx.complaints()).not.toMatch(/upstream (sent|prematurely)/);
  });

  test('a 503 of a body that was not sent again is not sent again by nginx', {
    timeout: 60_000,
  }, async () => {
    const { api, open } = await started((_req, res) => void res.destroy());
    const answer = await open('POST', Buffer.from('abc'));
    answer.resume();
    await once(answer, 'end');
    expect([answer.statusCode, api.calls.length]).toEqual([503, 1]);
  });
});
