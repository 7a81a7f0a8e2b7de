import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Express } from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { createAudit, createLog, sessionHash } from '../log/index.ts';
import { type LogLine, startApp, type TestApp } from './helpers/app.ts';
import { type AppWithRoutes, startAppWithRoutes } from './helpers/app-with-routes.ts';
import { createBrowser } from './helpers/browser.ts';
import { fetchFrom } from './helpers/fetch-from.ts';
import { logoutToken } from './helpers/logout-tokens.ts';
import type { Lies } from './helpers/misbehaving-replies.ts';
import { withPair } from './helpers/misbehaving-sign-in.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { hasRedis, startRedis } from './helpers/redis-server.ts';

const settings = {
  // Nobody listens there: what is tested here needs no provider.
  OIDC_ISSUER: 'http://127.0.0.1:9',
  OIDC_CLIENT_ID: 'web-app',
  OIDC_CLIENT_SECRET: 'the-secret-of-the-client',
};

const requestLines = (lines: readonly LogLine[]) => lines.filter(({ msg }) => msg === 'request');

/** A request letter by letter, as no browser would write it; returns the whole answer. */
async function sendRaw(app: TestApp, head: string): Promise<string> {
  const socket = connect(Number(new URL(app.origin).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`${head}\r\nHost: x\r\nConnection: close\r\n\r\n`);
  return text(socket);
}

describe('each request', () => {
  let app: AppWithRoutes;
  let visitor: ReturnType<typeof connect>;
  beforeAll(async () => {
    app = await startAppWithRoutes(settings, {
      mount(express) {
        express.get('/breaks', () => {
          throw new Error('broken on purpose');
        });
        express.get('/never', () => visitor.destroy());
      },
    });
  });
  afterAll(() => app.stop());

  /** The lines that came of one request. */
  async function linesOf(ask: () => Promise<unknown>): Promise<LogLine[]> {
    const before = app.lines.length;
    await ask();
    await expect.poll(() => requestLines(app.lines.slice(before)).length).toBeGreaterThan(0);
    return app.lines.slice(before);
  }
  const get = (path: string, headers: Record<string, string> = {}) =>
    linesOf(() => createBrowser().get(app.url(path), { follow: false, headers }));
  const raw = (head: string) => linesOf(() => sendRaw(app, head));

  test.each([
    ['/', 200],
    ['/site.css', 200],
    ['/nowhere', 404],
    ['/breaks', 500],
  ])('%s has one line that says what was asked for and how it ended', async (path, status) => {
    const lines = requestLines(await get(path));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ method: 'GET', path, status, request_id: expect.any(String) });
    expect(lines[0]?.ms).toEqual(expect.any(Number));
    expect(lines[0]?.level).toBe(status >= 500 ? 'error' : 'info');
  });

  test('an error has a line of its own with the cause, under the id of the request', async () => {
    const lines = await get('/breaks');
    const [request] = requestLines(lines);
    const cause = lines.find(({ causes }) => causes);
    expect(JSON.stringify(cause?.causes)).toContain('broken on purpose');
    expect(cause?.request_id).toBe(request?.request_id);
  });

  test('a page keeps its query in the log', async () => {
    const [line] = requestLines(await get('/nowhere?tab=1'));
    expect(line?.path).toBe('/nowhere?tab=1');
  });

  test.each([
    ['/auth/callback?code=canary-code&state=canary-state', '/auth/callback'],
    ['/AUTH/Callback?code=canary-code', '/AUTH/Callback'],
    ['/auth/frontchannel-logout?iss=x&sid=canary-sid', '/auth/frontchannel-logout'],
    ['/AUTH/frontchannel-logout?iss=x&sid=canary-sid', '/AUTH/frontchannel-logout'],
    ['/signed-out?returnTo=/canary', '/signed-out'],
    // Registered wrongly at the provider, or tried by somebody.
    ['/?code=canary-code', '/'],
    ['/?a=1&STATE=canary-state', '/'],
    ['/?response=canary-answer', '/'],
    ['/nowhere?request=canary-request', '/nowhere'],
    ['/nowhere?id_token=canary-token', '/nowhere'],
    ['/nowhere?c%6fde=canary-code', '/nowhere'],
  ])('%s is logged without its query', async (address, path) => {
    const lines = await get(address);
    expect(requestLines(lines)[0]?.path).toBe(path);
    expect(JSON.stringify(lines)).not.toContain('canary');
  });

  test('an address that is written out in full is logged without its query too', async () => {
    const lines = await raw('GET http://any.example/auth/callback?code=canary-code HTTP/1.1');
    expect(requestLines(lines)[0]?.path).toBe('/auth/callback');
    expect(JSON.stringify(lines)).not.toContain('canary');
  });

  test('neither its headers nor its cookies are logged', async () => {
    const headers = {
      Cookie: 'session=canary-cookie',
      Authorization: 'Bearer canary-token',
      'User-Agent': 'canary',
    };
    expect(JSON.stringify(await get('/breaks', headers))).not.toContain('canary');
  });

  test('an id from outside is not taken where no proxy is in front', async () => {
    const [line] = requestLines(await get('/', { 'X-Request-Id': 'from-outside' }));
    expect(line?.request_id).toMatch(/^[\da-f-]{36}$/);
  });

  test('that the visitor gave up on is marked so', async () => {
    const before = app.lines.length;
    visitor = connect(Number(new URL(app.origin).port), '127.0.0.1');
    visitor.write('GET /never HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => requestLines(app.lines.slice(before))).toMatchObject([{ aborted: true }]);
  });

  test('cannot write lines of its own', async () => {
    const forged = '%0a%7B%22level%22%3A30%2C%22msg%22%3A%22forged%22%7D';
    const lines = [
      ...(await get(`/nowhere${forged}?x=${forged}`)),
      ...(await get(`/auth/callback?error=${forged}&state=${forged}`)),
      ...(await get('/', { 'User-Agent': 'a\u0085{"level":30}' })),
    ];
    expect(lines.filter(({ msg }) => msg === 'forged')).toEqual([]);
    expect(requestLines(lines)).toHaveLength(3);
  });
});

