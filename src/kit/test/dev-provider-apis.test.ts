import { createRemoteJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenExchange } from '../dev/provider-exchange.ts';
import { type IdentityProvider, startIdentityProvider } from './helpers/identity-provider.ts';
import { startPlainClient } from './helpers/plain-client.ts';

// The development provider gives each of several APIs an access token of its own.

const notes = { audience: 'https://notes.example', scope: 'notes.read notes.write' };
const files = { audience: 'https://files.example', scope: 'files.read' };
const scope = `openid profile email offline_access ${notes.scope} ${files.scope}`;
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
let idp: IdentityProvider;
let app: Awaited<ReturnType<typeof startPlainClient>>;

beforeAll(async () => {
  app = await startPlainClient();
  idp = await startIdentityProvider({ redirectOrigin: app.origin, apis: [notes, files] });
});
afterAll(async () => {
  await idp.stop();
  app.stop();
});

const signIn = (resources: string[], account = 'alice', more = {}) =>
  app.signIn(idp, account, { scope, ...more }, { resources });

/** What a token says, its signature checked. */
async function read({ access_token }: { access_token: string }) {
  const keys = createRemoteJWKSet(new URL(`${idp.issuer}/jwks`));
  const { payload } = await jwtVerify(access_token, keys, { issuer: idp.issuer, typ: 'at+jwt' });
  return payload;
}

const scopes = ({ scope }: JWTPayload) =>
  String(scope)
    .split(' ')
    .filter((name) => name.includes('.'));

describe('access tokens for several APIs', () => {
  test('are for the first that the sign-in asked for, or the first of all where it asked for none', async () => {
    for (const [asked, aud] of [
      [[], notes.audience],
      [[notes.audience, files.audience], notes.audience],
      [[files.audience, notes.audience], files.audience],
    ] as const) {
      const { tokens } = await signIn([...asked]);
      expect(await read(tokens)).toMatchObject({ sub: 'alice', aud, client_id: 'web-app' });
    }
  });

  test('are for the API that a refresh names, with its scopes alone, and for none that was not granted', async () => {
    const { tokens, config } = await signIn([notes.audience, files.audience]);
    const refresh = async (refresh_token = '', parameters = {}) => {
      const fresh = await client.refreshTokenGrant(config, refresh_token, parameters);
      return { fresh, said: await read(fresh) };
    };
    const one = await refresh(tokens.refresh_token, { resource: files.audience });
    expect([one.said.aud, scopes(one.said)]).toEqual([files.audience, ['files.read']]);
    const other = await refresh(one.fresh.refresh_token, { resource: notes.audience, scope: 'notes.read' });
    expect([other.said.aud, scopes(other.said)]).toEqual([notes.audience, ['notes.read']]);

    for (const resource of [files.audience, 'https://unknown.example']) {
      const { tokens: some } = await signIn([notes.audience]);
      await expect(refresh(some.refresh_token, { resource })).rejects.toMatchObject({
        error: 'invalid_target',
      });
    }
  });

  test('open userinfo too, whichever they are for', async () => {
    const { tokens, config } = await signIn([notes.audience, files.audience]);
    const fresh = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', {
      resource: files.audience,
    });
    expect(await client.fetchUserInfo(config, fresh.access_token, 'alice')).toMatchObject({
      name: 'Alice Adams',
    });
  });

  test('say how and when the user signed in, also after a refresh (RFC 9470 §6)', async () => {
    const { tokens, config, claims } = await signIn([], 'alice', { acr_values: 'urn:example:mfa' });
    const how = { acr: 'urn:example:mfa', auth_time: claims.auth_time };
    expect(await read(tokens)).toMatchObject(how);
    const fresh = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(await read(fresh)).toMatchObject(how);
  });
});

