import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleAccounts } from '../dev/accounts.ts';
import { createBrowser } from './helpers/browser.ts';
import { type IdentityProvider, startIdentityProvider } from './helpers/identity-provider.ts';
import { discover, startPlainClient } from './helpers/plain-client.ts';

const scope = 'openid profile email offline_access';
const api = { audience: 'https://api.example.com/notes', scope: 'notes.read' };
let idp: IdentityProvider;
let app: Awaited<ReturnType<typeof startPlainClient>>;

beforeAll(async () => {
  app = await startPlainClient();
  idp = await startIdentityProvider({ redirectOrigin: app.origin, apis: [api] });
});

afterAll(async () => {
  await idp.stop();
  app.stop();
});

describe('a sign-in at the development provider', () => {
  it("gives roles, name and email in the ID token and by userinfo, as the article's IdentityServer4 does", async () => {
    const { tokens, claims, userinfo } = await app.signIn(idp, 'alice');
    expect(claims).toMatchObject({ sub: 'alice', roles: ['admin', 'member'], acr: 'urn:example:password' });
    expect(claims.auth_time).toBeTypeOf('number');
    expect(claims.sid).toBeTypeOf('string');
    expect(claims).toMatchObject({ name: 'Alice Adams', email: 'alice@example.com' });
    expect(await userinfo()).toMatchObject({ sub: 'alice', name: 'Alice Adams', email: 'alice@example.com' });
    expect(tokens.refresh_token).toBeTypeOf('string');
  });

  it('gives a refresh token only when offline_access is asked for', async () => {
    const { tokens } = await app.signIn(idp, 'alice', { scope: 'openid profile' });
    expect(tokens.refresh_token).toBeUndefined();
  });

  it('gives JWT access tokens for the API without the app naming it', async () => {
    const { tokens } = await app.signIn(idp, 'bob', { scope: `${scope} notes.read` });
    const keys = createRemoteJWKSet(new URL(`${idp.issuer}/jwks`));
    const { payload } = await jwtVerify(tokens.access_token, keys, {
      issuer: idp.issuer,
      audience: api.audience,
      typ: 'at+jwt',
    });
    expect(payload).toMatchObject({ sub: 'bob', client_id: 'web-app' });
    expect(String(payload.scope).split(' ')).toContain('notes.read');
    const { tokens: without } = await app.signIn(idp, 'bob');
    expect(without.scope).not.toContain('notes.read');
  });

  it('asks once, then not again until max_age, prompt or acr_values demand it', async () => {
    const browser = createBrowser();
    const asked = () => browser.visited.filter((line) => line.startsWith('POST')).length;
    await app.signIn(idp, 'alice', {}, { browser });
    const second = await app.signIn(idp, 'alice', {}, { browser });
    expect(asked()).toBe(1);
    expect(second.claims.acr).toBe('urn:example:password');
    await app.signIn(idp, 'alice', { prompt: 'login' }, { browser });
    expect(asked()).toBe(2);
    await app.signIn(idp, 'alice', { max_age: '0' }, { browser });
    expect(asked()).toBe(3);
    expect((await app.signIn(idp, 'alice', { acr_values: 'urn:example:mfa' }, { browser })).claims.acr).toBe(
      'urn:example:mfa',
    );
    expect(asked()).toBe(4);
    await app.signIn(idp, 'alice', { acr_values: 'urn:example:mfa' }, { browser });
    expect(asked()).toBe(4);
    await app.signIn(idp, 'alice', { prompt: 'select_account' }, { browser });
    expect(asked()).toBe(5);
  });

  it('keeps its cookies apart from those of the app, which shares the host name', async () => {
    const browser = createBrowser();
    await app.signIn(idp, 'alice', {}, { browser });
    const names = browser.setCookies.map(({ line }) => line.split('=')[0]);
    expect(names).not.toHaveLength(0);
    for (const name of names) expect(name).toMatch(/^idp-/);
  });

  it('refuses whoever leaves out PKCE, the secret, or names an address that is not registered', async () => {
    const config = await discover(idp);
    const params = { redirect_uri: `${app.origin}/auth/callback`, scope, state: 's' };
    const answer = await idp.signIn(
      createBrowser(),
      client.buildAuthorizationUrl(config, params).href,
      'alice',
    );
    expect(new URL(answer).searchParams.get('error')).toBe('invalid_request');
    const code_challenge = await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier());
    const plain = client.buildAuthorizationUrl(config, {
      ...params,
      code_challenge,
      code_challenge_method: 'plain',
    });
    const refused = await idp.signIn(createBrowser(), plain.href, 'alice');
    expect(new URL(refused).searchParams.get('error')).toBe('invalid_request');
    const elsewhere = client.buildAuthorizationUrl(config, {
      ...params,
      redirect_uri: `${app.origin}/auth/callback/`,
    });
    const page = await createBrowser().get(elsewhere.href);
    expect(page.status).toBe(400);
    expect(page.body).toContain('invalid_redirect_uri');
    const wrong = await discover(idp, client.ClientSecretBasic('wrong'));
    await expect(client.refreshTokenGrant(wrong, 'x')).rejects.toMatchObject({ status: 401 });
  });

  it('says access_denied when carol cancels, with state and iss', async () => {
    const { searchParams } = new URL(
      await idp.signIn(createBrowser(), (await app.authorizationUrl(await discover(idp))).href, 'carol'),
    );
    expect(Object.fromEntries(searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'some-state',
      iss: idp.issuer,
    });
  });

  it('says that grace signed in long ago, whatever max_age asks for', async () => {
    const { claims } = await app.signIn(idp, 'grace', { max_age: '60' }, { checkAge: false });
    expect(Number(claims.auth_time)).toBeLessThan(Date.now() / 1000 - 29 * 24 * 3600);
  });

  it('never lets judy reach the strong sign-in, and ivan always', async () => {
    const wanted = { acr_values: 'urn:example:mfa' };
    expect((await app.signIn(idp, 'judy', wanted)).claims.acr).toBe('urn:example:password');
    expect((await app.signIn(idp, 'ivan')).claims.acr).toBe('urn:example:mfa');
  });

  it('switches heidi off after her sign-in: the refresh answers invalid_grant', async () => {
    const { tokens, config } = await app.signIn(idp, 'heidi');
    expect(tokens.expires_in).toBe(40);
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('hands on the hostile claims as they are', async () => {
    const eve = sampleAccounts.find(({ sub }) => sub === 'eve');
    expect(await (await app.signIn(idp, 'eve')).userinfo()).toEqual({ sub: 'eve', ...eve?.claims });
  });

  it('lets somebody else sign in in the same browser, and tells the app that the first one left', async () => {
    const browser = createBrowser();
    const { claims: alice } = await app.signIn(idp, 'alice', {}, { browser });
    app.logouts.length = 0;
    const { claims: bob } = await app.signIn(idp, 'bob', { prompt: 'login' }, { browser });
    expect(bob.sub).toBe('bob');
    expect(bob.sid).not.toBe(alice.sid);
    expect(app.logouts).toMatchObject([{ sub: 'alice', sid: alice.sid }]);
  });
});

describe('tokens of the development provider', () => {
  it('rotates refresh tokens, and an old one ends the whole family', async () => {
    const { tokens, config } = await app.signIn(idp, 'alice');
    const first = tokens.refresh_token ?? '';
    const { refresh_token: second = '' } = await client.refreshTokenGrant(config, first);
    expect(second).not.toBe(first);
    await expect(client.refreshTokenGrant(config, first)).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(client.refreshTokenGrant(config, second)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('forgets a revoked refresh token and its access token, and spares those of other sign-ins', async () => {
    const browser = createBrowser();
    const one = await app.signIn(idp, 'alice', {}, { browser });
    const other = await app.signIn(idp, 'alice', {}, { browser });
    await client.tokenRevocation(one.config, one.tokens.refresh_token ?? '');
    await expect(client.refreshTokenGrant(one.config, one.tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    await expect(one.userinfo()).rejects.toThrow();
    expect(await other.userinfo()).toMatchObject({ sub: 'alice' });
    expect(
      (await client.refreshTokenGrant(other.config, other.tokens.refresh_token ?? '')).claims()?.sub,
    ).toBe('alice');
  });
});