describe('behind a proxy of ours', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ ...settings, TRUST_PROXY_HOPS: '1' });
  });
  afterAll(() => app.stop());

  async function idOf(given: string): Promise<unknown> {
    const before = app.lines.length;
    await sendRaw(app, `GET / HTTP/1.1\r\nX-Request-Id: ${given}`);
    await expect.poll(() => requestLines(app.lines.slice(before)).length).toBe(1);
    return requestLines(app.lines.slice(before))[0]?.request_id;
  }

  test("the proxy's request id is the request's", async () => {
    expect(await idOf('0af7651916cd43dd8448eb211c80319c')).toBe('0af7651916cd43dd8448eb211c80319c');
  });

  test.each(['', 'two words', '"}{"level":30', 'x'.repeat(65), 'a\r\nX-Request-Id: b', '<b>'])(
    'an id like %j is not taken',
    async (given) => {
      expect(await idOf(given)).toMatch(/^[\da-f-]{36}$/);
    },
  );
});

describe('an audit event', () => {
  test('holds the id of its request, which the page shows as well', () =>
    withPair({}, async ({ op, app, open }) => {
      op.next({ token: { status: 400, json: { error: 'invalid_grant' } } });
      const page = await open('/profile');
      const [failed] = app.events('sign_in.failed');
      expect(failed?.request_id).toMatch(/^[\da-f-]{36}$/);
      expect(page.body).toContain(String(failed?.request_id));
      op.honest();
      await open('/profile');
      for (const name of ['sign_in.started', 'sign_in.succeeded'] as const) {
        const ids = requestLines(app.lines).map(({ request_id }) => request_id);
        for (const event of app.events(name)) expect(ids, name).toContain(event.request_id);
      }
    }));

  test('is one line whatever it says', () => {
    const written: string[] = [];
    const log = createLog('info', { write: (chunk) => void written.push(chunk) });
    const hostile = 'x\n{"level":30,"event":"sign_in.succeeded"}\r\n\u2028\u0085';
    createAudit(log)('sign_in.failed', { iss: hostile, reason: hostile, hint: hostile, [hostile]: 1 });
    expect(written).toHaveLength(1);
    expect(written[0]?.trimEnd()).not.toMatch(/[\r\n]/);
    expect(JSON.parse(written[0] ?? '')).toMatchObject({ event: 'sign_in.failed', reason: hostile });
  });

  test('names a session by a short hash', () => {
    const written: string[] = [];
    const log = createLog('info', { write: (chunk) => void written.push(chunk) });
    const session = randomBytes(24).toString('base64url');
    createAudit(log)('sign_out', { session });
    expect(JSON.parse(written[0] ?? '').session).toBe(sessionHash(session));
    expect(sessionHash(session)).toMatch(/^[\da-f]{12}$/);
    expect(written[0]).not.toContain(session);
  });
});

