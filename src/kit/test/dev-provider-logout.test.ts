import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleAccounts } from '../dev/accounts.ts';
import { createBrowser } from './helpers/browser.ts';
import { type IdentityProvider, startIdentityProvider } from './helpers/identity-provider.ts';
import { discover, startPlainClient } from './helpers/plain-client.ts';

let idp: IdentityProvider;
let app: Awaited<ReturnType<typeof startPlainClient>>;

beforeAll(async () => {
  app = await startPlainClient();
  idp = await startIdentityProvider({ redirectOrigin: app.origin });
});

afterAll(async () => {
  await idp.stop();
  app.stop();
});

describe('signing out at the development provider', () => {
  it('asks nothing when the ID token of who is signed in comes along', async () => {
    const browser = createBrowser();
    const { tokens, claims, config } = await app.signIn(idp, 'alice', {}, { browser });
    app.logouts.length = 0;
    const out = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: `${app.origin}/signed-out`,
      state: 'out',
    });
    const page = await browser.get(out.href, { follow: false });
    expect(page).toMatchObject({ status: 303, location: `${app.origin}/signed-out?state=out` });
    expect(app.logouts).toMatchObject([{ sub: 'alice', sid: claims.sid }]);
    expect(idp.listSessions().map(({ uid }) => uid)).not.toContain(claims.sid);
    await app.signIn(idp, 'bob', {}, { browser });
    expect(browser.visited.filter((line) => /^POST .*\/interaction\//.test(line))).toHaveLength(2);
  });

  it('asks when the ID token is missing or somebody else’s', async () => {
    const browser = createBrowser();
    const { tokens: bobs } = await app.signIn(idp, 'bob');
    const { config } = await app.signIn(idp, 'alice', {}, { browser });
    for (const more of [{}, { id_token_hint: bobs.id_token ?? '' }]) {
      const out = client.buildEndSessionUrl(config, {
        ...more,
        post_logout_redirect_uri: `${app.origin}/signed-out`,
      });
      const page = await browser.get(out.href);
      expect(page.body).toContain('Sign out of Development identity provider?');
      const stayed = await browser.submit(page, {}, { follow: false });
      expect(stayed.location).toBe(`${app.origin}/signed-out`);
    }
    const page = await browser.get(client.buildEndSessionUrl(config, {}).href);
    const left = await browser.submit(page, { logout: 'yes' });
    expect(left.body).toContain("You're no longer signed in");
  });

  it('redirects only to the registered address', async () => {
    const browser = createBrowser();
    const { tokens, config } = await app.signIn(idp, 'alice', {}, { browser });
    const out = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: `${app.origin}/elsewhere`,
    });
    expect(await browser.get(out.href)).toMatchObject({ status: 400, location: undefined });
  });
});

describe('the page of who is signed in', () => {
  it('ends one session by back-channel, or all of a user', async () => {
    const browser = createBrowser();
    const { claims } = await app.signIn(idp, 'frank', {}, { browser });
    await app.signIn(idp, 'frank');
    const [first, second] = idp.listSessions().filter(({ sub }) => sub === 'frank');
    expect((await browser.get(`${idp.issuer}/sessions`)).body).toContain(claims.sid as string);

    app.logouts.length = 0;
    const uid = first?.uid ?? '';
    const ended = await browser.post(`${idp.issuer}/sessions/end`, { uid });
    expect(ended.body).toContain('Notified web-app, which answered 200.');
    expect(app.logouts).toMatchObject([{ sub: 'frank', sid: claims.sid, typ: 'logout+jwt' }]);
    expect(idp.listSessions().map((session) => session.uid)).not.toContain(uid);

    app.logouts.length = 0;
    await browser.post(`${idp.issuer}/sessions/end`, { sub: 'frank' });
    expect(app.logouts).toHaveLength(1);
    expect(app.logouts[0]).toMatchObject({ sub: 'frank' });
    expect(app.logouts[0]).not.toHaveProperty('sid');
    expect(idp.listSessions().map((session) => session.uid)).not.toContain(second?.uid);
  });

  it('ends one by front-channel: a frame for each app', async () => {
    const { claims } = await app.signIn(idp, 'ivan');
    const uid = idp.listSessions().findLast(({ sub }) => sub === 'ivan')?.uid ?? '';
    const { body } = await createBrowser().post(`${idp.issuer}/sessions/frontchannel`, { uid });
    const query = new URLSearchParams({ iss: idp.issuer, sid: String(claims.sid) });
    expect(body.replaceAll('&amp;', '&')).toContain(`src="${app.origin}/auth/frontchannel-logout?${query}"`);
  });

  it('is not pressed by another website', async () => {
    await app.signIn(idp, 'dave');
    const uid = idp.listSessions().find(({ sub }) => sub === 'dave')?.uid ?? '';
    const answer = await createBrowser().post(
      `${idp.issuer}/sessions/end`,
      { uid },
      {},
      'https://evil.example/',
    );
    expect(answer.status).toBe(403);
    expect(idp.listSessions().map((session) => session.uid)).toContain(uid);
  });

  it('says plainly which app could not be notified', async () => {
    await app.signIn(idp, 'judy');
    idp.registerApp('http://localhost:1');
    const uid = idp.listSessions().find(({ sub }) => sub === 'judy')?.uid ?? '';
    const { body } = await createBrowser().post(`${idp.issuer}/sessions/end`, { uid });
    idp.registerApp(app.origin);
    expect(body).toContain("Couldn't notify web-app: ");
  });
});

describe('the provider’s pages', () => {
  it('offer every sample account, escaped, and carry no script', async () => {
    const config = await discover(idp);
    const url = await app.authorizationUrl(config, { login_hint: '<script>alert(1)</script>' });
    const { body } = await createBrowser().get(url.href);
    for (const { sub } of sampleAccounts) expect(body).toContain(`value="${sub}"`);
    expect(body).not.toMatch(/<script/i);
  });

  it('take nothing from elsewhere, and are in no frame, also those from inside the library', async () => {
    const browser = createBrowser();
    await app.signIn(idp, 'alice', {}, { browser });
    for (const [path, status] of [
      ...[['/', 200] as const, ['/sessions', 200] as const, ['/session/end', 200] as const],
      ...[['/session/end/success', 200] as const, ['/interaction/unknown', 400] as const],
      ['/auth?client_id="><script>alert(1)</script>', 400] as const,
      ['/session/end?id_token_hint="><script>alert(1)</script>', 400] as const,
    ]) {
      const page = await browser.get(idp.issuer + path);
      expect([page.status, page.headers.get('cache-control')], path).toEqual([status, 'no-store']);
      expect(page.headers.get('content-security-policy'), path).toMatch(
        /^default-src 'none'; .*frame-ancestors 'none'/,
      );
      expect(page.body, path).not.toMatch(/<script/i);
    }
  });

  it('say so when a sign-in is too old to go on', async () => {
    const page = await createBrowser().get(`${idp.issuer}/interaction/unknown`);
    expect(page.status).toBe(400);
    expect(page.body).toContain('This sign-in can&#39;t continue');
  });

  it('know no other name than the issuer’s, whatever the Host header says', async () => {
    const page = await createBrowser({ headers: { Host: 'evil.example' } }).get(
      `${idp.issuer}/.well-known/openid-configuration`,
    );
    expect(page.body).not.toContain('evil.example');
    expect(JSON.parse(page.body).token_endpoint).toBe(`${idp.issuer}/token`);
  });
});
