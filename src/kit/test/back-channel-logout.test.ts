import { randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, importJWK, type JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TestApp } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { clientId, clientSecret } from './helpers/identity-provider.ts';
import {
  type Instances,
  recordsIn,
  type SignedIn,
  startInstances,
  statusOf,
  textOf,
} from './helpers/instances.ts';
import { type Forgery, logoutEvent, logoutToken, resign } from './helpers/logout-tokens.ts';
import { signToken } from './helpers/misbehaving-keys.ts';
import { entra, foreignTenant, homeTenant } from './helpers/misbehaving-profiles.ts';
import { expectHonestSignIn, withPair } from './helpers/misbehaving-sign-in.ts';
import { describeWithRedis } from './helpers/redis-server.ts';

// OpenID Connect Back-Channel Logout 1.0, with two instances on one Redis. The provider knows the first one's address.
describeWithRedis('POST /auth/backchannel-logout', () => {
  let all: Instances;
  let one: TestApp;
  let two: TestApp;

  beforeAll(async () => {
    all = await startInstances({ algs: ['RS256', 'PS256', 'ES256'] });
    ({ one, two } = all);
  });
  afterAll(() => all?.stop());

  /** What a provider's server sends: no cookies, no Origin, no fetch metadata. */
  function post(app: TestApp, body: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(app.url('/auth/backchannel-logout'), {
      method: 'POST',
      redirect: 'manual',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body,
    });
  }
  const send = (app: TestApp, token: string) =>
    post(app, String(new URLSearchParams({ logout_token: token })));

  /** The sid of the session at the provider that this sign-in made. */
  function sidOf(sub: string, nth = -1): string {
    const session = all.provider
      .listSessions()
      .filter((each) => each.sub === sub)
      .at(nth);
    return session?.clients[0]?.sid ?? '';
  }

  test('with a sid ends that session, wherever it is used, and no other', async () => {
    const first = await all.signIn('alice', two);
    const sid = sidOf('alice');
    const second = await all.signIn('alice', one);
    const answer = await all.provider.sendLogoutToken(clientId, { sub: 'alice', sid });
    expect(answer).toEqual({ client_id: clientId, status: 200 });
    expect(await statusOf(first.browser, one)).toBe(401);
    expect(await statusOf(first.browser, two)).toBe(401);
    expect(await statusOf(second.browser, one)).toBe(200);
    expect(await statusOf(second.browser, two)).toBe(200);
    expect(one.events('session.ended').at(-1)).toMatchObject({ sub: 'alice', reason: 'provider' });
  });

  test('with a sid alone does the same', async () => {
    const { browser } = await all.signIn('alice', two);
    const { status } = await all.provider.sendLogoutToken(clientId, { sid: sidOf('alice') });
    expect(status).toBe(200);
    expect(await statusOf(browser, two)).toBe(401);
  });

  test('with a sub ends all sessions of that user, at both instances, and nobody else', async () => {
    const people = await Promise.all([
      all.signIn('alice', one),
      all.signIn('alice', two),
      all.signIn('bob', two),
    ]);
    const [atOne, atTwo, bob] = people as [SignedIn, SignedIn, SignedIn];
    const { status } = await all.provider.sendLogoutToken(clientId, { sub: 'alice' });
    expect(status).toBe(200);
    for (const app of [one, two]) {
      expect(await statusOf(atOne.browser, app)).toBe(401);
      expect(await statusOf(atTwo.browser, app)).toBe(401);
      expect(await statusOf(bob.browser, app)).toBe(200);
    }
    const told = textOf(await atTwo.browser.get(two.url('/profile')));
    expect(told).toMatch(/[\w.]+:\d+ ended your session\./);
    expect(told).not.toContain('You may still be signed in');
  });

  test('takes tokens and index entries along', async () => {
    await all.provider.sendLogoutToken(clientId, { sub: 'bob' });
    expect(await recordsIn(all.redis)).toEqual([]);
    await all.signIn('bob');
    expect(await recordsIn(all.redis)).toHaveLength(4);
    await all.provider.sendLogoutToken(clientId, { sub: 'bob' });
    expect(await recordsIn(all.redis)).toEqual([]);
  });

  test.each([
    ['exp', { exp: Date.now() / 1000 + 100.25 }],
    ['iat, without exp', { exp: undefined, iat: Math.floor(Date.now() / 1000) - 0.5 }],
  ])('is carried out once where a time has a fraction (RFC 7519 §2): %s', async (_which, claims) => {
    const { browser } = await all.signIn('alice', two);
    const token = await logoutToken(all.provider, { sub: 'alice' }, { claims });
    expect((await send(one, token)).status).toBe(200);
    expect(await statusOf(browser, two)).toBe(401);
    expect((await send(two, token)).status).toBe(400);
  });

  test('answers 200 for a session that nobody knows, with nothing in it', async () => {
    const answer = await send(one, await logoutToken(all.provider, { sub: 'nobody', sid: 'unknown' }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(await answer.text()).toBe('');
  });

  test('works for a provider that leaves typ out, writes it long, or adds claims', async () => {
    const about = { sub: 'nobody' };
    for (const header of [{ typ: undefined }, { typ: 'application/logout+jwt' }, { typ: 'LOGOUT+JWT' }]) {
      expect((await send(one, await logoutToken(all.provider, about, { header }))).status).toBe(200);
    }
    const claims = { aud: ['another', clientId], trace: 'abc', events: { [logoutEvent]: {}, more: {} } };
    expect((await send(two, await logoutToken(all.provider, about, { claims }))).status).toBe(200);
  });

  test('answers 405 to anything but POST, and says what it takes', async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const answer = await fetch(one.url('/auth/backchannel-logout'), { method, redirect: 'manual' });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toMatch(/^POST\b/);
      expect(answer.headers.get('allow')).not.toContain('GET');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  describeWithRedis('refuses', () => {
    let person: SignedIn;
    let about: { sub: string; sid: string };

    beforeAll(async () => {
      person = await all.signIn('alice', two);
      about = { sub: 'alice', sid: sidOf('alice') };
    });
    beforeEach(() => {
      one.lines.length = 0;
    });

    /** Exactly 400, nothing kept, one audit event without the token, and nobody is signed out. */
    async function expectRefused(answer: Response, reason: RegExp, app = one): Promise<void> {
      expect(answer.status).toBe(400);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(await answer.json()).toEqual({ error: 'invalid_request' });
      expect(await statusOf(person.browser, two)).toBe(200);
      const events = app.events('logout_token.refused');
      expect(events).toHaveLength(1);
      expect(events[0]?.reason).toMatch(reason);
      expect(events[0]).toMatchObject({ iss: all.provider.issuer, request_id: expect.any(String) });
    }

    const now = Math.floor(Date.now() / 1000);
    const forgeries: [string, Forgery, RegExp][] = [
      ["another published key's algorithm", { alg: 'ES256' }, /"alg"/],
      ['another algorithm of the same kind of key', { alg: 'PS256' }, /"alg"/],
      ['a wrong iss', { claims: { iss: 'https://other.example.com' } }, /"iss"/],
      ['no iss', { claims: { iss: undefined } }, /"iss"/],
      ['a wrong aud', { claims: { aud: 'another-client' } }, /"aud"/],
      ['a list of aud without us', { claims: { aud: ['another-client', 'web-app2'] } }, /"aud"/],
      ['no aud', { claims: { aud: undefined } }, /"aud"/],
      ['no events', { claims: { events: undefined } }, /"events"/],
      ['events without the event', { claims: { events: { 'https://example.com/other': {} } } }, /events/],
      ['events that are a list', { claims: { events: [logoutEvent] } }, /events/],
      ['events that are a text', { claims: { events: logoutEvent } }, /events/],
      ['an event that is no object', { claims: { events: { [logoutEvent]: true } } }, /events/],
      ['a nonce', { claims: { nonce: 'abc' } }, /nonce/],
      ['a nonce of null', { claims: { nonce: null } }, /nonce/],
      ['neither sub nor sid', { claims: { sub: undefined, sid: undefined } }, /neither sub nor sid/],
      ['an empty sub', { claims: { sub: '', sid: undefined } }, /sub is not a string/],
      ['a sub that is not a string', { claims: { sub: ['alice'], sid: undefined } }, /sub is not a string/],
      ['a sid that is not a string', { claims: { sid: ['a'] } }, /sid is not a string/],
      ['an exp that has passed', { claims: { exp: now - 60 } }, /"exp"/],
      ['an exp of null', { claims: { exp: null } }, /"exp"/],
      [
        'no exp, and an iat over two minutes old',
        { claims: { exp: undefined, iat: now - 170 } },
        /two minutes/,
      ],
      ['no exp and no iat', { claims: { exp: undefined, iat: undefined } }, /"iat"/],
      ['no exp, and an iat in the future', { claims: { exp: undefined, iat: now + 400 } }, /"iat"/],
      ['an iat too old', { claims: { iat: now - 400 } }, /"iat"/],
      ['an iat in the future', { claims: { iat: now + 400, exp: now + 600 } }, /"iat"/],
      ['no iat', { claims: { iat: undefined } }, /"iat"/],
      ['an nbf in the future', { claims: { nbf: now + 400 } }, /"nbf"/],
      ['no jti', { claims: { jti: undefined } }, /"jti"/],
      ['an empty jti', { claims: { jti: '' } }, /jti/],
      ['the typ of another token', { header: { typ: 'secevent+jwt' } }, /typ/],
      ['the typ of another token that begins like one of ours', { header: { typ: 'jwt+x' } }, /typ/],
      ['a typ after another prefix', { header: { typ: 'text/jwt' } }, /typ/],
      ['an empty typ', { header: { typ: '' } }, /typ/],
      [
        'at+jwt with a client_id',
        { header: { typ: 'at+jwt' }, claims: { client_id: clientId } },
        /access token/,
      ],
      ['at+jwt with a scope', { header: { typ: 'AT+JWT' }, claims: { scope: 'openid' } }, /access token/],
      [
        'at+jwt, written long, with a client_id of null',
        { header: { typ: 'application/at+jwt' }, claims: { client_id: null } },
        /access token/,
      ],
      ['at+jwt without the event', { header: { typ: 'at+jwt' }, claims: { events: undefined } }, /"events"/],
      ['JWT with a nonce', { header: { typ: 'JWT' }, claims: { nonce: 'abc' } }, /nonce/],
      ['JWT with another event', { header: { typ: 'JWT' }, claims: { events: { more: {} } } }, /events/],
      ['a kid that is not published', { header: { kid: 'unknown' } }, /JWKS|key/],
    ];
    test.each(forgeries)('%s', async (_what, forgery, reason) => {
      const token = await logoutToken(all.provider, about, forgery);
      await expectRefused(await send(one, token), reason);
    });

    test('a signature of somebody else, under the name of the published key', async () => {
      const { privateKey } = await generateKeyPair('RS256', { extractable: true });
      const key = await exportJWK(privateKey);
      const stranger = await logoutToken(all.provider, about, { key });
      await expectRefused(await send(one, stranger), /signature/);
    });

    test('a key that the token brings along', async () => {
      const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
      const [key, jwk] = await Promise.all([exportJWK(privateKey), exportJWK(publicKey)]);
      const header = { jwk, jku: 'http://127.0.0.1:9/jwks' };
      await expectRefused(
        await send(one, await logoutToken(all.provider, about, { key, header })),
        /signature/,
      );
    });

    test('a changed payload', async () => {
      const [head, , signature] = (await logoutToken(all.provider, { sub: 'nobody' })).split('.');
      const [, payload] = (await logoutToken(all.provider, about)).split('.');
      await expectRefused(await send(one, `${head}.${payload}.${signature}`), /signature/);
    });

    test('alg none, and HS256 with what an attacker may know', async () => {
      const honest = await logoutToken(all.provider, about);
      const typ = 'logout+jwt';
      await expectRefused(await send(one, resign(honest, { alg: 'none', typ })), /"alg"|Invalid/);
      const { kty, n, e } = all.provider.jwks.keys.find(({ alg }) => alg === 'RS256') as JWK;
      const published = await importJWK({ kty, n, e } as JWK, 'RS256', { extractable: true });
      const pem = await exportSPKI(published as CryptoKey);
      for (const secret of [clientSecret, pem]) {
        one.lines.length = 0;
        await expectRefused(await send(one, resign(honest, { alg: 'HS256', typ }, secret)), /"alg"/);
      }
    });

    test('an ID token of the same provider for the same app', async () => {
      const { browser, page } = await all.signIn('bob');
      const left = await browser.submit(page, {}, { follow: false });
      const idToken = new URL(left.location ?? '').searchParams.get('id_token_hint') ?? '';
      expect(idToken.split('.')).toHaveLength(3);
      one.lines.length = 0;
      await expectRefused(await send(one, idToken), /"(events|jti)"|nonce|typ/);
      // Even one that has all that a logout token has, but for the type.
      const claims = { nonce: 'abc', auth_time: now, acr: '1' };
      one.lines.length = 0;
      await expectRefused(
        await send(one, await logoutToken(all.provider, about, { claims, header: { typ: 'JWT' } })),
        /typ|nonce/,
      );
    });

    test('an access token of the same provider that is a JWT for the same app', async () => {
      const claims = { jti: 'abc', client_id: clientId, scope: 'openid', events: undefined };
      const header = { typ: 'at+jwt' };
      const token = await logoutToken(all.provider, about, { claims, header });
      await expectRefused(await send(one, token), /"events"/);
    });

    test('a copy that comes after a later sign-in: that session stays', async () => {
      const bob = await all.signIn('bob');
      const token = await logoutToken(all.provider, { sub: 'bob' });
      expect((await send(two, token)).status).toBe(200);
      expect(await statusOf(bob.browser, one)).toBe(401);
      const again = await all.signIn('bob');
      one.lines.length = 0;
      await expectRefused(await send(one, token), /jti was seen before/);
      expect(await statusOf(again.browser, one)).toBe(200);
    });

    test('a copy of one without exp, as long as it would be taken by its age', async () => {
      const claims = { exp: undefined, iat: Math.floor(Date.now() / 1000) + 20 };
      const token = await logoutToken(all.provider, { sub: 'nobody' }, { claims });
      const keysBefore = (await all.redis.run('KEYS', 'app:seen:*')) as string[];
      expect((await send(one, token)).status).toBe(200);
      const keys = (await all.redis.run('KEYS', 'app:seen:*')) as string[];
      const [added = ''] = keys.filter((key) => !keysBefore.includes(key));
      // Two minutes from its iat.
      expect(Number(await all.redis.run('TTL', added))).toBeGreaterThanOrEqual(20 + 120 - 5);
      await expectRefused(await send(one, token), /jti was seen before/);
    });

    test('a token that was used before, also at the other instance', async () => {
      const token = await logoutToken(all.provider, { sub: 'nobody' });
      expect((await send(one, token)).status).toBe(200);
      await expectRefused(await send(one, token), /jti was seen before/);
      two.lines.length = 0;
      await expectRefused(await send(two, token), /jti was seen before/, two);
    });

    test('of a token that comes five times at once, four', async () => {
      const token = await logoutToken(all.provider, { sub: 'nobody' });
      const answers = await Promise.all([one, two, one, two, one].map((app) => send(app, token)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
    });

    const bodies: [string, (token: string) => [string, Record<string, string>?], RegExp][] = [
      [
        'two logout_token fields',
        (token) => [`logout_token=${token}&logout_token=${token}`],
        /2 logout_token/,
      ],
      [
        'one in the body, an empty one after it',
        (token) => [`logout_token=${token}&logout_token=`],
        /2 logout/,
      ],
      ['an empty logout_token', () => ['logout_token='], /logout_token/],
      ['no logout_token', (token) => [`token=${token}`], /0 logout_token/],
      ['an empty body', () => [''], /form|logout_token/],
      ['JSON', (token) => [`{"logout_token":"${token}"}`, { 'Content-Type': 'application/json' }], /form/],
      ['plain text', (token) => [`logout_token=${token}`, { 'Content-Type': 'text/plain' }], /form/],
      [
        'a body above 16 KiB',
        (token) => [`logout_token=${token}&padding=${'x'.repeat(16_400)}`],
        /large|body/,
      ],
      ['a token that is no JWT', () => ['logout_token=abc'], /Invalid|Compact/],
      [
        'a form in a charset that nobody knows',
        (token) => [
          `logout_token=${token}`,
          { 'Content-Type': 'application/x-www-form-urlencoded; charset=klingon' },
        ],
        /charset|body/,
      ],
      [
        'a charset of 3 KB, of which the log holds a little',
        (token) => [
          `logout_token=${token}`,
          { 'Content-Type': `application/x-www-form-urlencoded; charset=${'klingon '.repeat(400).trim()}` },
        ],
        /^the body cannot be read: .{20,130}$/,
      ],
      [
        'an extension whose name is 5 KB long and turns the line around, of which the log holds a little',
        (token) => {
          const name = `\u202e\u2066\n ${'long '.repeat(1_000)}`;
          return [`logout_token=${resign(token, { alg: 'RS256', crit: [name], [name]: 1 }, 'x')}`];
        },
        /^ERR_JOSE_NOT_SUPPORTED: [^\p{Cc}\p{Cf}]{20,130}$/u,
      ],
      [
        'a body that is not packed as it says',
        (token) => [`logout_token=${token}`, { 'Content-Encoding': 'gzip' }],
        /header|body/,
      ],
    ];
    test.each(bodies)('%s', async (_what, bodyOf, reason) => {
      const [body, headers] = bodyOf(await logoutToken(all.provider, about));
      await expectRefused(await post(one, body, headers), reason);
    });

    test('a token in the query', async () => {
      const token = await logoutToken(all.provider, about);
      const answer = await fetch(one.url(`/auth/backchannel-logout?logout_token=${token}`), {
        method: 'POST',
      });
      await expectRefused(answer, /form|logout_token/);
    });

    test('what a page of another site posts from a browser, without looking at its cookies', async () => {
      const cookie = person.browser.cookieHeader(two.origin);
      const headers = { Cookie: cookie, Origin: 'https://other.example.com', 'Sec-Fetch-Site': 'cross-site' };
      await expectRefused(await post(one, 'logout_token=abc', headers), /Invalid|Compact/);
    });

    test('and no refused token, nor a good one, is in any log line', async () => {
      const token = await logoutToken(all.provider, about, { claims: { nonce: 'a' } });
      await send(one, token);
      expect(JSON.stringify(one.lines)).not.toContain(token.split('.')[2]);
      expect(JSON.stringify(one.lines)).not.toContain(token.split('.')[1]);
    });

    test('the honest token that all these were made from ends the session', async () => {
      expect((await send(one, await logoutToken(all.provider, about))).status).toBe(200);
      expect(await statusOf(person.browser, two)).toBe(401);
      expect(one.events('logout_token.refused')).toEqual([]);
    });
  });

  // Redis refuses one command each: those that an ending needs, one after the other, and the one that keeps the jti.
  test.each(['evalsha', 'zrange', 'getdel', 'del', 'zrem', 'set'])(
    'a token that could not be carried out may come again (R14): Redis fails at %s',
    async (command) => {
      const { browser } = await all.signIn('bob', two);
      const token = await logoutToken(all.provider, { sub: 'bob' });
      one.lines.length = 0;
      await all.redis.run('ACL', 'SETUSER', 'default', `-${command}`);
      const failed = await send(one, token).finally(() =>
        all.redis.run('ACL', 'SETUSER', 'default', `+${command}`),
      );
      expect(failed.status).toBe(400);
      expect(one.events('logout_token.refused')[0]?.reason).toMatch(/^not carried out: /);
      expect((await send(two, token)).status).toBe(200);
      expect(await statusOf(browser, one)).toBe(401);
      const left = (await recordsIn(all.redis)).filter((key) => /^app:(session|tokens):/.test(key));
      expect(left).toEqual([]);
      expect((await send(one, token)).status).toBe(400);
    },
  );

  test('answers 400, and nothing else, while Redis cannot be reached: the provider must know', async () => {
    const browser = createBrowser();
    await all.signIn('bob', one, browser);
    await all.redis.kill();
    one.lines.length = 0;
    const started = Date.now();
    const answer = await send(one, await logoutToken(all.provider, { sub: 'bob' }));
    expect(answer.status).toBe(400);
    expect(Date.now() - started).toBeLessThan(2_500);
    expect(one.events('logout_token.refused')[0]?.reason).toMatch(/^not carried out: /);
  });
});

test('a key that signs for another tenant ends nobody (Microsoft Entra publishes them together)', async () => {
  const issuer = `/${foreignTenant}/v2.0`;
  await withPair({ op: { profile: entra }, env: { OIDC_ALLOWED_TENANTS: homeTenant } }, async (pair) => {
    const { op, app, browser } = pair;
    await expectHonestSignIn(pair);
    op.rotateKeys();
    op.next({ keys: { issuer } });
    await browser.get(app.url('/auth/login?renew=1'));
    const iat = Math.floor(Date.now() / 1000);
    const about = {
      iss: `${op.origin}/${homeTenant}/v2.0`,
      aud: op.clientId,
      sub: 'user-1',
      iat,
      exp: iat + 60,
    };
    const logout_token = await signToken(
      { ...about, jti: randomUUID(), events: { [logoutEvent]: {} } },
      { signing: 'RS256', alg: 'RS256', turn: 2, clientSecret: '', header: { typ: 'logout+jwt' } },
    );
    expect((await browser.post(app.url('/auth/backchannel-logout'), { logout_token })).status).toBe(400);
    expect(await statusOf(browser, app)).toBe(200);
    expect(app.events('logout_token.refused')[0]?.reason).toMatch(/no applicable key/);
  });
});

test('a provider of many tenants ends sessions of those let in (Microsoft Entra)', () =>
  withPair({ op: { profile: entra }, env: { OIDC_ALLOWED_TENANTS: homeTenant } }, async (pair) => {
    const { op, app, browser } = pair;
    await expectHonestSignIn(pair);
    const sendAs = async (tenant: string) => {
      const iat = Math.floor(Date.now() / 1000);
      const times = { iat, exp: iat + 120, jti: randomUUID() };
      const about = { iss: `${op.origin}/${tenant}/v2.0`, aud: op.clientId, sub: 'user-1' };
      const logout_token = await signToken(
        { ...about, ...times, events: { [logoutEvent]: {} } },
        { signing: 'RS256', alg: 'RS256', turn: 1, clientSecret: '', header: { typ: 'logout+jwt' } },
      );
      return browser.post(app.url('/auth/backchannel-logout'), { logout_token });
    };
    for (const tenant of [foreignTenant, 'organizations', `x/${homeTenant}`]) {
      expect((await sendAs(tenant)).status).toBe(400);
      expect(await statusOf(browser, app)).toBe(200);
    }
    expect((await sendAs(homeTenant)).status).toBe(200);
    expect(await statusOf(browser, app)).toBe(401);
  }));
