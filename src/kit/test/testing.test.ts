import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express from 'express';
import * as client from 'openid-client';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { refuse } from '../errors/page-errors.ts';
import type { PageContext } from '../pages/page.ts';
import { startTestApp } from '../testing/index.ts';
import { startProvider } from '../testing/provider.ts';
import { siteFolder } from './helpers/app.ts';
import { hasRedis, startRedis } from './helpers/redis-server.ts';
import { anyPage, type SmallSite, smallSite } from './helpers/small-site.ts';
import { startSmall } from './helpers/test-app.ts';
import { site } from './site/site.ts';

const app = await startTestApp({ site, root: siteFolder });
afterAll(() => app.stop());

describe('signing in', () => {
  test('takes two lines, and goes the whole way', async () => {
    const alice = await app.signIn('alice', { claims: { roles: ['admin'], department: 'Lab' } });
    expect(alice.page.heading).toBe('Hello, Alice');
    const profile = await alice.get('/profile');
    for (const text of ['Alice', 'alice@example.com', 'Lab']) expect(profile.text).toContain(text);
    expect((await alice.get('/admin')).status).toBe(200);
    expect(app.log.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['sign_in.started', 'sign_in.succeeded']),
    );
  });

  test('ends on the page that was asked for', async () => {
    const alice = await app.signIn('alice', { path: '/profile?tab=2' });
    expect(alice.page.path).toBe('/profile?tab=2');
  });

  test('is each person for themselves', async () => {
    const [alice, bob] = await Promise.all([app.signIn('alice'), app.signIn('Bob Brown')]);
    expect((await alice.get('/')).heading).toBe('Hello, Alice');
    expect((await bob.get('/')).heading).toBe('Hello, Bob Brown');
    expect((await app.get('/')).heading).not.toContain('Hello');
  });

  test.skipIf(!hasRedis)(
    'works at an https address, with form_post and a client secret in the body',
    async () => {
      const redis = await startRedis();
      onTestFinished(() => redis.stop());
      const other = await startSmall(
        {},
        {
          ...{ BASE_URL: 'https://app.example.com', REDIS_URL: redis.url, TRUST_PROXY_HOPS: '1' },
          ...{ OIDC_RESPONSE_MODE: 'form_post', OIDC_CLIENT_AUTH: 'client_secret_post' },
        },
      );
      const alice = await other.signIn('alice');
      expect(alice.page.url).toBe('https://app.example.com/');
      expect((await alice.signOut()).path).toMatch(/^\/signed-out/);
    },
  );

  test('proves more where a page asks for more', async () => {
    const page = { view: 'home', title: 'Safe' };
    const other = await startSmall({
      pages: [
        anyPage({ ...page, path: '/fresh', access: { maxAgeSeconds: 60 } }),
        anyPage({ ...page, path: '/strong', access: { acr: 'mfa' } }),
      ],
    });
    const hourAgo = Math.floor(Date.now() / 1000) - 3_600;
    const alice = await other.signIn('alice', { claims: { auth_time: hourAgo, acr: 'pwd' } });
    for (const path of ['/fresh', '/strong']) {
      const seen = await alice.get(path);
      expect([seen.status, seen.path]).toEqual([200, path]);
    }
    const started = other.log.filter(({ event }) => event === 'sign_in.started');
    expect(started).toHaveLength(3);
  });

  test('says why it came to nothing', async () => {
    const other = await startSmall({}, { OIDC_ID_TOKEN_ALG: 'ES256' });
    const failed = other.signIn('alice');
    await expect(failed).rejects.toThrow(/signIn\('alice'\) did not sign in: .* answered \d{3}/);
    await expect(failed).rejects.toThrow('The log says: ');
    await expect(app.signIn('')).rejects.toThrow('signIn needs the name of an account');

    // Of the sign-in, and not of what the tool itself asked afterwards.
    const broken = await startSmall({ more: { signIn: () => Promise.reject(new Error('no such column')) } });
    await expect(broken.signIn('bob')).rejects.toThrow(
      'The log says: admission_failed, because of Error: no such column. What to do: fix `signIn` in site.ts',
    );
    const strict = await startSmall({
      more: { signIn: () => Promise.reject(refuse('You are not on the list.')) },
    });
    await expect(strict.signIn('bob')).rejects.toThrow(
      /^signIn\('bob'\) did not sign in: \/auth\/callback answered 403, .* You are not on the list\. .* `signIn` in site\.ts refuses this account: before the test signs it in, add it where `signIn` looks\.$/,
    );
  });

  test('is over after signing out, at the provider too', async () => {
    const alice = await app.signIn('alice');
    const page = await alice.signOut();
    expect(page.path).toMatch(/^\/signed-out/);
    expect((await alice.get('/profile')).asksToSignIn).toBe(true);
  });
});

