import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../testing/processes.ts';
import { createBrowser } from './helpers/browser.ts';
import {
  type Bound,
  beginTrust,
  boundEnv,
  callNotes,
  issued,
  server,
  withBound,
} from './helpers/certificate-bound.ts';
import { startConnectProxy } from './helpers/connect-proxy.ts';
import { playHost } from './helpers/host-names.ts';
import { thumbprintOf, thumbprintShown } from './helpers/mutual-tls.ts';
import { nextPiece, openRequest, scripted } from './helpers/proxied.ts';
import { warningsOf, watchForms } from './helpers/whole-life.ts';

// OIDC_CERTIFICATE_BOUND_TOKENS=true: private_key_jwt says who the app is, and its tokens are bound to the certificate that
// it shows in TLS (RFC 8705 §3), against a provider and an API that demand it.

let endTrust = () => {};
beforeAll(() => {
  endTrust = beginTrust();
});
afterAll(() => endTrust());

const mtlsHost = 'mtls.example.test';
const endpoints = ['GET /me', 'POST /request', 'POST /token', 'POST /token/revocation'];

/** Signs in, calls the API as a page, refreshes, calls it as a script that streams, and signs out. */
async function expectBoundLife(bound: Bound, own: { cert: string }): Promise<void> {
  const { app, api, provider } = bound;
  const thumbprint = thumbprintOf(own);
  const revoked: unknown[] = [];
  provider.provider.on('grant.revoked', (_ctx: unknown, grant: string) => void revoked.push(grant));
  const { page, browser } = await bound.signIn('alice');
  expect([page.status, page.url], warningsOf(app)).toEqual([200, app.url('/profile')]);
  expect(await callNotes(bound, browser)).toBe(200);

  // The token has run out by now.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 * 60_000 });
  onTestFinished(() => void vi.useRealTimers());
  const cookie = `session=${browser.cookie('session')}`;
  const streamed = await openRequest(app.origin, {
    path: '/api/notes/events',
    headers: { ...scripted, Cookie: cookie },
  });
  expect([streamed.statusCode, await nextPiece(streamed)]).toEqual([200, 'data: one\n\n']);
  const ended = once(streamed, 'end');
  api.goOn();
  expect(await nextPiece(streamed)).toBe('data: two\n\n');
  await ended;

  expect(app.events('token.refreshed')).toHaveLength(1);
  expect(new Set(api.seen.map(({ token }) => token)).size).toBe(2);
  for (const { status, bound: to, shown } of api.seen)
    expect([status, to, shown]).toEqual([200, thumbprint, thumbprint]);
  const last = await browser.submit(page);
  expect([last.status, last.url.split('?')[0]]).toEqual([200, app.url('/signed-out')]);
  expect(revoked).toHaveLength(1);
  expect(warningsOf(app)).toBe('[]');
}

