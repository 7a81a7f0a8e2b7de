import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import express, { type Request, type Response } from 'express';
import * as oidc from 'openid-client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loggedCauses, redact } from '../errors/error-cause.ts';
import { CookieJar } from '../http/cookies.ts';
import { knownMethods } from '../http/methods.ts';
import { localPath } from '../http/return-path.ts';
import { withoutSecrets } from '../log/redaction.ts';
import { layOut, layOutClaims, rawJson } from '../pages/claims.ts';
import { initials } from '../pages/person.ts';
import { apiAddress } from '../provider/api-address.ts';
import { boundClaims, excess } from '../provider/bounds.ts';
import { createProviderFetch, ProviderAnswer, toResponse } from '../provider/fetch.ts';
import { peek } from '../provider/id-token-checks.ts';
import { boundMetadata } from '../provider/metadata.ts';
import { describeDevice, kindOfDevice } from '../session/device-names.ts';
import { loginParameters } from '../session/login-parameters.ts';
import { readRoles } from '../session/roles.ts';
import { linkParameters } from '../sign-in/link-parameters.ts';
import { type AppWithRoutes, startAppWithRoutes } from './helpers/app-with-routes.ts';
import { growth, linear } from './helpers/growth.ts';
import { nested } from './helpers/misbehaving-claims.ts';

// Whatever anybody may send costs no more than its length: twice the input, less than three times the work (R23).
// A pattern that looks at a text anew from each of its letters takes four times as long. One row for each input.

vi.setConfig({ testTimeout: 60_000 });

type Prepare = (size: number) => () => unknown;

/** Refusing is what bounds do. */
const refusing = (work: () => unknown) => () => {
  try {
    work();
  } catch {}
};

const routes = express();
const answersMethods = knownMethods(routes);
for (const path of ['/:from-:to', '/of/:year-:month-:day', '/:name.:kind/{*rest}'])
  routes.get(path, (_req, res) => void res.end());

/** Each is looked up among the routes before anybody is asked who they are. */
const addressOfSeveralParameters = (text: string) => {
  for (const path of [`/${text}/x`, `/of/${text}/x`])
    answersMethods({ path, method: 'GET' } as Request, {} as Response, () => {});
};

const apis = new Map([['api', { url: new URL('https://api.example.com/v1'), providers: ['default'] }]]);

const takeLink = (text: string) => {
  const context = { loginParameters: loginParameters(['login_hint', 'prompt']), explain: false };
  linkParameters({ originalUrl: `/auth/login?${text}`, auth: { context } } as unknown as Request);
};