describe('a visitor', () => {
  test('is asked to sign in, and stays where they are', async () => {
    const page = await app.get('/profile');
    expect(page).toMatchObject({ status: 302, path: '/profile', asksToSignIn: true });
    expect((await app.get('/')).asksToSignIn).toBe(false);
  });

  test('may become somebody, in the same browser', async () => {
    const visitor = app.visitor();
    expect((await visitor.get('/')).links.map(({ name }) => name)).toContain('Sign in');
    expect((await visitor.signIn('carol')).heading).toBe('Hello, Carol');
    expect((await visitor.get('/')).heading).toBe('Hello, Carol');
  });

  test('gets a 401 as a script', async () => {
    expect((await app.fetch('/api/hello')).status).toBe(401);
    const alice = await app.signIn('alice');
    expect((await alice.fetch('/api/hello')).json()).toEqual({ hello: 'Alice' });
  });
});

test('a link is followed by what it says', async () => {
  const alice = await app.signIn('alice');
  expect((await alice.click(alice.page, 'Profile')).path).toBe('/profile');
  await expect(alice.click(alice.page, 'Prof')).rejects.toThrow(/has no link "Prof"\. It has: .*"Profile"/);
});

test('a browser sends headers of its own with everything', async () => {
  const other = await startSmall({
    more: {
      publicRoutes: (router) =>
        void router.get('/language', (req, res) => void res.send(req.get('Accept-Language'))),
    },
  });
  const headers = { 'Accept-Language': 'de' };
  expect((await other.visitor({ headers }).get('/language')).body).toBe('de');
  expect((await (await other.signIn('alice', { headers })).get('/language')).body).toBe('de');
  expect((await other.get('/language', { headers: { 'Accept-Language': 'fr' } })).body).toBe('fr');
  expect((await other.get('/language')).body).toBe('en');
});