describe('a whole life', { timeout: 60_000 }, () => {
  test('at endpoints of their own: the certificate is shown there, and the API takes the tokens with it alone', async () => {
    const own = issued();
    await withBound({ clients: [own] }, async (bound) => {
      const { provider, api } = bound;
      const forms = watchForms(provider);
      await expectBoundLife(bound, own);
      expect([...new Set(provider.byAlias)].sort()).toEqual(endpoints);
      expect(new Set(provider.shown)).toEqual(new Set([thumbprintOf(own)]));
      for (const line of endpoints) expect(provider.plain).not.toContain(line);
      expect(forms.length).toBeGreaterThan(2);
      for (const { client_assertion = '' } of forms)
        expect(decodeProtectedHeader(client_assertion)['x5t#S256']).toBe(thumbprintOf(own));

      const { token = '' } = api.seen[0] ?? {};
      await expect(api.ask(token)).rejects.toThrow();
      expect(await api.ask(token, issued())).toBe(401);
      expect(await api.ask(token, own)).toBe(200);
    });
  });

  test('without such endpoints: at the plain ones, where TLS asks every client', async () => {
    const own = issued();
    const port = await freePort();
    const env = { OIDC_INTERNAL_URL: `https://localhost:${port}` };
    const front = { port, aliases: () => undefined };
    await withBound({ clients: [own], env, front }, async (bound) => {
      await expectBoundLife(bound, own);
      // Through OIDC_INTERNAL_URL, which leads all that the app asks to the server that asks for certificates.
      expect([...new Set(bound.provider.byAlias)].sort()).toEqual([
        'GET /.well-known/openid-configuration',
        'GET /jwks',
        ...endpoints,
      ]);
      expect(new Set(bound.provider.shown)).toEqual(new Set([thumbprintOf(own)]));
      for (const line of endpoints) expect(bound.provider.plain).not.toContain(line);
    });
  });

  test('with OIDC_INTERNAL_URL, endpoints at another host are asked there', async () => {
    const [own, internal] = [issued(), await freePort()];
    const front = { front: playHost(mtlsHost), host: mtlsHost };
    const inner = createServer({
      cert: server.cert,
      key: server.key,
      requestCert: true,
      rejectUnauthorized: false,
    });
    const seen: unknown[] = [];
    await once(inner.listen(internal, 'localhost'), 'listening');
    onTestFinished(() => void inner.close().closeAllConnections());
    const env = { OIDC_INTERNAL_URL: `https://localhost:${internal}` };
    await withBound(
      {
        ...{ clients: [own], env, front },
        started({ provider }) {
          const answer = provider.callback();
          inner.on('request', (req, res) => {
            seen.push([req.url, req.headers.host, thumbprintShown(req)]);
            answer(req, res);
          });
        },
      },
      async (bound) => {
        await expectBoundLife(bound, own);
        expect([...new Set(bound.provider.byAlias)].sort()).toEqual(endpoints);
        const { host } = new URL(bound.provider.issuer);
        expect(seen.slice(0, 2)).toEqual([
          ['/.well-known/openid-configuration', host, thumbprintOf(own)],
          ['/jwks', host, thumbprintOf(own)],
        ]);
        expect(bound.provider.plain.filter((line) => /configuration|jwks/.test(line))).toEqual([]);
      },
    );
  });

  test('through a proxy, which sees the certificate neither of the app nor where it asks for one itself', async () => {
    const own = issued();
    const proxy = await startConnectProxy({ tls: server });
    onTestFinished(() => proxy.stop());
    await withBound({ clients: [own], env: { HTTPS_PROXY: proxy.address() } }, async (bound) => {
      await expectBoundLife(bound, own);
      expect(new Set(proxy.asked).size).toBe(3);
      expect(proxy.asked).toContain(new URL(bound.api.url).host);
      expect(new Set(proxy.shown)).toEqual(new Set([false]));
    });
  });

  test('with assertions for the token endpoint, which go to its origin and that of its alias only', async () => {
    const own = issued();
    const front = { front: playHost(mtlsHost), host: mtlsHost };
    const env = { OIDC_CLIENT_ASSERTION_AUDIENCE: 'token_endpoint' };
    await withBound({ clients: [own], env: { ...env, OIDC_PAR: 'off' }, front }, async (bound) => {
      const forms = watchForms(bound.provider);
      await expectBoundLife(bound, own);
      expect([...new Set(bound.provider.byAlias)].sort()).toEqual(
        endpoints.filter((line) => !/request/.test(line)),
      );
      for (const { client_assertion = '' } of forms)
        expect(decodeJwt(client_assertion).aud).toBe(`${bound.provider.issuer}/token`);
    });
    const elsewhere = playHost('par.example.test');
    const strangers: string[] = [];
    const stranger = createServer({ cert: elsewhere.cert, key: elsewhere.key }, (req, res) => {
      strangers.push(`${req.method} ${req.url}`);
      res.end();
    });
    await once(stranger.listen(0, 'localhost'), 'listening');
    onTestFinished(() => void stranger.close().closeAllConnections());
    const par = `https://par.example.test:${(stranger.address() as AddressInfo).port}`;
    const aliases = (honest: object) => ({ ...honest, pushed_authorization_request_endpoint: `${par}/par` });
    await withBound({ clients: [own], env, front: { ...front, aliases } }, async ({ app }) => {
      const page = await createBrowser().get(app.url('/profile'));
      expect(page.status).toBe(503);
      expect(warningsOf(app)).toContain(
        `nothing was sent to ${par}: with OIDC_CLIENT_ASSERTION_AUDIENCE=token_endpoint`,
      );
    });
    expect(strangers).toEqual([]);
  });

  test('a recheck asks userinfo and a new token with the certificate', async () => {
    const own = issued();
    await withBound({ clients: [own], env: { SESSION_RECHECK_MINUTES: '10' } }, async (bound) => {
      const { browser } = await bound.signIn('alice');
      bound.provider.byAlias.length = 0;
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 });
      onTestFinished(() => void vi.useRealTimers());
      expect((await browser.get(bound.app.url('/profile'))).status).toBe(200);
      expect(bound.provider.byAlias).toEqual(['POST /token', 'GET /me']);
      expect(warningsOf(bound.app)).toBe('[]');
    });
  });
});

describe('the certificate', () => {
  test('is demanded at userinfo: a token without it is refused there', async () => {
    const own = issued();
    await withBound({ clients: [own] }, async (bound) => {
      const { browser } = await bound.signIn('alice');
      await callNotes(bound, browser);
      const { token = '' } = bound.api.seen[0] ?? {};
      const ask = () =>
        fetch(`${bound.provider.issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
      expect((await ask()).status).toBe(401);
    });
  });

  test('of the first of two keys is shown; after a swap a token of the other is refused once, and refreshed', async () => {
    const [first, second] = [issued(), issued()];
    await withBound({ clients: [first, second] }, async (bound) => {
      const { browser } = await bound.signIn('alice');
      expect(await callNotes(bound, browser)).toBe(200);
      const app = await bound.again(boundEnv([second, first]));
      onTestFinished(() => app.stop());
      expect(await callNotes({ app }, browser)).toBe(200);
      expect(await callNotes({ app }, browser)).toBe(200);
      const [one, two] = [thumbprintOf(first), thumbprintOf(second)];
      expect(bound.api.seen.map(({ status, bound: to, shown }) => [status, to, shown])).toEqual([
        [200, one, one],
        [401, one, two],
        [200, two, two],
        [200, two, two],
      ]);
      expect([app.events('token.refreshed').length, warningsOf(app)]).toEqual([1, '[]']);
    });
  });
});
