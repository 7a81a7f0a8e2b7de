import * as client from 'openid-client';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp } from '../testing/index.ts';
import { startProvider } from '../testing/provider.ts';
import { siteFolder } from './helpers/app.ts';
import { site } from './site/site.ts';

const app = await startTestApp({ site, root: siteFolder });
afterAll(() => app.stop());
beforeEach(() => app.provider.comeBack());

describe('the provider of a test app', () => {
  test('goes away and comes back: whoever is signed in stays so, and nobody else gets in', async () => {
    const alice = await app.signIn('alice');
    await app.provider.goAway();
    await app.provider.goAway();
    await expect(fetch(app.provider.issuer)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    expect((await alice.get('/profile')).status).toBe(200);
    const visitor = await app.get('/profile');
    expect(visitor).toMatchObject({ path: '/profile', status: 302, asksToSignIn: true });
    expect(await app.visitor().signIn('bob')).toMatchObject({ status: 302, asksToSignIn: true });
    await expect(app.signIn('bob')).rejects.toThrow(
      'The provider is away: app.provider.comeBack() brings it back.',
    );
    await app.provider.comeBack();
    await app.provider.comeBack();
    expect((await app.signIn('bob')).page.path).toBe('/');
  });

  test('is away from the start, where a test says so before the first sign-in', async () => {
    await using other = await startTestApp({ site, root: siteFolder });
    await other.provider.goAway();
    expect((await other.visitor().signIn('alice')).status).toBe(503);
    expect((await other.get('/')).status).toBe(200);
  });

  test('hangs: what is asked of it gets no answer until it comes back', async () => {
    await app.provider.hang();
    let answered = false;
    const asked = fetch(`${app.provider.issuer}/jwks`).finally(() => {
      answered = true;
    });
    const failed = expect(asked).rejects.toThrow();
    // By then a request that is answered has been.
    expect((await app.fetch('/healthz')).status).toBe(200);
    expect(answered).toBe(false);
    await app.provider.comeBack();
    await failed;
    expect((await fetch(`${app.provider.issuer}/jwks`)).status).toBe(200);
  });

  test('hangs after it was away', async () => {
    await app.provider.goAway();
    await app.provider.hang();
    const signal = AbortSignal.timeout(100);
    await expect(fetch(app.provider.issuer, { signal })).rejects.toThrow('timeout');
  });

  test('takes nobody as a disabled account, until that is taken back', async () => {
    const alice = await app.signIn('alice');
    alice.disable();
    const refused = app.signIn('alice');
    await expect(refused).rejects.toThrow('The account is disabled: enable() takes that back.');
    const stranger = app.visitor();
    const page = await stranger.signIn('alice');
    expect(page.status).toBe(403);
    expect((await app.signIn('bob')).page.path).toBe('/');
    alice.enable();
    expect((await app.signIn('alice')).page.path).toBe('/');
  });
});

describe('tokens of the provider in memory', () => {
  async function prepare() {
    const provider = await startProvider();
    const redirectUri = 'http://127.0.0.1/auth/callback';
    provider.register({
      ...{ clientId: 'app', clientSecret: 'secret', redirectUri },
      postLogoutRedirectUri: 'http://127.0.0.1/signed-out',
    });
    const config = await client.discovery(new URL(provider.issuer), 'app', 'secret', undefined, {
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
    });
    const verifier = client.randomPKCECodeVerifier();
    const account = provider.accounts.signIn('alice', { roles: ['admin'] });
    const authorize = async () => {
      const answer = provider.visit(
        client.buildAuthorizationUrl(config, {
          ...{ redirect_uri: redirectUri, scope: 'openid offline_access', state: 'state', nonce: 'nonce' },
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        }),
        account,
      );
      return new URL('location' in answer ? answer.location : answer.post);
    };
    const checks = { pkceCodeVerifier: verifier, expectedState: 'state', expectedNonce: 'nonce' };
    const tokens = await client.authorizationCodeGrant(config, await authorize(), checks);
    return { provider, config, tokens, stop: provider.stop, authorize, checks };
  }

  test('say at a refresh and at userinfo what is so by now', async () => {
    const { provider, config, tokens, stop } = await prepare();
    provider.accounts.change('alice', (claims) => ({ ...claims, roles: [] }));
    const fresh = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(fresh.claims()).toMatchObject({ sub: 'alice', roles: [], sid: tokens.claims()?.sid });
    expect(fresh.claims()).not.toHaveProperty('nonce');
    expect(fresh.refresh_token).not.toBe(tokens.refresh_token);
    expect(await client.fetchUserInfo(config, fresh.access_token, 'alice')).toMatchObject({ roles: [] });
    await stop();
  });

  test('are refused for a disabled account, with the words that real servers use, and work again after', async () => {
    const { provider, config, tokens, stop } = await prepare();
    provider.accounts.setDisabled('alice', true);
    const refresh = () => client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    await expect(refresh()).rejects.toMatchObject({
      error: 'invalid_grant',
      error_description: 'user disabled',
    });
    const userinfo = () => client.fetchUserInfo(config, tokens.access_token, 'alice');
    await expect(userinfo()).rejects.toMatchObject({ status: 401 });
    provider.accounts.setDisabled('alice', false);
    expect((await userinfo()).sub).toBe('alice');
    expect((await refresh()).claims()?.sub).toBe('alice');
    await stop();
  });

  test('end: a code after a minute, an access token after an hour', async () => {
    await using other = await startTestApp({ site, root: siteFolder });
    const { config, tokens, stop, authorize, checks } = await prepare();
    const userinfo = () => client.fetchUserInfo(config, tokens.access_token, 'alice');
    await other.passTime('59m');
    expect((await userinfo()).sub).toBe('alice');
    const code = await authorize();
    await other.passTime('61s');
    await expect(client.authorizationCodeGrant(config, code, checks)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    await expect(userinfo()).rejects.toMatchObject({ status: 401 });
    expect((await client.refreshTokenGrant(config, tokens.refresh_token ?? '')).claims()?.sub).toBe('alice');
    await stop();
  });
});