describe('the work for a text of one thing again and again', () => {
  const repeated = (letters: string, size: number) => letters.repeat(Math.ceil(size / letters.length));
  const textRows: [what: string, size: number, letters: string[], work: (text: string) => unknown][] = [
    ['a return path', 1_000, ['/', '.', 'あ', '%'], (text) => localPath(`/a${text}x`)],
    [
      'a path at an API',
      50_000,
      ['/', '/..', '%2e', '/a%2e/', '?'],
      (text) => apiAddress(apis, 'api', `/a${text}x`),
    ],
    ['a return path of any length', 300_000, ['/', 'あ', '\\'], (text) => localPath(`/a${text}x`)],
    ['an address', 2_000, ['-', '/', 'a-', '.', ':'], addressOfSeveralParameters],
    [
      'a User-Agent',
      300_000,
      ['-', 'Edg', 'Mac OS '],
      (text) => [describeDevice(`${text}x`), kindOfDevice(text)],
    ],
    ['a link to sign in', 4_000, ['login_hint=x&', 'hd&', '%E3%81', 'prompt=a+'], takeLink],
    ['the name of a person', 50_000, ['.', ' ', '@a', 'あ '], (text) => initials(`${text}\n`)],
    ['a JSON Web Token', 100_000, ['.', 'eyJ.'], (text) => peek(`${text}\n`)],
    [
      'a message in the log',
      500,
      ['.', ' ', 'eyJ.', 'token', 'cookie: ', 'bearer ', '//a', '?a', '?='],
      (text) => redact(`${text}\n`),
    ],
    [
      'a stack in the log',
      4_000,
      ['-', 'code_verifier', 'dpop  ', 'state="', '//'],
      (text) => redact(`${text}\n`, 4_000),
    ],
    ['an error in the log', 200_000, ['eyJ.', 'token '], (text) => loggedCauses(new Error(text))],
    ['a line of the log', 200_000, ['token', ' '], (text) => withoutSecrets({ text, [text]: text })],
  ];
  const rows = textRows.flatMap(([what, size, all, work]) => all.map((one) => ({ what, one, size, work })));

  test.each(rows)('$what: $one', async ({ size, one, work }) => {
    const prepare: Prepare = (length) => {
      const text = repeated(one, length);
      return refusing(() => work(text));
    };
    expect(await growth(size, prepare)).toBeLessThan(linear);
  });

  test('a link to sign in with many names', async () => {
    const prepare: Prepare = (size) => {
      const query = Array.from({ length: size }, (_, i) => `a${i}=b`).join('&');
      return () => takeLink(query);
    };
    expect(await growth(700, prepare)).toBeLessThan(linear);
    const query = 'hd&'.repeat(1_000_000);
    const start = performance.now();
    takeLink(query);
    expect(performance.now() - start, 'a longer one is not read').toBeLessThan(5);
  });

  const jar = new CookieJar(true);
  test.each(['a;', '=;', ' ', '\t;', '__Host-a=b;', '__Host-session=x;', '__Host-sign-ins'])(
    'cookies: %j',
    async (one) => {
      const prepare: Prepare = (length) => {
        const req = { headers: { cookie: repeated(one, length) } } as Request;
        return () => [jar.read(req, () => true), jar.has(req, 'sign-ins')];
      };
      expect(await growth(50_000, prepare)).toBeLessThan(linear);
    },
  );
});

describe('the work for JSON', () => {
  const list = (size: number) => Array.from({ length: size }, (_, i) => `role ${i}`);
  const keys = (size: number) => Object.fromEntries(list(size).map((name) => [name, true]));
  const limits = { levels: 1e9, values: 1e9, bytes: 1e9 };

  const rows: [what: string, size: number, prepare: Prepare][] = [
    ['roles in a list', 2_000, on({ roles: list }, (claims) => readRoles(claims, 'roles'))],
    ['roles as keys', 2_000, on({ roles: keys }, (claims) => readRoles(claims, 'roles'))],
    ['claims within the bounds', 2_000, on({ a: list }, (claims) => boundClaims(claims, 'a test'))],
    ['claims beyond the bounds', 50_000, on({ a: list }, (claims) => boundClaims(claims, 'a test'))],
    ['levels beyond the bounds', 50_000, on({ a: nested }, (claims) => boundClaims(claims, 'a test'))],
    ['levels, if more were let in', 1_000, on({ a: nested }, (claims) => excess(claims, limits))],
    ['a page of claims', 2_000, on({ a: list }, (claims) => [layOutClaims(claims), rawJson(claims)])],
    ['a page of levels', 1_000, on({ a: nested }, (claims) => [layOutClaims(claims), rawJson(claims)])],
    ['a page of one wide claim', 5_000, on({ a: list }, layOut)],
    ['metadata', 2_000, (size) => () => boundMetadata(answerOf({ scopes_supported: list(size) }))],
    [
      'metadata that nests',
      20_000,
      (size) => {
        const body = `{"a":${'['.repeat(size)}${']'.repeat(size)}}`;
        return () => boundMetadata(new ProviderAnswer(200, new Headers(), Buffer.from(body))).catch(() => {});
      },
    ],
    ['a token answer', 2_000, (size) => tokenAnswer({ groups: list(size), ...keys(size) })],
    ['a token answer that nests', 1_000, (size) => tokenAnswer({ groups: nested(size) })],
    ['a wide line of the log', 5_000, on({ a: keys, b: list }, withoutSecrets)],
    ['a deep line of the log', 50_000, on({ a: nested }, withoutSecrets)],
  ];

  function on(
    parts: Record<string, (size: number) => unknown>,
    work: (claims: Record<string, unknown>) => unknown,
  ): Prepare {
    return (size) => {
      const made = Object.entries(parts).map(([name, make]) => [name, make(size)]);
      const claims = Object.fromEntries(made);
      return refusing(() => work(claims));
    };
  }

  function answerOf(json: object): ProviderAnswer {
    return new ProviderAnswer(200, new Headers(), Buffer.from(JSON.stringify(json)));
  }

  function tokenAnswer(more: object): () => Promise<unknown> {
    const server = { issuer: 'https://op.example', token_endpoint: 'https://op.example/token' };
    const configuration = new oidc.Configuration(server, 'a test', {}, oidc.None());
    const headers = new Headers({ 'Content-Type': 'application/json' });
    const body = Buffer.from(JSON.stringify({ access_token: 'a', token_type: 'bearer', ...more }));
    configuration[oidc.customFetch] = async () => new ProviderAnswer(200, headers, body);
    return () => oidc.refreshTokenGrant(configuration, 'a refresh token');
  }

  test.each(rows)('%s', async (_what, size, prepare) => {
    expect(await growth(size, prepare)).toBeLessThan(linear);
  });

  test('a path with many ways through the claims looks at each of their names at most once', () => {
    const maze = (level: number): object => {
      const inner = () => maze(level - 1);
      return level === 0 ? { end: 1 } : { a: inner(), 'a.a': inner(), 'a.a.a': inner() };
    };
    const claims = maze(7) as Record<string, unknown>;
    const looks = vi.spyOn(Object, 'hasOwn');
    expect(readRoles(claims, Array(20).fill('a').join('.'))).toEqual([]);
    const objects = (3 ** 8 - 1) / 2;
    expect(looks.mock.calls.length).toBeLessThanOrEqual(20 * objects);
    looks.mockClear();
    expect(readRoles(claims, Array(1_000).fill('a').join('.'))).toEqual([]);
    expect(looks.mock.calls.length).toBe(1);
    looks.mockRestore();
  });
});

