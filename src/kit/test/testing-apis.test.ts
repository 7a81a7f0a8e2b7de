import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { PageContext } from '../pages/page.ts';
import { startTestApp } from '../testing/index.ts';
import { startProvider } from '../testing/provider.ts';
import { startSmallApi } from './helpers/asked.ts';
import { anyPage, smallSite } from './helpers/small-site.ts';

// A test app gives each API of the site the access token that site.ts says, and no test sets anything up for it.

type Calls = Pick<PageContext, 'params'> & { fetchApi: (name: string, path: string) => Promise<Response> };

/** A site with these APIs, each at a server that keeps what it was sent, and a page that calls one. */
async function startWith(apis: Record<string, object>, env: Record<string, string> = {}) {
  const api = await startSmallApi();
  onTestFinished(api.stop);
  const page = anyPage({
    ...{ path: '/call/:name', view: 'call' },
    model: async ({ fetchApi, params }: Calls) => ({
      answer: await (await fetchApi(params.name ?? '', '')).text(),
    }),
  });
  const named = Object.entries(apis).map(([name, more]) => [name, { url: `${api.url}/${name}`, ...more }]);
  const more = { apis: () => Object.fromEntries(named) };
  const small = smallSite({ views: { call: '<p><%= page.answer %></p>' }, pages: [page], more });
  const app = await startTestApp({ ...small, env });
  onTestFinished(() => app.stop());
  return { app, calls: api.calls, tokenOf: (url: string) => tokenIn(api.calls, url) };
}

const tokenIn = (calls: Awaited<ReturnType<typeof startSmallApi>>['calls'], url: string): string =>
  String(calls.findLast((call) => call.url === url)?.authorization).replace(/^Bearer /, '');

/** What a token says to an API that checks it. */
async function read(issuer: string, token: string): Promise<JWTPayload> {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  return (await jwtVerify(token, keys, { issuer, typ: 'at+jwt' })).payload;
}

describe('an API of a test app', () => {
  const usual = 'openid profile email offline_access';
  test.each([
    ['scope', { scope: 'api://notes/read' }, 'api://notes/read', undefined],
    ['resource', { resource: 'https://notes.example' }, usual, 'https://notes.example'],
    ['both', { resource: 'https://notes.example', scope: 'a b' }, 'a b', 'https://notes.example'],
    ['audience', { audience: 'notes' }, usual, 'notes'],
    ['exchange', { exchange: true, audience: 'notes' }, usual, 'notes'],
    ['exchange with a scope', { exchange: true, audience: 'notes', scope: 'a b' }, 'a b', 'notes'],
    ['exchange alone', { exchange: true }, usual, undefined],
  ])('gets a token by %s', async (_way, notes, scope, aud) => {
    const { app, tokenOf } = await startWith({ notes, plain: {} });
    const alice = await app.signIn('alice');
    expect((await alice.get('/call/notes')).text).toBe('{"plan":"gold"}');
    const claims = await read(app.provider.issuer, tokenOf('/notes'));
    expect(claims).toMatchObject({ sub: 'alice', client_id: 'test-app', auth_time: expect.any(Number) });
    expect([claims.scope, claims.aud]).toEqual([scope, aud]);
    expect((await alice.get('/call/plain')).status).toBe(200);
    expect(tokenOf('/plain')).not.toContain('.');
    expect(app.log.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  test('gets another token than the next one, each of its own provider', async () => {
    const apis = {
      notes: { resource: 'https://notes.example' },
      files: { resource: 'https://files.example' },
      photos: { resource: 'https://photos.example', providers: 'social' },
    };
    const { app, calls, tokenOf } = await startWith(apis, { OIDC_PROVIDERS: 'work,social' });
    const [alice, peggy] = [await app.signIn('alice'), await app.signIn('peggy', { provider: 'social' })];
    for (const name of ['notes', 'files']) expect((await alice.get(`/call/${name}`)).status).toBe(200);
    expect((await peggy.get('/call/photos')).status).toBe(200);
    for (const name of ['notes', 'files'] as const) {
      const { aud } = await read(app.providers.work?.issuer ?? '', tokenOf(`/${name}`));
      expect(aud).toBe(apis[name].resource);
    }
    const { aud, sub } = await read(app.providers.social?.issuer ?? '', tokenOf('/photos'));
    expect([aud, sub]).toEqual(['https://photos.example', 'peggy']);
    expect((await peggy.get('/call/notes')).status).toBe(403);
    expect(calls).toHaveLength(3);
  });

  test('gets a new token when the old one has run out, and none for a disabled account', async () => {
    const { app, tokenOf } = await startWith(
      { notes: { audience: 'notes' } },
      { SESSION_IDLE_MINUTES: '120' },
    );
    const alice = await app.signIn('alice');
    await alice.get('/call/notes');
    const first = tokenOf('/notes');
    await app.passTime('61m');
    expect((await alice.get('/call/notes')).status).toBe(200);
    expect(tokenOf('/notes')).not.toBe(first);
    alice.disable();
    await app.passTime('61m');
    expect((await alice.get('/call/notes')).status).not.toBe(200);
  });
});

describe('the provider of a test app', () => {
  test('refuses what a real one refuses, and takes no refresh token for it', async () => {
    const provider = await startProvider();
    onTestFinished(provider.stop);
    const redirectUri = 'http://127.0.0.1/auth/callback';
    provider.register({
      ...{ clientId: 'app', clientSecret: 'secret', redirectUri },
      postLogoutRedirectUri: 'http://127.0.0.1/signed-out',
      apis: [{ resource: 'https://notes.example', scope: 'notes.read' }, { audience: 'files' }],
    });
    const config = await client.discovery(new URL(provider.issuer), 'app', 'secret', undefined, {
      execute: [client.allowInsecureRequests],
    });
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const url = client.buildAuthorizationUrl(config, {
      ...{ redirect_uri: redirectUri, scope: 'openid offline_access', state: 'state', nonce: 'nonce' },
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    const answer = provider.visit(url, provider.accounts.signIn('alice', {}));
    const { access_token, refresh_token = '' } = await client.authorizationCodeGrant(
      config,
      new URL('location' in answer ? answer.location : ''),
      { pkceCodeVerifier, expectedState: 'state', expectedNonce: 'nonce' },
    );
    for (const [asked, error] of [
      // The sign-in was not granted it.
      [{ resource: 'https://notes.example' }, 'invalid_target'],
      [{ audience: 'unknown' }, 'invalid_target'],
      [{ scope: 'notes.write' }, 'invalid_scope'],
    ] as const)
      await expect(client.refreshTokenGrant(config, refresh_token, asked)).rejects.toMatchObject({ error });
    const exchange = (subject_token: string, more: Record<string, string> = {}) =>
      client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
        ...{ subject_token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', ...more },
      });
    for (const [token, asked, error] of [
      ['made up', {}, 'invalid_request'],
      [access_token, { subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' }, 'invalid_request'],
      [access_token, { resource: 'https://unknown.example' }, 'invalid_target'],
      [access_token, { scope: 'notes.write' }, 'invalid_scope'],
    ] as const)
      await expect(exchange(token, asked)).rejects.toMatchObject({ error });
    expect(
      (await exchange(access_token, { resource: 'https://notes.example' })).refresh_token,
    ).toBeUndefined();
    expect(
      (await client.refreshTokenGrant(config, refresh_token, { audience: 'files' })).access_token,
    ).toContain('.');
  });
});
