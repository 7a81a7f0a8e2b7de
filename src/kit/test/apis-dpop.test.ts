import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DpopApi, startDpopApi } from './helpers/dpop-api.ts';
import { exchanged } from './helpers/exchanged.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';
import { resourcesOf } from './helpers/resources.ts';
import { mountCalls, withApis } from './helpers/several-apis.ts';

// OIDC_DPOP=true: the access token of each API is bound to the session's key too (RFC 9449).

describe('two APIs that take bound tokens only, each with a nonce of its own', () => {
  let notes: DpopApi;
  let plans: DpopApi;
  let pair: Pair;
  beforeAll(async () => {
    [notes, plans] = await Promise.all([startDpopApi(), startDpopApi()]);
    const { url } = notes;
    const dPoP = { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true };
    pair = await startPair({
      overrides: { features: { ...resourcesOf({ [url]: 'read', [plans.url]: 'read' }), dPoP } },
      client: { dpop_bound_access_tokens: true },
      env: { OIDC_DPOP: 'true' },
      parts: {
        apis: () => ({ notes: { url, resource: url }, plans: { url: plans.url, resource: plans.url } }),
      },
      routes: { mount: mountCalls },
    });
    for (const api of [notes, plans]) api.trustIssuer(pair.provider.issuer);
  });
  afterAll(async () => {
    await pair?.stop();
    notes?.stop();
    plans?.stop();
  });
  beforeEach(() => {
    notes.seen.length = 0;
    plans.seen.length = 0;
  });

  // The API itself checks audience, htm, htu and ath of each call, and that the token is bound to the proof's key.
  test('are sent tokens of their own with proofs by one key, for their address, with their nonce', async () => {
    const { browser, page } = await pair.signIn('alice', '/call/notes');
    expect([page.status, JSON.parse(page.body).status]).toEqual([200, 200]);
    for (const path of ['/call/plans', '/call/notes', '/call/plans?path=/a%3Fb=1']) {
      expect(JSON.parse((await browser.get(pair.app.url(path))).body).status).toBe(200);
    }
    expect(notes.seen.map(({ status, scheme }) => [status, scheme])).toEqual([
      [401, 'DPoP'],
      [200, 'DPoP'],
      [200, 'DPoP'],
    ]);
    expect(plans.seen.map(({ status }) => status)).toEqual([401, 200, 200]);
    expect(new Set([...notes.seen, ...plans.seen].map(({ key }) => key)).size).toBe(1);
    expect(new Set([...notes.seen, ...plans.seen].map(({ token }) => token)).size).toBe(2);
    expect(notes.seen.at(-1)?.nonce).not.toBe(plans.seen.at(-1)?.nonce);
  });

  test('refuse the other one’s token', async () => {
    const { browser } = await pair.signIn('alice', '/call/notes');
    await browser.get(pair.app.url('/call/plans'));
    const [token = ''] = plans.seen.map((one) => one.token);
    const answer = await fetch(notes.url, { headers: { Authorization: `DPoP ${token}` } });
    expect(answer.status).toBe(401);
  });
});

const bound = { token: { json: { token_type: 'DPoP' } } };

test('an API’s token that is not bound is not used, and the refresh token that came with it is', () =>
  withApis(
    {
      apis: { notes: { scope: 'notes.read' }, plans: { scope: 'plans.read' } },
      env: { OIDC_DPOP: 'true', OIDC_USERINFO: 'false' },
    },
    async ({ op, app, call, open, answers, asked, notes, plans }) => {
      op.next(bound);
      expect((await open('/profile')).status).toBe(200);
      const dpop = ({ json }: { json?: object }) => ({ ...json, token_type: 'DPoP', id_token: undefined });
      answers(({ scope }, honest) => (scope === 'plans.read' ? { json: dpop(honest) } : undefined));
      const page = await call('notes');
      expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in again']);
      expect(app.events('token.refresh_failed')).toMatchObject([
        { api: 'notes', hint: expect.stringContaining('gave a bearer token') },
      ]);
      // This provider refuses a refresh token that was used before.
      expect((await call('plans')).status).toBe(200);
      expect([asked.length, notes.calls, plans.calls.map(({ scheme }) => scheme)]).toEqual([2, [], ['DPoP']]);
      expect(app.events('session.ended')).toEqual([]);
    },
  ));

test('an API’s token that is too long is not used, and the refresh token that came with it is', () =>
  withApis({ apis: { notes: { scope: 'notes.read' }, plans: { scope: 'plans.read' } } }, async (at) => {
    await at.open('/profile');
    at.answers(({ scope }, { json }) =>
      scope === 'notes.read'
        ? { json: { ...json, access_token: 'x'.repeat(16_001), id_token: undefined } }
        : undefined,
    );
    expect((await at.call('notes')).status).toBe(401);
    expect((await at.call('plans')).status).toBe(200);
    expect([at.asked.length, at.app.events('session.ended')]).toEqual([2, []]);
  }));

test('an exchanged token that is not bound is not used', () =>
  withApis(
    { apis: { notes: { exchange: true }, plans: {} }, env: { OIDC_DPOP: 'true', OIDC_USERINFO: 'false' } },
    async ({ op, call, open, answers, notes }) => {
      op.next(bound);
      await open('/profile');
      answers(() => exchanged());
      expect((await call('notes')).status).toBe(401);
      expect(notes.calls).toEqual([]);
    },
  ));