describe('a form', () => {
  const fields = `<form method="post" action="/own/save" id="main" aria-label="Your data">
    <%- include('/kit/form') %>
    <input name="text" value="a &amp; b"><input name="off" disabled value="x">
    <textarea name="long">
one
two</textarea>
    <select name="size"><option value="s">Small<option value="m" selected>Middle</select>
    <select name="first"><option>One</option><option>Two</option></select>
    <input type="checkbox" name="news" checked><input type="checkbox" name="ads" value="yes">
    <input type="radio" name="kind" value="a"><input type="radio" name="kind" value="b" checked>
    <button name="do" value="save">Save</button><button name="do" value="drop" aria-label="Throw away">X</button>
  </form>
  <input name="late" form="main" value="1">
  <form action="/own" role="search"><input name="q"><input type="submit" value="Find"></form>
  <form method="post" action="/own/7/end"><button>End</button></form>
  <form method="post" action="/own/8/end"><button>End</button></form>
  <form method="post" action="/file" enctype="multipart/form-data"><input name="a" value="ü"><button>Send</button></form>
  <p><%= page.q %></p>`;
  let sent: unknown;
  const parts: SmallSite = {
    views: { own: `<h1>Own</h1>${fields}` },
    pages: [
      anyPage({
        path: '/own',
        view: 'own',
        model: ({ req }: PageContext) => ({ q: req.query.q }),
        actions: {
          save: {
            run: ({ req }: PageContext) => {
              const { 'kit-form': _mark, ...rest } = req.body;
              sent = rest;
              return '/own?q=saved';
            },
          },
        },
      }),
    ],
    more: {
      publicRoutes: (router) => {
        router.post(
          '/file',
          express.text({ type: 'multipart/form-data' }),
          (req, res) => void res.send(req.body),
        );
      },
    },
  };

  test('is sent as a browser sends it, and its answer followed', async () => {
    const alice = await (await startSmall(parts)).signIn('alice');
    const after = await alice.submit(await alice.get('/own'), 'Save');
    expect(after.path).toBe('/own?q=saved');
    expect(sent).toEqual({
      ...{
        text: 'a & b',
        long: 'one\r\ntwo',
        size: 'm',
        first: 'One',
        news: 'on',
        kind: 'b',
        do: 'save',
        late: '1',
      },
    });
  });

  test('takes what is typed: texts, numbers, lists and ticks', async () => {
    const alice = await (await startSmall(parts)).signIn('alice');
    const typed = { text: ['x', 'y'], late: 2, news: false, ads: true, size: 's' };
    await alice.submit(await alice.get('/own'), 'Throw away', typed);
    expect(sent).toMatchObject({ text: ['x', 'y'], late: '2', ads: 'yes', size: 's', do: 'drop' });
    expect(sent).not.toHaveProperty('news');
  });

  test('is found by its label, its id or its address, and by GET adds to the address', async () => {
    const alice = await (await startSmall(parts)).signIn('alice');
    const page = await alice.get('/own');
    for (const name of ['Your data', 'main', '/own/save']) {
      expect((await alice.submit(page, name)).path).toBe('/own?q=saved');
    }
    expect((await alice.submit(page, 'Find', { q: 'a b' })).path).toBe('/own?q=a+b');
    expect((await alice.submit(page, 'Send')).body).toContain('name="a"\r\n\r\nü');
  });

  test('that is not there is answered by those that are', async () => {
    const alice = await (await startSmall(parts)).signIn('alice');
    const page = await alice.get('/own');
    const none = alice.submit(page, 'Delete');
    await expect(none).rejects.toThrow(
      'The page has no form "Delete". Its forms have the buttons: "Sign out"',
    );
    await expect(none).rejects.toThrow('"Save" and "Throw away" (/own/save)');
    await expect(alice.submit(page, 'End')).rejects.toThrow(
      '2 forms "End". Name one by its address: "/own/7/end"',
    );
    await expect(alice.submit(page, 'Find', { k: '1' })).rejects.toThrow('no field "k". It has: "q".');
    const gone = await alice.get('/gone');
    await expect(alice.submit(gone, 'Save')).rejects.toThrow(
      'The page has no form "Save". It is the answer 404, "Page not found". Its forms',
    );
    const bare = await alice.get('/site.css');
    await expect(alice.submit(bare, 'Save')).rejects.toThrow('It has no forms at all.');
  });

  test('may be posted without a page, with the mark of its person or none', async () => {
    const alice = await (await startSmall(parts)).signIn('alice');
    expect((await alice.post('/own/save', { text: 'x' })).path).toBe('/own?q=saved');
    expect(sent).toEqual({ text: 'x' });
    expect((await alice.post('/own/save', { 'kit-form': '' })).status).toBe(403);
    await expect(alice.get('https://example.com/')).rejects.toThrow('is not an address of the app');
  });
});