describe('token exchange (RFC 8693)', () => {
  const exchange = (config: client.Configuration, subject_token: string, more = {}) =>
    client.genericGrantRequest(config, tokenExchange, {
      ...{ subject_token, subject_token_type: accessToken, ...more },
    });

  test.each([
    ['resource', { resource: files.audience }, files.audience, ['files.read']],
    ['audience', { audience: files.audience }, files.audience, ['files.read']],
    ['nothing', {}, notes.audience, ['notes.read', 'notes.write']],
    ['a scope', { scope: 'notes.read' }, notes.audience, ['notes.read']],
  ])('gives a token for the API that is named by %s', async (_what, asked, aud, granted) => {
    const { tokens, config, claims } = await signIn([]);
    const answer = await exchange(config, tokens.access_token, {
      requested_token_type: accessToken,
      ...asked,
    });
    expect(answer).toMatchObject({ issued_token_type: accessToken, token_type: 'bearer', expires_in: 300 });
    expect(answer).not.toHaveProperty('refresh_token');
    const said = await read(answer);
    expect(said).toMatchObject({ sub: 'alice', aud, client_id: 'web-app', acr: claims.acr });
    expect([scopes(said), said.auth_time]).toEqual([granted, claims.auth_time]);
  });

  test.each([
    ['for an unknown API', { resource: 'https://unknown.example' }, 'invalid_target'],
    ['with a scope of another API', { scope: 'files.read', resource: notes.audience }, 'invalid_scope'],
    [
      'of a refresh token',
      { subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'invalid_request',
    ],
    [
      'for an ID token',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      'invalid_request',
    ],
    ['of no token', { subject_token: 'made up' }, 'invalid_request'],
  ])('refuses one %s', async (_what, asked, error) => {
    const { tokens, config } = await signIn([]);
    await expect(exchange(config, tokens.access_token, asked)).rejects.toMatchObject({ error });
  });

  test('refuses the token of a person who is switched off, and one that was revoked', async () => {
    const heidi = await signIn([], 'heidi');
    await expect(exchange(heidi.config, heidi.tokens.access_token)).rejects.toMatchObject({
      error: 'invalid_request',
    });
    const alice = await signIn([]);
    await client.tokenRevocation(alice.config, alice.tokens.refresh_token ?? '');
    await expect(exchange(alice.config, alice.tokens.access_token)).rejects.toMatchObject({
      error: 'invalid_request',
    });
  });

  test('binds the new token to the key of the proof, which must be that of a bound subject token', async () => {
    const { config, tokens } = await signIn([]);
    const prove = async () => client.getDPoPHandle(config, await client.randomDPoPKeyPair());
    const grant = (subject_token: string, DPoP?: client.DPoPHandle) =>
      client.genericGrantRequest(
        config,
        tokenExchange,
        { subject_token, subject_token_type: accessToken },
        ...(DPoP ? [{ DPoP }] : []),
      );
    const key = await prove();
    const bound = await grant(tokens.access_token, key);
    expect(bound.token_type).toBe('dpop');
    expect((await read(bound)).cnf).toMatchObject({ jkt: await key.calculateThumbprint() });
    expect((await grant(bound.access_token, key)).token_type).toBe('dpop');
    for (const wrong of [undefined, await prove()])
      await expect(grant(bound.access_token, wrong)).rejects.toMatchObject({ error: 'invalid_request' });
  });
});

test('a provider for any API gives tokens for those that nobody registered, each for its own scopes', async () => {
  await using own = new AsyncDisposableStack();
  const any = await startIdentityProvider({ redirectOrigin: app.origin, apis: [notes], anyApi: true });
  own.defer(any.stop);
  const resources = ['https://orders.example', 'https://stock.example'];
  const scope = 'openid profile offline_access orders.read stock.read';
  const { config, tokens } = await app.signIn(any, 'alice', { scope }, { resources });
  let refresh_token = tokens.refresh_token ?? '';
  for (const [resource, scope] of [
    [resources[0], 'orders.read'],
    [resources[1], 'stock.read'],
  ] as const) {
    const fresh = await client.refreshTokenGrant(config, refresh_token, { resource: resource ?? '', scope });
    refresh_token = fresh.refresh_token ?? '';
    expect(decodeJwt(fresh.access_token)).toMatchObject({ sub: 'alice', aud: resource, scope });
  }
  const asked = { subject_token: tokens.access_token, subject_token_type: accessToken };
  const more = { audience: 'payments', scope: 'payments.read' };
  const exchanged = await client.genericGrantRequest(config, tokenExchange, { ...asked, ...more });
  expect(decodeJwt(exchanged.access_token)).toMatchObject({
    sub: 'alice',
    aud: 'payments',
    scope: more.scope,
  });
});
