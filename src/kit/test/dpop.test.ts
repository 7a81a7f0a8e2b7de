import { randomBytes } from 'node:crypto';
import type { Express } from 'express';
import { decodeJwt, EmbeddedJWK, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { makeDpopKey } from '../provider/dpop-key.ts';
import { DpopNonces } from '../provider/dpop-nonces.ts';
import { ProviderAnswer } from '../provider/fetch.ts';
import type { Sessions, TokenRecord } from '../store/index.ts';
import { type DpopApi, startDpopApi } from './helpers/dpop-api.ts';
import { fetchFrom } from './helpers/fetch-from.ts';
import { expectHonestSignIn, expectPlainFailure, withPair } from './helpers/misbehaving-sign-in.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { expectWholeLife, withPairOf } from './helpers/whole-life.ts';

// OIDC_DPOP=true: access tokens that are worth nothing without a key of the session's own (RFC 9449).

const features = { dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true } };
const setup = {
  overrides: { features },
  client: { dpop_bound_access_tokens: true },
  env: { OIDC_DPOP: 'true' },
};
const accounts = [
  { sub: 'alice', purpose: '', claims: { name: 'Alice Adams' } },
  { sub: 'bob', purpose: '', claims: { name: 'Bob Baker' }, accessTokenSeconds: 1 },
];

test('signs in, refreshes and signs out where the token endpoint wants a nonce in every proof', () =>
  withPairOf(setup, async (pair) => {
    const errors: unknown[] = [];
    const note = (_ctx: unknown, { error }: { error: string }) => void errors.push(error);
    pair.provider.provider.on('grant.error', note);
    await expectWholeLife(pair);
    // Once, at the sign-in: the refresh goes on with the nonce that was given then.
    expect(errors).toEqual(['use_dpop_nonce']);
  }));

test('revokes the refresh token at the sign-out with a proof by the same key (RFC 9449 §5)', () => {
  const proofs: string[] = [];
  const stored: TokenRecord[] = [];
  const allowedPolicy = (ctx: { get(name: string): string }) => {
    proofs.push(ctx.get('dpop'));
    return true;
  };
  const revocation = { enabled: true, allowedPolicy };
  const overrides = { features: { ...features, revocation } };
  const routes = { wrap: (sessions: Sessions) => watch(sessions, stored) };
  return withPairOf({ ...setup, overrides, routes }, async (pair) => {
    const { page, browser } = await pair.signIn('alice');
    await browser.submit(page);
    expect(proofs).toHaveLength(1);
    const { payload, protectedHeader } = await jwtVerify(proofs[0] ?? '', EmbeddedJWK, { typ: 'dpop+jwt' });
    expect(payload).toMatchObject({ htm: 'POST', htu: `${pair.provider.issuer}/token/revocation` });
    const { x, y } = (stored[0]?.dpop_key ?? {}) as { x: string; y: string };
    expect(x).toEqual(expect.any(String));
    expect(protectedHeader.jwk).toMatchObject({ x, y });
  });
});

