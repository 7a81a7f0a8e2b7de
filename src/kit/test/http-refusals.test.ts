import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createRefusals } from '../http/refusals.ts';
import { useViews } from '../http/views.ts';
import { createLog } from '../log/index.ts';
import { type LogLine, startApp, type TestApp, testFolders } from './helpers/app.ts';

// What Node refuses before the app sees a request: a page like every other failure's.

const settings = {
  OIDC_ISSUER: 'http://localhost:9',
  OIDC_CLIENT_ID: 'app',
  OIDC_CLIENT_SECRET: 'the-secret-of-the-client',
};

interface Talk {
  socket: Socket;
  /** All that has come so far. */
  readonly heard: string;
  /** Settles when the other side has closed, with an error where it did so by a reset. */
  ended: Promise<string>;
}

function talkTo(port: number): Talk {
  let heard = '';
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('utf8').on('data', (part) => (heard += part));
  const ended = new Promise<string>((resolve, reject) => {
    socket.on('error', reject).on('close', () => resolve(heard));
  });
  ended.catch(() => {});
  return {
    socket,
    ended,
    get heard() {
      return heard;
    },
  };
}

/** What comes back for this, sent as it is. */
async function send(port: number, ...parts: (string | Buffer)[]): Promise<string> {
  const { socket, ended } = talkTo(port);
  for (const part of parts) socket.write(part);
  return ended;
}

function parsed(answer: string) {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const [line = '', ...fields] = head.split('\r\n');
  const headers = new Headers(fields.map((field) => field.split(/: (.*)/s, 2) as [string, string]));
  return { status: Number(line.split(' ')[1]), headers, body };
}

const told = (lines: readonly LogLine[]) =>
  lines.filter(({ msg }) => msg === 'a request was refused before it was read');

const canary = 'canary-0123456789';
const tooLarge = `GET /${canary} HTTP/1.1\r\nHost: a\r\nCookie: ${`n=${canary}; `.repeat(2_000)}\r\n\r\n`;

