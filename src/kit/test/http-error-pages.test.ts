import { once } from 'node:events';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import supertest from 'supertest';
import { beforeEach, describe, expect, test } from 'vitest';
import { loggedCauses } from '../errors/error-cause.ts';
import type { Message } from '../errors/message.ts';
import { unavailable } from '../errors/page-errors.ts';
import { createLog, requestLog } from '../log/index.ts';
import { errorPages, noSuchAddress } from '../pages/error-pages.ts';
import { StoreError } from '../store/index.ts';
import { atLeast, type LogLine } from './helpers/app.ts';

interface Line {
  level: LogLine['level'];
  msg: string;
  request_id: string;
  status: number;
  causes: { name: string; message: string; code?: string; error?: string; stack?: string }[];
}

let lines: Line[] = [];
/** Keeps what is said of errors, without the one line that each request has anyway. */
function keep(text: string) {
  const line: Line = JSON.parse(text);
  if (line.msg !== 'request') lines.push(line);
}
const log = createLog('debug', { write: keep });
beforeEach(() => {
  lines = [];
});

/** Stands for views/message.ejs: prints what it is given. */
class FakeView {
  path = 'message';
  render(model: Message & { requestId: string }, done: (error: unknown, html?: string) => void) {
    if (model.title === 'unprintable') done(new Error('the view is broken'));
    else done(null, `<h1>${model.title}</h1>${model.text.join('\n')}<i>${model.requestId}</i>`);
  }
}

function appThat(handler: RequestHandler, { development = false, view = true } = {}) {
  const app = express();
  if (view) app.set('view', FakeView);
  app.use(
    (req, _res, next) => {
      req.headers['x-request-id'] = 'request-1';
      next();
    },
    requestLog(log, app, () => true),
  );
  app.use(express.json({ limit: 100 }), express.urlencoded({ limit: 100 }));
  app.all('/x', handler);
  app.get('/item/:id', (_req, res) => void res.send('item'));
  app.use(noSuchAddress, errorPages({ log, development }));
  return app;
}

const failing = (error: unknown, options = {}) =>
  supertest(
    appThat(() => {
      throw error;
    }, options),
  );
const document = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };

describe('a failure', () => {
  test('that has its own words prints them with the request id, and is stored nowhere', async () => {
    const page = { title: 'Not today', text: ['Come back tomorrow.'] };
    const error = Object.assign(new Error('closed'), { status: 403, page });
    const { status, headers, text } = await failing(error).get('/x').set(document);
    expect(status).toBe(403);
    expect(text).toBe('<h1>Not today</h1>Come back tomorrow.<i>request-1</i>');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(lines).toMatchObject([
      { level: 'warn', request_id: 'request-1', status: 403, causes: [{ message: 'closed' }] },
    ]);
  });

  test('that nobody foresaw is a 500 that tells nothing of the inside', async () => {
    const { status, text } = await failing(new TypeError('Cannot read properties of undefined')).get('/x');
    expect(status).toBe(500);
    expect(text).toContain('Something went wrong');
    expect(text).not.toMatch(/TypeError|undefined|node_modules|\.ts|\bat \//);
    expect(lines[0]).toMatchObject({ level: 'error', causes: [{ name: 'TypeError' }] });
    expect(lines[0]?.causes[0]?.stack).toContain('http-error-pages.test.ts');
  });

  test('while developing says where to look, and what was wrong with the error page itself', async () => {
    const { text } = await failing(new Error('inside'), { development: true }).get('/x');
    expect(text).toContain('the console shows the whole error');
    const broken = await failing(new Error('inside'), { development: true, view: false }).get('/x');
    expect(broken.text).toMatch(
      /Request ID: request-1\n\nError: inside\n\n {4}at [\s\S]*\n\nError: No default engine/,
    );
  });

  test.each([[undefined], [null], ['a string'], [0], [{ status: 418, message: 'x' }]])(
    'that is no error (%j) is a 500',
    async (thrown) => {
      const app = appThat((_req, _res, next) => (thrown ? next(thrown) : next(new Error(String(thrown)))));
      const { status, text } = await supertest(app).get('/x');
      expect(status).toBe(500);
      expect(text).toContain('Something went wrong');
    },
  );

  test('of the store is a 503 that says when to come back', async () => {
    const { status, headers, text } = await failing(new StoreError('no answer')).get('/x');
    expect(status).toBe(503);
    expect(headers['retry-after']).toBe('5');
    expect(text).toContain("You haven't been signed out.");
  });

  test('that the site calls unavailable is a 503 of its own, and its cause is in the log only', async () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), { code: 'ECONNREFUSED' });
    const { status, headers, text } = await failing(unavailable(cause)).get('/x').set(document);
    expect(status).toBe(503);
    expect(headers['retry-after']).toBe('5');
    expect(text).toContain("We can't do this right now");
    expect(text).not.toContain('ECONNREFUSED');
    expect(lines[0]?.causes).toMatchObject([{ message: 'unavailable' }, { code: 'ECONNREFUSED' }]);
    const { body, type } = await failing(unavailable()).get('/x').set('Sec-Fetch-Dest', 'empty');
    expect([type, body]).toMatchObject(['application/problem+json', { status: 503 }]);
  });

  test('with a status of 503 that the site did not call unavailable is a 500', async () => {
    for (const more of [{}, { expose: true }, { retryAfter: 5 }]) {
      const error = Object.assign(new Error('from a driver'), { status: 503, statusCode: 503, ...more });
      expect((await failing(error).get('/x')).status).toBe(500);
    }
  });

  test('of an outgoing call keeps its status to itself', async () => {
    for (const status of [400, 401, 403, 404]) {
      const answer = await failing(Object.assign(new Error('from the provider'), { status })).get('/x');
      expect(answer.status).toBe(500);
    }
  });

  test('with a status that is none, or half a page, is a 500', async () => {
    for (const half of [
      { status: 'x', page: { title: 'a', text: [] } },
      { status: 403, page: { title: 'a' } },
    ]) {
      expect((await failing(Object.assign(new Error('half'), half)).get('/x')).status).toBe(500);
    }
  });

  test('keeps the cookies that were set, and drops what was said about another body', async () => {
    const app = appThat((_req, res) => {
      res.cookie('login', '').set({ ETag: '"1"', 'Content-Length': '3', 'Content-Encoding': 'gzip' });
      res.set({ 'Cache-Control': 'public', 'Content-Security-Policy': "default-src 'none'" });
      throw new Error('late');
    });
    const { headers, text } = await supertest(app).get('/x');
    expect(headers['set-cookie']).toHaveLength(1);
    expect(headers['content-security-policy']).toBe("default-src 'none'");
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['content-encoding']).toBeUndefined();
    expect(text).toContain('Something went wrong');
  });

  test('after half of the answer breaks the connection, so that nobody takes it for whole', async () => {
    const server = appThat((_req, res, next) => {
      res.write('half', () => next(new Error('too late')));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [response] = await once(get({ host: '127.0.0.1', port, path: '/x' }), 'response');
    await expect(response.toArray()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(lines).toHaveLength(1);
    server.close();
  });

  test('has an id also where nobody gave the request one', async () => {
    const app = express().use(noSuchAddress, errorPages({ log, development: false }));
    const { text } = await supertest(app).get('/nowhere');
    const [, id] = /Request ID: ([\da-f-]{36})\n/.exec(text) ?? [];
    expect(id).toBeDefined();
    expect(new Set(lines.map((line) => line.request_id))).toEqual(new Set([id]));
  });

  test('of the error page itself ends in plain text with the request id', async () => {
    const page = { title: 'unprintable', text: ['Still readable.'] };
    for (const options of [{ view: true }, { view: false }]) {
      const error = Object.assign(new Error('x'), { status: 403, page });
      const { status, headers, text } = await failing(error, options).get('/x');
      expect(status).toBe(403);
      expect(headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(text).toBe('unprintable\n\nStill readable.\n\nRequest ID: request-1\n');
    }
  });
});

describe('what the request itself got wrong', () => {
  const app = supertest(appThat((_req, res) => void res.send('fine')));

  test('an unknown address is a 404, below a page as well, and no line in the log to fill it', async () => {
    for (const path of ['/nowhere', '/x/below', '/%2e%2e/x', '/<script>']) {
      const { status, text } = await app.get(path);
      expect(status, path).toBe(404);
      expect(text).toContain('Page not found');
      expect(text).not.toContain('script');
    }
    expect(lines.filter(atLeast('info'))).toEqual([]);
  });

  test('an address that cannot be decoded is a 400', async () => {
    const { status, text } = await app.get('/item/%E0%A4%A');
    expect(status).toBe(400);
    expect(text).toContain('understand that request');
    expect(text).not.toContain('%E0');
  });

  test('a body that is broken, too large or of a strange kind has its own words', async () => {
    const post = (type: string, body: string) =>
      app.post('/x').set('Content-Type', type).set(document).send(body);
    const broken = await post('application/json', '{"a":');
    expect([broken.status, broken.text]).toEqual([400, expect.stringContaining('understand that request')]);
    const large = await post('application/json', JSON.stringify('x'.repeat(200)));
    expect([large.status, large.text]).toEqual([413, expect.stringContaining("That's too large")]);
    const strange = await post('application/x-www-form-urlencoded; charset=koi8-r', 'a=b');
    expect([strange.status, strange.text]).toEqual([415, expect.stringContaining('read that form')]);
  });
});

describe('who gets a page', () => {
  test.each([
    ['a person who opens a page', document, 'html'],
    ['a person, whatever Accept says', { ...document, Accept: 'application/json' }, 'html'],
    ['a person in an older browser', { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }, 'html'],
    ['a program that names no type', {}, 'html'],
    ['a program that takes anything', { Accept: '*/*' }, 'json'],
    ['a script', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: 'text/html' }, 'json'],
    ['a script that says no more', { 'Sec-Fetch-Mode': 'cors', Accept: 'text/html' }, 'json'],
    ['a script without a mode', { 'Sec-Fetch-Dest': 'empty' }, 'json'],
    ['an image', { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }, 'json'],
    ['a program that wants JSON', { Accept: 'application/json' }, 'json'],
  ])('%s', async (_who, headers, kind) => {
    const { text, headers: answer } = await failing(new Error('x'))
      .get('/x')
      .set(headers as Record<string, string>);
    if (kind === 'html') return expect(text).toContain('<h1>');
    expect(answer['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(JSON.parse(text)).toEqual({
      title: 'Something went wrong',
      status: 500,
      requestId: 'request-1',
    });
  });
});

describe('what the log says of a cause', () => {
  test('the whole chain, with codes and what an OAuth server answered', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    const answer = Object.assign(new Error('server responded with an error', { cause: refused }), {
      error: 'invalid_grant',
      error_description: 'the code was used',
    });
    expect(loggedCauses(new Error('outer', { cause: answer }))).toEqual([
      { name: 'Error', message: 'outer' },
      {
        name: 'Error',
        message: 'server responded with an error',
        error: 'invalid_grant',
        error_description: 'the code was used',
      },
      { name: 'Error', message: 'connect ECONNREFUSED 127.0.0.1:1', code: 'ECONNREFUSED' },
    ]);
  });

  test('never a token, a code or a password, wherever a library put it', () => {
    const canary = 'cAnArY0123456789cAnArY0123456789';
    const short = 's3cr3t';
    const jwt = `eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.${short}`;
    for (const text of [
      `GET https://app.example.com/auth/callback?code=${short}&state=x failed`,
      `token ${canary} is not valid`,
      `bad token ${jwt}`,
      `connect redis://:${short}@redis.example.com:6379`,
      `connect redis://user:${short}@redis.example.com:6379`,
      `refresh_token=${short}`,
      `{"access_token":"${short}"}`,
      `client_secret: ${short}`,
      `Authorization: Bearer ${short}`,
      `Authorization: Basic ${short}`,
      `Cookie: __Host-session=${short}; login-1=${short}`,
    ]) {
      const error = Object.assign(new Error(text), {
        code: text,
        error: text,
        error_description: text,
        response: { body: canary },
        parameters: new URLSearchParams({ code: canary }),
        cause: { body: { access_token: canary } },
      });
      const logged = JSON.stringify(loggedCauses(error, { stack: true }));
      expect(logged, text).not.toContain(canary);
      expect(logged, text).not.toContain(short);
    }
  });

  test.each([
    'OAUTH_AUTHORIZATION_RESPONSE_ERROR',
    'OAUTH_WWW_AUTHENTICATE_CHALLENGE',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  ])('but the stable code %s, whole', (code) => {
    const error = Object.assign(new Error(`failed with ${code}`), { code });
    expect(loggedCauses(error)).toEqual([{ name: 'Error', message: `failed with ${code}`, code }]);
  });

  test.each([
    'DPoP proof is too old',
    'the DPoP "htu" mismatches, or the DPoP nonce is missing',
    'Invalid DPoP: htu mismatch',
    'OIDC_DPOP=true, but a Bearer token came',
    'server answered Bearer error="invalid_token", error_description="no DPoP proof"',
  ])('but a sentence about DPoP, whole: %s', (message) => {
    expect(loggedCauses(new Error(message))[0]?.message).toBe(message);
  });

  test.each([
    'DPoP SlAV32hkKG',
    'Bearer SlAVabcdef',
    'DPoP: SlAV32hkKG.x.y',
    `DPoP eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.SlAV32hkKG`,
    `a_${'SlAV32hkKG'.repeat(4)}`,
    `${'slav32hkkg_'.repeat(4)}x9`,
    'Headers.set: "Bearer SlAV32hkKG\n" is an invalid header value.',
  ])('and never the token of a scheme: %s', (message) => {
    const error = Object.assign(new Error(message), { code: message });
    expect(JSON.stringify(loggedCauses(error, { stack: true }))).not.toMatch(/slav32|SlAV/);
  });

  test('the error in a challenge, which the library hangs on as a list', () => {
    const cause = [
      { scheme: 'bearer', parameters: {} },
      { scheme: 'dpop', parameters: { error: 'use_dpop_nonce', error_description: 'again' } },
    ];
    expect(loggedCauses(new Error('challenge', { cause }))).toEqual([
      { name: 'Error', message: 'challenge', error: 'use_dpop_nonce', error_description: 'again' },
    ]);
    for (const odd of [[null], [5], [{}], [{ parameters: null }], [{ parameters: { error: 5 } }]])
      expect(loggedCauses(new Error('challenge', { cause: odd }))).toHaveLength(1);
  });

  test('is short, and ends, even for a chain that bites its own tail', () => {
    const error: Error = new Error('long '.repeat(1000));
    error.cause = error;
    const logged = loggedCauses(error);
    expect(logged).toHaveLength(6);
    expect(logged[0]?.message.length).toBeLessThanOrEqual(500);
  });

  test('a hostile message takes no time to redact', () => {
    const started = performance.now();
    for (const piece of [
      'eyJ',
      '?',
      'token=',
      '//',
      'a=',
      'code: ',
      '-',
      'DPoP ',
      'dpop:',
      'A_',
      'Headers.set: "',
    ])
      loggedCauses(new Error(piece.repeat(200_000)), { stack: true });
    expect(performance.now() - started).toBeLessThan(500);
  });
});