describe('an API that takes bound tokens only, and wants a nonce', () => {
  let api: DpopApi;
  let pair: Pair;
  const stored: TokenRecord[] = [];
  beforeAll(async () => {
    api = await startDpopApi();
    pair = await startPair({
      ...setup,
      accounts,
      apis: [{ audience: api.url, scope: 'notes.read' }],
      env: { ...setup.env, API_URL: api.url },
      routes: { mount, wrap: (sessions) => watch(sessions, stored) },
    });
    api.trustIssuer(pair.provider.issuer);
  });
  afterAll(async () => {
    await pair?.stop();
    api?.stop();
  });
  afterEach(() => {
    api.seen.length = 0;
    stored.length = 0;
  });

  function mount(app: Express) {
    app.get('/send', requireAuth(), async (req, res) => {
      const answer = await fetchFrom(req, `${api.url}/notes?x=1`, { method: 'POST', body: 'a note' });
      res.send(await answer.text());
    });
  }

  test('gets the token as DPoP with a proof, and a second proof with its nonce', async () => {
    const { page } = await pair.signIn('alice', '/api-data');
    expect([page.status, page.body.includes('alice')]).toEqual([200, true]);
    expect(api.seen.map(({ status, scheme }) => [status, scheme])).toEqual([
      [401, 'DPoP'],
      [200, 'DPoP'],
    ]);
    const [first, second] = api.seen;
    expect(first?.nonce).toBeUndefined();
    expect(second?.nonce).toEqual(expect.any(String));
    expect(page.body).not.toContain(second?.token);
  });

  test('gets a form again as it was, and each time its nonce changes', async () => {
    const { page, browser } = await pair.signIn('alice', '/send');
    expect(JSON.parse(page.body)).toEqual({ sub: 'alice', body: 'a note' });
    api.renewNonce();
    expect((await browser.get(pair.app.url('/send'))).status).toBe(200);
    const served = api.seen.filter(({ status }) => status === 200);
    expect(served.map(({ method, body }) => [method, body])).toEqual([
      ['POST', 'a note'],
      ['POST', 'a note'],
    ]);
  });

  test('is asked five times for five answers, by one person or by two: its nonce is kept', async () => {
    api.renewNonce();
    const { browser } = await pair.signIn('alice', '/api-data');
    await browser.get(pair.app.url('/send'));
    await browser.get(pair.app.url('/api-data'));
    const other = await pair.signIn('alice', '/api-data');
    await other.browser.get(pair.app.url('/send'));
    expect(api.seen.map(({ status }) => status)).toEqual([401, 200, 200, 200, 200, 200]);
    expect(JSON.stringify(stored)).not.toContain(api.seen.at(-1)?.nonce);
  });

  test('sees one key for a session, also after a refresh, and another for another session', async () => {
    const { browser } = await pair.signIn('bob', '/api-data');
    await browser.get(pair.app.url('/api-data'));
    await pair.signIn('bob', '/api-data');
    const served = api.seen.filter(({ status }) => status === 200);
    expect(pair.app.events('token.refreshed').length).toBeGreaterThanOrEqual(2);
    expect(new Set(served.map(({ token }) => token)).size).toBe(3);
    const [first, second, third] = served.map(({ key }) => key);
    expect(first).toEqual(expect.any(String));
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test('refuses the token to whoever holds it without the key', async () => {
    await pair.signIn('alice', '/api-data');
    const { token = '', nonce } = api.seen.at(-1) ?? {};
    expect(nonce).toBeDefined();
    for (const Authorization of [`Bearer ${token}`, `DPoP ${token}`]) {
      expect((await fetch(api.url, { headers: { Authorization } })).status).toBe(401);
    }
  });

  test('the key is kept with the tokens, in the record that is sealed, and nowhere else', async () => {
    const { page } = await pair.signIn('alice', '/profile');
    const [record] = stored;
    const { d } = (record?.dpop_key ?? {}) as { d: string };
    expect(d).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(pair.app.lines) + page.body).not.toContain(d);
  });
});

describe('nonces', () => {
  async function made() {
    const server = { issuer: 'https://op.example.com', token_endpoint: 'https://op.example.com/token' };
    const configuration = new oidc.Configuration(server, 'app');
    const key = await makeDpopKey();
    const nonces = new DpopNonces();
    const proofs: { url: string; nonce: unknown }[] = [];
    let next: string | undefined;
    const fetch = nonces.watch(async (url, { headers }) => {
      proofs.push({ url, nonce: decodeJwt(headers?.dpop ?? '').nonce });
      return new ProviderAnswer(
        200,
        new Headers(next === undefined ? {} : { 'dpop-nonce': next }),
        Buffer.of(),
      );
    });
    configuration[oidc.customFetch] = fetch as unknown as oidc.CustomFetch;
    return {
      proofs,
      async ask(url: string, gives?: string) {
        next = gives;
        const DPoP = nonces.handle(configuration, key);
        await oidc.fetchProtectedResource(configuration, 'a-token', new URL(url), 'GET', null, undefined, {
          DPoP,
        });
        return proofs.at(-1)?.nonce;
      },
    };
  }

  test('are those of the origin that gave them, until it gives another', async () => {
    const { ask } = await made();
    expect(await ask('https://a.example.com/x', 'first')).toBeUndefined();
    expect(await ask('https://b.example.com/x')).toBeUndefined();
    expect(await ask('https://a.example.com/y')).toBe('first');
    expect(await ask('https://a.example.com/y', 'second')).toBe('first');
    expect(await ask('https://a.example.com/x')).toBe('second');
  });

  test('that are too long or hold what no nonce may hold are not kept', async () => {
    const { ask } = await made();
    for (const bad of ['x'.repeat(501), 'a b', 'a"b', 'a\\b', '']) {
      await ask('https://a.example.com/x', bad);
      expect(await ask('https://a.example.com/x')).toBeUndefined();
    }
    await ask('https://a.example.com/x', 'x'.repeat(500));
    expect(await ask('https://a.example.com/x')).toBe('x'.repeat(500));
  });

  test('are kept of a hundred origins, the newest', async () => {
    const { ask } = await made();
    for (let i = 0; i <= 100; i++) await ask(`https://a${i}.example.com/`, `nonce-${i}`);
    expect(await ask('https://a0.example.com/')).toBeUndefined();
    expect(await ask('https://a1.example.com/')).toBe('nonce-1');
    expect(await ask('https://a100.example.com/')).toBe('nonce-100');
  });
});

/** Shows each token record that is written. */
function watch(sessions: Sessions, stored: TokenRecord[]): Sessions {
  const { createOnSave } = sessions;
  sessions.createOnSave = (session, record) => {
    if (record) stored.push(record);
    createOnSave.call(sessions, session, record);
  };
  return sessions;
}

describe('a provider that gives a Bearer token although DPoP was asked for', () => {
  const hint = expect.stringMatching(/gave a bearer token: .*OIDC_DPOP=false/);

  test('signs nobody in, and the log says what to do', () =>
    withPair({ env: { OIDC_DPOP: 'true' } }, async ({ app, open }) => {
      const page = await open('/profile');
      expectPlainFailure(page, app);
      expect(page.status).toBe(502);
      expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'provider_answer', hint }]);
    }));

  test('at a refresh is not believed either: the token is not used', () =>
    withPair({ env: { OIDC_DPOP: 'true', OIDC_USERINFO: 'false' } }, async (pair) => {
      const { op, app, open } = pair;
      op.next({ token: { json: { token_type: 'DPoP', expires_in: 1 } }, idToken: { name: 'Ada Example' } });
      await expectHonestSignIn(pair);
      expectPlainFailure(await open('/api-data'), app);
      expect(op.calls.api).toBe(0);
      expect(app.events('token.refresh_failed')).toMatchObject([{ hint }]);
    }));
});