describe('a careless line', () => {
  function logged(write: (log: ReturnType<typeof createLog>) => void): string {
    const written: string[] = [];
    write(createLog('info', { write: (chunk) => void written.push(chunk) }));
    return written.join('');
  }

  test.each([
    [
      'tokens',
      { access_token: 'canary', refresh_token: 'canary', id_token: 'canary', logout_token: 'canary' },
    ],
    ['tokens of a session', { session: { tokens: { access_token: 'canary' } } }],
    ['a token answer in a list', { answers: [{ access_token: 'canary' }] }],
    ['a callback', { query: { code: 'canary', state: 'canary' }, code_verifier: 'canary' }],
    ['headers', { headers: { cookie: 'canary', authorization: 'canary', 'set-cookie': ['canary'] } }],
    ['the headers of a request', { req: { headers: { cookie: 'canary', authorization: 'canary' } } }],
    ['client authentication', { body: { client_secret: 'canary', client_assertion: 'canary' } }],
    ['settings', { config: { clientSecret: 'canary', secrets: ['canary'] }, SESSION_SECRET: 'canary' }],
    [
      'a password',
      { user: { password: 'canary', pin: 'canary', cardPin: 'canary', otp: 'canary', cvc: 'canary' } },
    ],
  ])('with %s does not show them', (_what, line) => {
    expect(logged((log) => log.info(line, 'careless'))).not.toContain('canary');
  });

  test('with a whole request in it shows none of it', async () => {
    const written: string[] = [];
    const log = createLog('info', { write: (chunk) => void written.push(chunk) });
    const app = await startAppWithRoutes(settings, {
      mount: (express) =>
        express.get('/careless', (req, res) => {
          log.info({
            req,
            res,
            session: req.session,
            key: Buffer.from('canary'),
            url: new URL('x:y?code=canary'),
          });
          res.end();
        }),
    });
    await createBrowser().get(app.url('/careless?code=canary'), { headers: { Cookie: 'session=canary' } });
    await app.stop();
    expect(written).toHaveLength(1);
    expect(written[0]).toContain('[IncomingMessage]');
    expect(written[0]).not.toMatch(/canary|"data":/);
  });

  test('that goes in circles is written all the same', () => {
    const circle: { self?: object; at: Date } = { at: new Date(0) };
    circle.self = circle;
    expect(logged((log) => log.info({ circle }, 'careless'))).toContain('1970-01-01');
  });

  test.each([
    ['a long text', { text: 'x'.repeat(1_000_000) }],
    ['a long name', { ['x'.repeat(1_000_000)]: 1 }],
    ['an error with a long message', { err: new Error('x'.repeat(1_000_000)) }],
    ['many values', { list: Array(100_000).fill({ a: 'x' }), keys: { ...Array(100_000).fill(1) } }],
    ['many levels', { deep: JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) }],
  ])('with %s stays a line that can be read', (_what, line) => {
    const written = logged((log) => log.info(line, 'careless'));
    expect(written.length).toBeLessThan(30_000);
    expect(written).toContain('[…]');
    expect(JSON.parse(written).msg).toBe('careless');
  });

  test('with a name that is too long to look at shows nothing of its value', () => {
    const line = { [`${'x'.repeat(10_000)}_token`]: 'canary', ['x'.repeat(250)]: 'canary' };
    expect(logged((log) => log.info(line, 'careless'))).not.toContain('canary');
  });

  test('with half of a surrogate pair is one that every JSON parser reads', () => {
    const half = 'half \ud83d of \ude00';
    const written = logged((log) => {
      log.info({ hint: half, [half]: 1, list: [half], err: new Error(half) }, 'careless');
      log.info({ hint: `${'x'.repeat(9_999)}\u{1f600}` }, 'cut in the middle');
    });
    // JSON writes such a half as an escape, for it has no bytes of its own.
    expect(written).not.toMatch(/\\ud[89a-f]/i);
    expect(written).toContain('half \ufffd of \ufffd');
  });

  test('with an error shows what happened, and nothing that hangs on the error', () => {
    const cause = Object.assign(new Error('inner'), {
      cause: { access_token: 'canary' },
      response: 'canary',
    });
    const error = Object.assign(new Error('outer', { cause }), {
      code: 'ECONNREFUSED',
      parameters: 'canary',
    });
    const line = logged((log) => log.error(error, 'careless'));
    expect(line).not.toContain('canary');
    expect(JSON.parse(line).err).toMatchObject({
      message: expect.stringContaining('outer'),
      code: 'ECONNREFUSED',
    });
    expect(JSON.parse(line).err.message).toContain('inner');
    expect(JSON.parse(line).err.stack).toContain('log.test.ts');
  });

  test('with an error of a database shows its SQLSTATE', () => {
    for (const code of ['23505', '22021', '42P01', '40001'])
      expect(
        JSON.parse(logged((log) => log.error(Object.assign(new Error('refused'), { code })))).err.code,
      ).toBe(code);
    for (const code of ['a1b2c', '123456', 'AB12CD'])
      expect(JSON.parse(logged((log) => log.error(Object.assign(new Error('x'), { code })))).err.code).toBe(
        '[redacted]',
      );
  });

  test('with an error of JavaScript itself shows none of what that quotes', () => {
    const quotes: (() => unknown)[] = [
      () => JSON.parse('canary'),
      () => JSON.parse('{"access_token":"canary" x}'),
      () => JSON.parse('["canary" is not valid JSON, "canary" is not valid JSON'),
      () => new Headers().set('authorization', 'Bearer canary\0'),
      () => new Headers().set('canary canary', ''),
      () => 'token' in ('canary' as unknown as object),
      () => Buffer.alloc('canary' as unknown as number),
      () => Object.assign('canary', { length: 5 }),
    ];
    for (const quote of quotes) {
      try {
        quote();
      } catch (error) {
        const wrapped = new Error(`it failed: ${(error as Error).message}`, { cause: error });
        for (const each of [error, wrapped]) {
          const line = logged((log) => log.error({ err: each, hint: (each as Error).message }, 'careless'));
          expect(line).not.toContain('canary');
          expect(line).toContain('log.test.ts');
        }
      }
    }
  });

  test('says the words of a cause once where the error repeats them', () => {
    const error = new Error('unexpected alg', {
      cause: new Error('unexpected alg', { cause: new Error('PS256') }),
    });
    expect(JSON.parse(logged((log) => log.error(error))).err.message).toBe('unexpected alg: PS256');
  });

  test("the code of a system's error stays readable, the code of a sign-in does not", () => {
    const line = logged((log) =>
      log.warn({
        causes: [{ code: 'ECONNREFUSED' }, { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
        code: 'SplxlOBeZQQYbYS6WxSbIA',
      }),
    );
    expect(line).toContain('ECONNREFUSED');
    expect(line).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(line).not.toContain('SplxlOBeZQQYbYS6WxSbIA');
  });
});

describe('nothing secret is logged', () => {
  /** Looks for each secret as it is, and as an address or a form would carry it. */
  function expectNone(lines: readonly LogLine[], secrets: Iterable<string | undefined>): void {
    const log = JSON.stringify(lines);
    let count = 0;
    for (const secret of secrets) {
      if (!secret) continue;
      count += 1;
      for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
        expect(log.includes(form), `${form.slice(0, 40)}… in the log`).toBe(false);
      }
    }
    expect(count).toBeGreaterThan(5);
  }

  /** Cookie values, and the session ids and seals inside of them. */
  function secretsIn(setCookies: readonly { line: string }[]): string[] {
    return setCookies.flatMap(({ line }) => {
      const value = decodeURIComponent(/^[^=]+=([^;]*)/.exec(line)?.[1] ?? '');
      const id = /^s:([^.]+)\./.exec(value)?.[1];
      return value.length < 16 ? [] : id ? [value, id] : [value];
    });
  }

  /** What stood in the query of each address that was opened. */
  function secretsOf(visited: readonly string[]): string[] {
    return visited.flatMap((line) => {
      const query = new URL(line.split(' ')[1] ?? '').searchParams;
      return ['code', 'state', 'nonce', 'code_challenge', 'id_token_hint'].flatMap(
        (name) => query.get(name) ?? [],
      );
    });
  }

  const sessionSecret = randomBytes(32).toString('base64url');

  test('by a sign-in, a refresh, a sign-in that fails, an error and a sign-out', () =>
    withPair({ env: { SESSION_SECRET: sessionSecret, LOG_LEVEL: 'trace' } }, async (pair) => {
      const { op, app, browser, open } = pair;
      op.next({ token: { json: { expires_in: 1 } } });
      const page = await open('/profile?tab=1');
      expect((await open('/api-data')).status).toBe(200);
      expect(app.events('token.refreshed')).toHaveLength(1);
      await browser.submit(page);
      expect(app.events('sign_out')).toHaveLength(1);
      expect(op.calls.revocation).toBe(1);
      op.next({ idToken: { nonce: 'canary-nonce' } });
      await open('/profile');
      op.next({ token: { status: 500, body: 'access_token=canary-token' } });
      await open('/profile');
      op.next({
        token: { status: 400, json: { error: 'invalid_grant', error_description: 'code=canary-code' } },
      });
      await open('/profile');
      expect(app.events('sign_in.failed')).toHaveLength(3);
      await browser.get(app.url('/auth/callback?code=canary-code&state=canary-state'));

      const idToken = op.latest.end_session?.get('id_token_hint') ?? '';
      expect(idToken).toMatch(/^eyJ/);
      expectNone(app.lines, [
        ...op.secrets,
        ...[op.clientSecret, sessionSecret, idToken, idToken.split('.')[1], idToken.split('.')[2]],
        ...['canary-nonce', 'canary-token', 'canary-code', 'canary-state'],
        ...secretsIn(browser.setCookies),
        ...secretsOf(browser.visited),
      ]);
    }));

  // JSON.parse and others quote what they cannot read, and libraries pass that on.
  const secret = 'SlAV32hkKG';
  test.each([
    `${secret}9zQx`,
    `access_token=${secret}`,
    `{"access_token":"${secret}" x}`,
    `{"access_token":"${secret}`,
    `"${secret}" is not valid JSON`,
    `[${secret}]`,
  ])('by an answer that cannot be read, from any endpoint or an API: %s', async (text) => {
    const part = (words: string) => Buffer.from(words).toString('base64url');
    const header = part('{"alg":"RS256","kid":"rsa-1"}');
    const mount = (app: Express) => {
      app.get('/read', requireAuth(), async (req, res) => {
        const answer = await fetchFrom(req, String(req.query.at));
        res.json(await (req.query.copy ? answer.clone() : answer).json());
      });
    };
    const api = createServer((_req, res) => res.end(text)).listen(0, '127.0.0.1');
    await once(api, 'listening');
    const at = `http://127.0.0.1:${(api.address() as AddressInfo).port}/`;
    const pair = { op: { par: true }, env: { LOG_LEVEL: 'trace' }, routes: { mount } };
    await withPair({ ...pair, lies: { discovery: { body: text } } }, async ({ op, app, browser, open }) => {
      let count = 0;
      const refused = async (lies: Lies) => {
        op.next(lies);
        const page = await createBrowser().get(app.url('/profile'));
        count += 1;
        expect(app.events('sign_in.failed'), JSON.stringify(lies)).toHaveLength(count);
        expect(page.body).not.toContain('SlAV');
      };
      await refused({ discovery: { body: text } });
      // Metadata and keys are kept once they are there, so they come first.
      for (const endpoint of ['jwks', 'par', 'token', 'userinfo'] as const) {
        for (const status of [200, 400]) await refused({ [endpoint]: { body: text, status } });
      }
      for (const token of [`${header}.${part(text)}.sig`, `${part(text)}.${part('{}')}.sig`, text]) {
        await refused({ token: { json: { id_token: token } } });
        await refused({ userinfo: { headers: { 'content-type': 'application/jwt' }, body: token } });
        const told = await browser.post(app.url('/auth/backchannel-logout'), { logout_token: token });
        expect(told.status).toBe(400);
      }
      op.honest();
      for (const copy of ['', '1']) {
        const page = await open(`/read?copy=${copy}&at=${encodeURIComponent(at)}`);
        expect([page.status, page.body.includes('SlAV')]).toEqual([500, false]);
      }
      // Eight of its ten letters are too many as well.
      expect(JSON.stringify(app.lines)).not.toMatch(/SlAV32hk|lAV32hkK|AV32hkKG/);
    }).finally(() => {
      api.closeAllConnections();
      api.close();
    });
  });

  test('by a logout that the provider tells us of, good or bad', async () => {
    const pair: Pair = await startPair({ env: { SESSION_SECRET: sessionSecret, LOG_LEVEL: 'trace' } });
    try {
      const { app, provider } = pair;
      const { browser } = await pair.signIn('alice');
      const good = await logoutToken(provider, { sub: 'alice' });
      const bad = await logoutToken(provider, { sub: 'alice' }, { claims: { aud: 'canary-audience' } });
      for (const [token, status] of [
        [good, 200],
        [good, 400],
        [bad, 400],
        ['canary.logout.token', 400],
      ] as const) {
        const told = await browser.post(app.url('/auth/backchannel-logout'), { logout_token: token });
        expect(told.status).toBe(status);
      }
      expect(app.events('session.ended')).toHaveLength(1);
      expect(app.events('logout_token.refused')).toHaveLength(3);
      await browser.get(app.url('/profile'), { follow: false });
      expectNone(app.lines, [
        ...[good, bad, good.split('.')[1], bad.split('.')[1], 'canary.logout.token', 'canary-audience'],
        ...[provider.clientSecret, sessionSecret],
        ...secretsIn(browser.setCookies),
        ...secretsOf(browser.visited),
      ]);
    } finally {
      await pair.stop();
    }
  });

  test.skipIf(!hasRedis)('by a store that goes away, comes back and does not know a command', async () => {
    const redis = await startRedis({ password: 'canary-password' });
    try {
      const env = { REDIS_URL: redis.url, SESSION_SECRET: sessionSecret, LOG_LEVEL: 'trace' };
      await withPair({ env }, async ({ op, app, browser, open }) => {
        await open('/profile');
        await redis.run('ACL', 'SETUSER', 'default', '-getex');
        expect((await open('/profile')).status).toBe(503);
        await redis.kill();
        const away = await open('/profile');
        expect(away.status).toBe(503);
        // The page says it once; other pages say it at the top.
        expect(away.body.match(/You haven(?:'|&#39;)t been signed out/g)).toHaveLength(1);
        expect((await open('/')).body).toContain('whether you&#39;re signed in right now');
        await redis.restart();
        await expect.poll(() => app.events('store.found').length, { timeout: 10_000 }).toBeGreaterThan(0);
        expect((await open('/profile')).status).toBe(200);
        expectNone(app.lines, [
          ...op.secrets,
          ...['canary-password', op.clientSecret, sessionSecret],
          ...secretsIn(browser.setCookies),
        ]);
      });
    } finally {
      await redis.stop();
    }
  });
});