describe('the work for a request', () => {
  let app: AppWithRoutes;
  let port: number;
  beforeAll(async () => {
    const provider = {
      OIDC_ISSUER: 'http://127.0.0.1:9',
      OIDC_CLIENT_ID: 'a',
      OIDC_CLIENT_SECRET: 'a secret',
    };
    // Each request comes from another address: none is refused for being one too many.
    const env = { ...provider, LOG_LEVEL: 'info', TRUST_PROXY_HOPS: '1' };
    app = await startAppWithRoutes(env, {
      mount: (express) => express.get('/me', (req, res) => void res.json(req.session.id)),
    });
    port = Number(new URL(app.origin).port);
  });
  afterAll(() => app?.stop());

  let visitors = 0;
  const send = async (request: string) => {
    const visitor = visitors++;
    const address = `X-Forwarded-For: 10.${visitor >> 16}.${(visitor >> 8) & 255}.${visitor & 255}\r\n`;
    const socket = connect(port, '127.0.0.1');
    socket.write(`${request.replace('\r\n', `\r\nHost: a\r\nConnection: close\r\n${address}`)}`, 'latin1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer ||= chunk.toString('latin1', 0, 12);
    });
    await once(socket, 'close');
    app.lines.length = 0;
    return Number(answer.slice(9));
  };
  const get = (line: string, path = '/me') => `GET ${path} HTTP/1.1\r\n${line}\r\n\r\n`;
  const post = (type: string, body: string, path = '/auth/backchannel-logout') =>
    `POST ${path} HTTP/1.1\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const form = 'application/x-www-form-urlencoded';
  const held = (body: string) => post(`${form}\r\nSec-Fetch-Site: same-origin`, body, '/sessions/end');
  const x = (size: number) => 'x'.repeat(size);

  const manyNames = (size: number) =>
    Array.from({ length: size / 5 }, (_, i) => `a${i.toString(36)}`).join('&');

  // Node takes 16 KB of headers, and our forms 16 KB or 64.
  const rows: [what: string, request: (size: number) => string][] = [
    ['a session cookie of dots', (size) => get(`Cookie: session=s%3A${'.'.repeat(size)}%0A`)],
    ['a session cookie of escapes', (size) => get(`Cookie: session=${'%2e'.repeat(size / 3)}`)],
    ['thousands of cookies', (size) => get(`Cookie: ${'a=b;'.repeat(size / 4)}`)],
    ['thousands of session cookies', (size) => get(`Cookie: ${'session=;'.repeat(size / 9)}`)],
    ['thousands of cookies without a value', (size) => get(`Cookie: ${'a;'.repeat(size / 2)}`)],
    [
      'hundreds of login cookies',
      (size) =>
        get(`Cookie: ${Array.from({ length: size / 12 }, (_, i) => `login-${i}=`).join(';')}`, '/auth/login'),
    ],
    ['a cookie that says goodbye', (size) => get(`Cookie: signed-out=${x(size)}`, '/signed-out')],
    ['a cookie of the loop guard', (size) => get(`Cookie: sign-ins=${'.'.repeat(size)}`, '/auth/login')],
    ['a cookie of what is to be said', (size) => get(`Cookie: said=${x(size)}`, '/')],
    ['a path of slashes', (size) => get('A: b', `/${'/'.repeat(size)}x`)],
    ['a path of dots', (size) => get('A: b', `/${'../'.repeat(size / 3)}`)],
    ['a path of escapes', (size) => get('A: b', `/${'%2f'.repeat(size / 3)}`)],
    ['a path below a page', (size) => get('A: b', `/profile/${'a/'.repeat(size / 2)}`)],
    ['a whole address', (size) => get('A: b', `http://xn--${x(size)}/`)],
    ['a query of names', (size) => get('A: b', `/?${'a&'.repeat(size / 2)}`)],
    ['a query of question marks', (size) => get('A: b', `/?${'?'.repeat(size)}`)],
    ['a page to go on to', (size) => get('A: b', `/profile?${'%E3'.repeat(size / 3)}`)],
    ['an answer of the provider', (size) => get('A: b', `/auth/callback?${'state=x&'.repeat(size / 8)}`)],
    ['an error of the provider', (size) => get('A: b', `/auth/callback?state=x&error=${x(size)}`)],
    ['a front-channel logout', (size) => get('A: b', `/auth/frontchannel-logout?iss=a&sid=${x(size)}`)],
    [
      'a third-party start',
      (size) => get('A: b', `/auth/initiate-login?iss=http://127.0.0.1:9&login_hint=${x(size)}`),
    ],
    ['a link of names', (size) => get('A: b', `/auth/login?${manyNames(size)}`)],
    ['a link of one name', (size) => get('A: b', `/auth/login?${'login_hint=x&'.repeat(size / 13)}`)],
    ['a link of one value', (size) => get('A: b', `/auth/login?login_hint=${x(size)}`)],
    ['a link of words', (size) => get('A: b', `/auth/login?prompt=${'a+'.repeat(size / 2)}none`)],
    ['a User-Agent', (size) => get(`User-Agent: ${'Mac OS '.repeat(size / 7)}`)],
    ['an Accept', (size) => get(`Accept: ${'text/htm,'.repeat(size / 9)}`)],
    ['an X-Request-Id', (size) => get(`X-Request-Id: ${x(size)}!`)],
    ['a Sec-Purpose', (size) => get(`Sec-Purpose: ${'prefetc'.repeat(size / 7)}`)],
    [
      'a Sec-Fetch-Site',
      (size) => post(form, 'a=b').replace('Content-Type', `Sec-Fetch-Site: ${x(size)}\r\nContent-Type`),
    ],
    ['an X-Forwarded-For', (size) => get(`X-Forwarded-For: ${'1.1.1.1,'.repeat(size / 8)}`, '/auth/login')],
    ['an X-Forwarded-For of digits', (size) => get(`X-Forwarded-For: ${'1'.repeat(size)}:`, '/auth/login')],
    [
      'hundreds of headers',
      (size) => get(Array.from({ length: size / 20 }, (_, i) => `A${i}: b`).join('\r\n')),
    ],
    ['hundreds of equal headers', (size) => get('Cookie: a=b\r\n'.repeat(size / 20).trimEnd())],
    ['an If-None-Match', (size) => get(`If-None-Match: ${'"a",'.repeat(size / 4)}`, '/site.css')],
    ['a Range', (size) => get(`Range: bytes=${'0-0,'.repeat(size / 4)}1-1`, '/site.css')],
    ['a Content-Type of spaces', (size) => post(`${form};${' '.repeat(size)}x`, 'a=b')],
    ['a Content-Type of parameters', (size) => post(`${form}${';a=b'.repeat(size / 4)}`, 'a=b')],
    ['a charset', (size) => post(`${form};charset=${x(size)}`, 'a=b')],
    ['a form of names', (size) => post(form, 'a&'.repeat(size / 2))],
    ['a form of nobody, which is held', (size) => held(`text=${'<'.repeat(size)}`)],
    ['a form of nobody with fields of nothing', (size) => held(`a=${'%00'.repeat(size / 3)}`)],
    ['a logout token of dots', (size) => post(form, `logout_token=${'.'.repeat(size)}`)],
    [
      'a logout token that nests',
      (size) =>
        post(
          form,
          `logout_token=${Buffer.from(`{"alg":"HS256","a":${'['.repeat(size / 4)}${']'.repeat(size / 4)}}`).toString('base64url')}.e30.x`,
        ),
    ],
    [
      'a form to the callback',
      (size) =>
        post(form, 'state=x&'.repeat(size / 2), '/auth/callback').replace(
          'Content-Type',
          'Sec-Fetch-Site: same-origin\r\nContent-Type',
        ),
    ],
  ];

  test.each(rows)('with %s', async (_what, request) => {
    const prepare: Prepare = (size) => {
      const bytes = request(size);
      return () => send(bytes);
    };
    expect(await send(request(2 * 7_200)), 'too long for Node').not.toBe(431);
    expect(await growth(7_200, prepare)).toBeLessThan(linear);
  });
});

