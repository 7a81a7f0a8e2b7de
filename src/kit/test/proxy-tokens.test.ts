import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import { createBrowser, markOn } from './helpers/browser.ts';
import { startDpopApi } from './helpers/dpop-api.ts';
import { startPair } from './helpers/pair.ts';
import {
  expectInert,
  expectProblem,
  openRequest,
  proxyPath,
  readAnswer,
  scripted,
  startProxied,
} from './helpers/proxied.ts';

// What an API says about the access token of a proxied request, and what follows.

/** Takes only tokens that it has not refused before. */
function strict(refused: Set<string>) {
  return (req: IncomingMessage, res: ServerResponse) => {
    const ok = !refused.has(req.headers.authorization ?? '');
    res.writeHead(ok ? 200 : 401, ok ? {} : { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
    req.once('end', () => res.end(ok ? 'yes' : 'no'));
  };
}

describe('an API that refuses the token', () => {
  test('is asked again with a new one for what has no body', async () => {
    const refused = new Set<string>();
    const { app, api, caller } = await startProxied({ answer: strict(refused) });
    const alice = await caller();
    await alice.send();
    const token = () => api.calls.at(-1)?.req.headers.authorization ?? '';
    for (const method of ['GET', 'DELETE', 'POST', 'HEAD']) {
      refused.add(token());
      const before = api.calls.length;
      expect((await alice.send({ method })).status).toBe(200);
      expect(api.calls.length - before).toBe(2);
      expect(refused.has(token())).toBe(false);
      // Within a minute it would be no matter of tokens.
      await app.passTime('61s');
    }
  });

  test.each([{}, { 'Transfer-Encoding': 'chunked' }])(
    'never gets a body twice: 503, and the next try has the new token',
    async (headers) => {
      const refused = new Set<string>();
      const { api, caller } = await startProxied({ answer: strict(refused) });
      const alice = await caller();
      await alice.send();
      refused.add(api.calls[0]?.req.headers.authorization ?? '');
      const send = () => alice.send({ method: 'PUT', body: 'abc', headers });
      const first = await send();
      expectProblem(first, 503);
      expect(first.headers['retry-after']).toBe('1');
      expect(api.calls).toHaveLength(2);
      expect((await send()).body).toBe('yes');
      expect(api.calls).toHaveLength(3);
      expect(api.calls[2]?.body).toBe('abc');
    },
  );

  test('and each next one makes no circle: the script gets its 401, without the challenge', async () => {
    const { api, caller } = await startProxied({
      answer: (_req, res) =>
        res.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"', ETag: '"7"' }).end('no'),
    });
    const alice = await caller();
    const answer = await alice.send();
    expect([answer.status, answer.body, answer.headers.etag]).toEqual([401, 'no', '"7"']);
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expectInert(answer);
    expect(api.calls).toHaveLength(2);
  });

  test('for lack of a stronger sign-in has its demand passed on: 401', async () => {
    const demand = 'Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="60"';
    const { api, caller } = await startProxied({
      answer: (_req, res) => res.writeHead(401, { 'WWW-Authenticate': demand }).end('no'),
    });
    const alice = await caller();
    for (const [method, body] of [
      ['GET', undefined],
      ['POST', 'abc'],
    ] as const) {
      const answer = await alice.send({ method, ...(body && { body }) });
      expectProblem(answer, 401);
      expect(JSON.parse(answer.body)).toMatchObject({
        error: 'insufficient_user_authentication',
        acr_values: 'gold silver',
        max_age: 60,
      });
      expect(answer.headers.location).toBeUndefined();
    }
    expect(api.calls).toHaveLength(2);
  });

  test('for lack of a scope has its 403 passed on, and the log says what to register', async () => {
    const { app, caller } = await startProxied({
      answer: (_req, res) =>
        res
          .writeHead(403, { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="notes.write"' })
          .end('{"no":1}'),
    });
    const answer = await (await caller()).send({ method: 'POST', body: 'abc' });
    expect([answer.status, answer.body]).toEqual([403, '{"no":1}']);
    expect(app.log.find(({ error }) => error === 'insufficient_scope')).toMatchObject({
      name: 'notes',
      hint: expect.stringContaining('notes.write'),
    });
    expect(JSON.stringify(app.log)).not.toMatch(/Bearer [\w-]{10}/);
  });
});

test('an API that wants a nonce in the proof gets each body once (RFC 9449 §9)', async () => {
  const api = await startDpopApi();
  onTestFinished(() => api.stop());
  const features = { dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true } };
  const pair = await startPair({
    overrides: { features },
    client: { dpop_bound_access_tokens: true },
    env: { OIDC_DPOP: 'true' },
    apis: [{ audience: api.url, scope: 'notes.read' }],
    parts: { apis: () => ({ notes: { url: api.url, proxy: proxyPath } }) },
  });
  onTestFinished(() => pair.stop());
  api.trustIssuer(pair.provider.issuer);
  const browser = createBrowser();
  const { page } = await pair.signIn('alice', '/profile', browser);
  const Cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = { ...scripted, Cookie, 'Kit-Form': markOn(page)['kit-form'] };
  const send = async (method: string, body?: string) =>
    readAnswer(await openRequest(pair.app.origin, { method, headers, ...(body && { body }) }));
  const seen = () => api.seen.splice(0).map(({ status, body }) => [status, body]);

  const first = await send('POST', 'a note');
  expectProblem(first, 503);
  expect([first.headers['retry-after'], seen()]).toEqual(['1', [[401, 'a note']]]);
  expect((await send('POST', 'a note')).status).toBe(200);
  expect(seen()).toEqual([[200, 'a note']]);
  api.renewNonce();
  const read = await send('GET');
  expect([read.status, seen()]).toEqual([
    200,
    [
      [401, ''],
      [200, ''],
    ],
  ]);
  expectInert(read);
  expect(read.headers['dpop-nonce']).toBeUndefined();
});

describe('a recheck that is due', () => {
  test('is done at a proxied request: who lost their account is out, and nothing is sent', async () => {
    const { app, api, caller } = await startProxied();
    const [alice, bob] = [await caller('alice'), await caller('bob')];
    alice.person.disable();
    await app.passTime('11m');
    expectProblem(await alice.send({ method: 'POST', body: 'abc' }), 401);
    expectProblem(await alice.send(), 401);
    expect(api.calls).toEqual([]);
    expect((await bob.send()).status).toBe(200);
  });

  test('that a sign-in would refuse is out after a minute, and nothing is sent', async () => {
    const { app, api, caller } = await startProxied();
    const alice = await caller('alice');
    alice.person.setClaims({ more: 'x'.repeat(140_000) });
    await app.passTime('11m');
    expect((await alice.send()).status).toBe(200);
    await app.passTime('61s');
    const before = api.calls.length;
    expectProblem(await alice.send(), 401);
    expectProblem(await alice.send({ method: 'POST', body: 'abc' }), 401);
    expect(api.calls).toHaveLength(before);
  });

  test('that the site refuses ends the session', async () => {
    let isRefused = false;
    const signIn = () => {
      if (isRefused) throw refuse('Not any more.');
    };
    const { app, api, caller } = await startProxied({ small: { more: { signIn } as never } });
    const alice = await caller();
    isRefused = true;
    await app.passTime('11m');
    expectProblem(await alice.send(), 403);
    expectProblem(await alice.send(), 401);
    expect(api.calls).toEqual([]);
  });
});