describe('a test app', () => {
  test('reads nothing of the environment', async () => {
    vi.stubEnv('SESSION_IDLE_MINUTES', 'wrong');
    vi.stubEnv('OIDC_ISSUER', 'https://login.example.com');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect((await (await startSmall({})).get('/')).status).toBe(200);
  });

  test('takes what all tests of a site run with from test/settings.env', async () => {
    const opened: unknown[] = [];
    const parts: SmallSite = {
      files: { 'test/settings.env': '# for tests\nDATABASE_FILE=:memory:\nMODE=slow\n' },
      more: {
        settings: {
          DATABASE_FILE: { meaning: 'where', schema: z.string() },
          MODE: { meaning: 'how', schema: z.string() },
        },
        open: ({ settings }) => {
          opened.push(settings);
          return { data: undefined };
        },
      },
    };
    await startSmall(parts);
    await startSmall(parts, { MODE: 'fast' });
    expect(opened).toEqual([
      { DATABASE_FILE: ':memory:', MODE: 'slow' },
      { DATABASE_FILE: ':memory:', MODE: 'fast' },
    ]);
  });

  test('takes settings, whatever address they say', async () => {
    const other = await startSmall({}, { BASE_URL: 'http://localhost:3000', OIDC_ROLES_CLAIM: 'groups' });
    expect(other.url).toBe('http://localhost:3000');
    expect((await other.signIn('alice')).page.url).toBe('http://localhost:3000/');
  });

  test('closes what the site opened, once, and the port', async () => {
    const close = vi.fn();
    const started = await startTestApp(smallSite({ more: { open: () => ({ data: 1, close }) } }));
    await Promise.all([started.stop(), started.stop(), started[Symbol.asyncDispose]()]);
    expect(close).toHaveBeenCalledTimes(1);
    await expect(started.get('/')).rejects.toThrow('ECONNREFUSED');
  });

  test('prints what nobody foresaw', async () => {
    const printed = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => printed.mockRestore());
    const model = () => {
      throw new RangeError('so broken');
    };
    const other = await startSmall({
      pages: [anyPage({ path: '/own', view: 'home', access: 'everyone', model })],
    });
    expect((await other.get('/own')).status).toBe(500);
    expect(printed).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(printed.mock.calls)).toContain('so broken');
  });

  test.each<[string, SmallSite, Record<string, string>, RegExp]>([
    [
      'a wrong setting',
      {},
      { SESSION_IDLE_MINUTES: 'x' },
      /SESSION_IDLE_MINUTES .*\nA test sets .* by `env`/s,
    ],
    [
      'a setting of the site that is missing',
      { more: { settings: { KEY: { meaning: 'opens the safe', schema: z.string() } } } },
      {},
      /KEY is missing: opens the safe\.\nA test sets what it needs by `env`/,
    ],
    ['a provider of its own', {}, { OIDC_ISSUER: 'https://a.example' }, /remove OIDC_ISSUER from `env`/],
    [
      'a page without a view',
      { pages: [anyPage({ path: '/x', view: 'x' })] },
      {},
      /^The site has a problem:\n.*there is no views\/x\.ejs\..*$/,
    ],
    [
      'what cannot be opened',
      { more: { open: () => Promise.reject(new Error('disk full')) } },
      {},
      /^The site does not start: .*disk full/,
    ],
  ])('says what is wrong: %s', async (_name, parts, env, says) => {
    const servers = () => process.getActiveResourcesInfo().filter((one) => one === 'TCPServerWrap').length;
    // Those of `app`, above, and what another file of this process may have left.
    const before = servers();
    await expect(startTestApp({ ...smallSite(parts), env })).rejects.toThrow(says);
    await vi.waitFor(() => expect(servers(), 'what was started has ended').toBeLessThanOrEqual(before), {
      timeout: 10_000,
    });
  });

  test('says what it needs when it is handed nothing', async () => {
    await expect(startTestApp(undefined as never)).rejects.toThrow('startTestApp needs the site');
    await expect(startTestApp({} as never)).rejects.toThrow('startTestApp needs the site');
  });

  test('needs no test framework and no other provider', () => {
    const folder = fileURLToPath(new URL('../testing/', import.meta.url));
    for (const file of readdirSync(folder)) {
      expect(readFileSync(folder + file, 'utf8')).not.toMatch(/from '(vitest|oidc-provider|.*\/test\/.*)'/);
    }
  });
});