describe('the app', () => {
  let app: TestApp;
  let port = 0;
  beforeAll(async () => {
    app = await startApp(settings);
    port = Number(new URL(app.origin).port);
  });
  afterAll(() => app?.stop());

  test('says that there are too many cookies, where the headers are too large', async () => {
    app.lines.length = 0;
    const { status, body, headers } = parsed(await send(port, tooLarge));
    expect(status).toBe(431);
    expect(body).toContain('<h1>Too many cookies for this site</h1>');
    expect(body).toMatch(/Clear this site&#39;s cookies/);
    expect(body).toContain('mailto:help@example.com');
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(body));
    // Whatever it linked to here would be refused in the same way.
    expect(body).not.toMatch(/rel="stylesheet"|class="button" href/);
    const styles = [...body.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, css]) => css ?? '');
    expect(styles.join()).toMatch(/\.say \{[\s\S]*body \{/);
    const hashes = styles.map((css) => `'sha256-${hash('sha256', css, 'base64')}'`);
    expect(headers.get('content-security-policy')).toContain(`style-src 'self' ${hashes.join(' ')};`);
    const [line] = told(app.lines);
    expect(line).toMatchObject({
      level: 'info',
      status: 431,
      reason: 'HPE_HEADER_OVERFLOW',
      peer: '127.0.0.1',
    });
    expect(line?.hint).toMatch(/mostly cookies/);
    expect(body).toContain(`<code>${line?.request_id}</code>`);
    expect(JSON.stringify(app.lines)).not.toContain('canary');
    expect(body).not.toContain('canary');
  });

  const usual = 'POST /auth/backchannel-logout HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  test.each([
    ['a first line that is none', `${canary}\r\n\r\n`, 400],
    ['TLS where there is none', Buffer.from('16030100c8010000c40303', 'hex'), 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two of Host', 'GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n', 400],
    ['two of Host, in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['a header that is none', `GET / HTTP/1.1\r\nHost: a\r\n${canary}\r\n\r\n`, 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['a broken chunk', `${usual}zz\r\n`, 400],
    ['a chunk with an endless extension', `${usual}1;${canary.repeat(2_000)}\r\na\r\n0\r\n\r\n`, 413],
    ['an expectation', `GET / HTTP/1.1\r\nHost: a\r\nExpect: ${canary}\r\n\r\n`, 417],
    ['a target without a path', 'GET http:// HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ])('answers %s by a page with the headers of all others', async (_what, bytes, expected) => {
    app.lines.length = 0;
    const other = parsed(await send(port, 'GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
    const { status, headers, body } = parsed(await send(port, bytes));
    expect(status).toBe(expected);
    expect(body).toMatch(/^<!doctype html>[\s\S]*<h1>[^<]+<\/h1>/);
    for (const [name, value] of other.headers) {
      if (/^(date|content-length|connection|keep-alive|vary)$/.test(name)) continue;
      expect([name, headers.get(name)]).toEqual([name, value]);
    }
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('connection')).toBe('close');
    expect(Date.parse(headers.get('date') ?? '')).toBeGreaterThan(0);
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(body));
    expect(JSON.stringify(app.lines)).not.toContain('canary');
  });

  test('ends a connection after chunks in HTTP/1.0, which knows none (RFC 9112 §6.1)', async () => {
    const chunks = 'Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    const { headers } = parsed(await send(port, `POST /nowhere HTTP/1.0\r\nHost: a\r\n${chunks}`));
    expect(headers.get('connection')).toBe('close');
  });

  test('answers a few requests that come at once, in order, and ends a connection that sends a flood of them', async () => {
    const one = 'GET /kit.css HTTP/1.1\r\nHost: a\r\n\r\n';
    const last = 'GET /kit.css HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const few = await send(port, one.repeat(9) + last);
    expect(few.match(/HTTP\/1\.1 200/g)).toHaveLength(10);
    app.lines.length = 0;
    const { socket, ended } = talkTo(port);
    socket.write(one.repeat(5_000));
    await ended.catch(() => {});
    expect((await fetch(app.url('/healthz'))).status).toBe(200);
    // Those of one read of the connection, not all.
    expect(app.lines.filter(({ msg }) => msg === 'request').length).toBeLessThan(2_500);
  });

  test('lets whoever is still sending read the answer, and waits for them no longer than two seconds', async () => {
    const { socket, ended } = talkTo(port);
    socket.write(tooLarge.slice(0, 20_000));
    await once(socket, 'data');
    // Data for a connection that is closed already would be answered by a reset, which takes the page along.
    const more = setInterval(() => socket.write('x'.repeat(10_000)), 50);
    onTestFinished(() => clearInterval(more));
    const started = performance.now();
    await once(socket, 'end');
    clearInterval(more);
    expect(performance.now() - started).toBeLessThan(1_900);
    socket.end();
    expect(parsed(await ended).status).toBe(431);

    // Whoever neither reads on nor goes is cut off.
    const silent = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    silent.on('error', () => {}).write(tooLarge);
    silent.resume();
    const since = performance.now();
    await once(silent, 'end');
    const ping = setInterval(() => silent.write('x'), 100);
    onTestFinished(() => clearInterval(ping));
    await new Promise((resolve) => silent.once('close', resolve));
    expect(performance.now() - since).toBeLessThan(4_000);
  }, 60_000);

  test('says nothing more on a connection that an answer is on its way on', async () => {
    // The first is read whole, so what is wrong is the second: its page would be taken for the first's answer.
    const answer = await send(port, `GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n${canary}\r\n\r\n`);
    expect(answer.match(/HTTP\/1\.1/g)?.length ?? 0).toBeLessThanOrEqual(1);
    expect(answer).not.toContain('400');
  });

  test('says nothing more about a body whose request has its answer already', async () => {
    const { socket, ended } = talkTo(port);
    socket.write('POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
    await once(socket, 'data');
    // A proxy would give this page to whoever asks next on the connection.
    socket.write('zz\r\n');
    expect((await ended).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 403']);
  });

  test('answers the next request of a kept connection as the first', async () => {
    const { socket, ended } = talkTo(port);
    socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.write(tooLarge);
    const answers = (await ended).split(/(?=HTTP\/1\.1 )/);
    expect(answers.map((one) => parsed(one).status)).toEqual([200, 431]);
  });

  test('logs ten of them a minute, and the others at level debug', async () => {
    const other = await startApp(settings);
    onTestFinished(() => other.stop());
    const own = Number(new URL(other.origin).port);
    for (let turn = 0; turn < 15; turn++) await send(own, `${canary}\r\n\r\n`);
    expect(told(other.lines).map(({ level }) => level)).toEqual([
      ...Array.from({ length: 10 }, () => 'info'),
      ...Array.from({ length: 5 }, () => 'debug'),
    ]);
  });
});

describe('the page', () => {
  test("is in the site's own words, and in its first language", async () => {
    const texts = {
      de: { 'error.too_many_cookies.title': 'Zu viele Cookies' },
      fr: { 'error.too_many_cookies.title': 'Trop de cookies' },
    };
    const app = await startApp(settings, undefined, { texts });
    onTestFinished(() => app.stop());
    const { body } = parsed(await send(Number(new URL(app.origin).port), tooLarge));
    expect(body).toContain('<h1>Zu viele Cookies</h1>');
    expect(body).toContain('<html lang="de"');
  });

  test('has HSTS where BASE_URL is https', async () => {
    const { port } = await serve((_req, res) => void res.end(), {}, { baseUrl: 'https://app.example.com' });
    const { headers } = parsed(await send(port, `${canary}\r\n\r\n`));
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
  });

  test('is plain words where its view fails', async () => {
    const { port } = await serve((_req, res) => void res.end(), {}, { views: [] });
    const { status, headers, body } = parsed(await send(port, tooLarge));
    expect([status, headers.get('content-type')]).toEqual([431, 'text/plain; charset=utf-8']);
    expect(body).toMatch(/^Too many cookies for this site\n\n[\s\S]+\n\nRequest ID: [0-9a-f-]{36}\n$/);
  });
});

/** A server with a listener of the test's own and its own time limits. */
async function serve(
  handle: RequestListener,
  options: ServerOptions,
  { baseUrl = 'http://127.0.0.1:3000', views = testFolders.views as readonly string[] } = {},
) {
  const lines: LogLine[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) });
  const app = express();
  useViews(app, views, { development: false });
  app.locals.site = { name: 'Test', help: undefined };
  app.locals.asset = (path: string) => path;
  const server = createServer({ ...options, connectionsCheckingInterval: 20 }, handle);
  createRefusals(app, log, { baseUrl }).watch(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close().closeAllConnections());
  return { port: (server.address() as AddressInfo).port, lines };
}

describe('a request that takes too long', () => {
  test('while its headers come is answered by a page, and is not carried out after all', async () => {
    let handled = 0;
    const { port } = await serve(() => void handled++, { headersTimeout: 100, requestTimeout: 200 });
    const { socket, ended } = talkTo(port);
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n');
    await once(socket, 'data');
    socket.write('\r\n');
    const { status, body } = parsed(await ended);
    expect([status, body.includes('Your connection was too slow')]).toEqual([408, true]);
    expect(handled).toBe(0);
  });

  test('while its body comes too, and once only', async () => {
    const { port } = await serve((req, res) => void req.on('close', () => res.end('late')).resume(), {
      headersTimeout: 100,
      requestTimeout: 200,
    });
    const answer = await send(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(parsed(answer).status).toBe(408);
  });

  test('gets no second answer where a part of one is out', async () => {
    const { port } = await serve((_req, res) => void res.write('half'), {
      headersTimeout: 100,
      requestTimeout: 200,
    });
    const answer = await send(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).not.toContain('408');
  });

  test('and never began is ended without a word', async () => {
    const { port, lines } = await serve(() => {}, { headersTimeout: 100, requestTimeout: 200 });
    expect(await send(port)).toBe('');
    expect(lines).toEqual([]);
  });

  test('and was broken off is none, and nothing is logged', async () => {
    const { port, lines } = await serve(() => {}, {});
    const { socket } = talkTo(port);
    socket.write('GET / HT');
    await once(socket, 'ready');
    socket.resetAndDestroy();
    expect((await send(port, 'x\r\n\r\n')).length).toBeGreaterThan(0);
    expect(told(lines)).toHaveLength(1);
  });
});