describe('the work for the headers of a provider or an API', () => {
  let headers: Record<string, string | string[]> = {};
  const server = createServer((_req, res) => void res.writeHead(401, headers).end());
  const { fetch, close } = createProviderFetch({});
  let configuration: oidc.Configuration;
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    configuration = new oidc.Configuration({ issuer: 'http://127.0.0.1' }, 'a test');
    configuration[oidc.customFetch] = async (...request) => toResponse(await fetch(...request));
    oidc.allowInsecureRequests(configuration);
  });
  afterAll(() => {
    close();
    server.close();
  });

  const rows: [what: string, headers: (size: number) => Record<string, string | string[]>][] = [
    ['a challenge of parameters', (size) => ({ 'WWW-Authenticate': `Bearer ${'a=b,'.repeat(size / 4)}` })],
    ['a challenge of spaces', (size) => ({ 'WWW-Authenticate': `Bearer a${' '.repeat(size)}!` })],
    ['a challenge of quotes', (size) => ({ 'WWW-Authenticate': `Bearer ${'a="b",'.repeat(size / 6)}"` })],
    [
      'hundreds of challenges',
      (size) => ({ 'WWW-Authenticate': Array(Math.floor(size / 30)).fill('Bearer') }),
    ],
    ['a Date', (size) => ({ Date: `${'('.repeat(size)}` })],
    ['a Content-Type', (size) => ({ 'Content-Type': `application/json${';'.repeat(size)}` })],
    ['hundreds of Set-Cookie', (size) => ({ 'Set-Cookie': Array(Math.floor(size / 20)).fill('a=b') })],
  ];
  test.each(rows)('with %s', async (_what, headersOf) => {
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const prepare: Prepare = (size) => {
      const made = headersOf(size);
      return async () => {
        headers = made;
        await oidc.fetchProtectedResource(configuration, 'a-token', url, 'GET').catch(() => {});
      };
    };
    expect(await growth(7_200, prepare)).toBeLessThan(linear);
  });
});