describe('the provider in memory', () => {
  const redirectUri = 'http://127.0.0.1/auth/callback';
  const account = () => ({ claims: { sub: 'alice', name: 'Alice' }, authTime: 1_000, sid: 'one' });

  async function prepare() {
    const provider = await startProvider();
    onTestFinished(() => provider.stop());
    provider.register({
      ...{ clientId: 'app', clientSecret: 'a secret: 100%', redirectUri },
      postLogoutRedirectUri: 'http://127.0.0.1/signed-out',
    });
    const config = await client.discovery(new URL(provider.issuer), 'app', 'a secret: 100%', undefined, {
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
    });
    const verifier = client.randomPKCECodeVerifier();
    const parameters = {
      ...{ redirect_uri: redirectUri, scope: 'openid offline_access', state: 'state', nonce: 'nonce' },
      ...{ code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
    };
    const visit = (changes: Record<string, string> = {}) => {
      const answer = provider.visit(
        client.buildAuthorizationUrl(config, { ...parameters, ...changes }),
        account(),
      );
      return new URL('location' in answer ? answer.location : answer.post);
    };
    const checks = { pkceCodeVerifier: verifier, expectedState: 'state', expectedNonce: 'nonce' };
    return { provider, config, visit, checks };
  }

  test('signs tokens, refreshes them once and revokes them', async () => {
    const { config, visit, checks } = await prepare();
    const tokens = await client.authorizationCodeGrant(config, visit(), checks);
    expect(tokens.claims()).toMatchObject({ sub: 'alice', name: 'Alice', auth_time: 1_000, sid: 'one' });
    expect(await client.fetchUserInfo(config, tokens.access_token, 'alice')).toMatchObject({ name: 'Alice' });
    const old = tokens.refresh_token ?? '';
    const fresh = await client.refreshTokenGrant(config, old);
    await expect(client.refreshTokenGrant(config, old)).rejects.toThrow(/invalid_grant|error/);
    await client.tokenRevocation(config, fresh.refresh_token ?? '');
    await expect(client.refreshTokenGrant(config, fresh.refresh_token ?? '')).rejects.toThrow();
    await client.tokenRevocation(config, fresh.access_token);
    await expect(client.fetchUserInfo(config, fresh.access_token, 'alice')).rejects.toThrow();
  });

  test('takes a code once, with the verifier that it was asked with, from the app', async () => {
    const { config, visit, checks } = await prepare();
    const used = visit();
    await client.authorizationCodeGrant(config, used, checks);
    await expect(client.authorizationCodeGrant(config, used, checks)).rejects.toThrow();
    const wrong = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
    await expect(client.authorizationCodeGrant(config, visit(), wrong)).rejects.toThrow();
    const stranger = await client.discovery(
      new URL(config.serverMetadata().issuer),
      'app',
      'guessed',
      undefined,
      {
        execute: [client.allowInsecureRequests],
      },
    );
    await expect(client.authorizationCodeGrant(stranger, visit(), checks)).rejects.toThrow();
  });

  test.each([
    ['redirect_uri', 'http://127.0.0.1/elsewhere'],
    ['response_type', 'token'],
    ['code_challenge_method', 'plain'],
    ['code_challenge', ''],
    ['state', ''],
    ['nonce', ''],
    ['client_id', 'other'],
  ])('refuses a request with a wrong %s', async (name, value) => {
    const { visit } = await prepare();
    expect(() => visit({ [name]: value })).toThrow(
      new RegExp(`refuses the request: .*${name.replace('_method', '')}`),
    );
  });

  test.each([
    ['request', 'OIDC_REQUEST_OBJECT'],
    ['response_mode', 'OIDC_RESPONSE_MODE=jwt'],
  ])('says which setting to leave out where %s asks for what it cannot do', async (name, setting) => {
    const { visit } = await prepare();
    expect(() => visit({ [name]: 'jwt' })).toThrow(`leave out ${setting}.`);
  });
});
