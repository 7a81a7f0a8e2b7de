import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { text } from 'node:stream/consumers';
import type { Router } from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { readProxy } from '../site-proxies.ts';
import { startTestApp } from '../testing/index.ts';
import { smallSite } from './helpers/small-site.ts';

// What somebody would try with the proxy of an API who means harm: a script, a page, or the API itself.

const proxy = '/api/notes';

async function listening<T extends Server>(server: T): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

/** @param url of the API */
async function startProxied(url: string) {
  const more = {
    apis: () => ({ notes: { url, proxy } }),
    publicRoutes: (router: Router) =>
      void router.get('/cookie', (req, res) => void res.send(req.headers.cookie)),
  };
  const app = await startTestApp(smallSite({ more }));
  onTestFinished(() => app.stop());
  const alice = await app.signIn('alice');
  const { body: cookie } = await alice.fetch('/cookie');
  const mark = /name="kit-form" content="([^"]+)"/.exec((await alice.get('/')).body)?.[1];
  return { app, alice, cookie, mark };
}

/** A connection on which nobody reads yet, after a script's request. */
function ask(
  { app, cookie, mark }: Awaited<ReturnType<typeof startProxied>>,
  line: string,
  headers: string[] = [],
  body = '',
): Socket {
  const { hostname, port, host, origin } = new URL(app.url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  onTestFinished(() => void socket.destroy());
  const sent = [
    ...[`${line} HTTP/1.1`, `Host: ${host}`, `Cookie: ${cookie}`, `Kit-Form: ${mark}`, `Origin: ${origin}`],
    ...['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Dest: empty', 'Sec-Fetch-Mode: cors', ...headers],
  ];
  socket.write(`${sent.join('\r\n')}\r\n\r\n${body}`);
  return socket;
}

async function startApi(answer: RequestListener = (_req, res) => void res.end()) {
  const calls: { line: string; headers: Record<string, unknown> }[] = [];
  const url = await listening(
    createServer((req, res) => {
      calls.push({ line: `${req.method} ${req.url}`, headers: req.headers });
      answer(req, res);
    }),
  );
  return { url, calls };
}

test.each([
  ['..%3f', 'a server that reads the decoded path as an address once more'],
  ['..%23x', 'the same, with a fragment'],
  ['%2e%2e%3fx=1', 'the same, with dots that are encoded too'],
  ['..%253f', 'a server that decodes twice first'],
  ['..%20', 'Windows, which drops blanks at the end of a name'],
  ['.%20', 'the same, with one dot'],
])('a path never leads above the API: /%s/x, for %s', async (segment) => {
  const { url, calls } = await startApi();
  const { alice } = await startProxied(url);
  expect((await alice.fetch(`${proxy}/${segment}/x`)).status).toBe(400);
  expect((await alice.fetch(`${proxy}/a${segment}/x`)).status).toBe(200);
  expect(calls).toHaveLength(1);
});

test('a length of a body goes on in one form only', async () => {
  const { url, calls } = await startApi((req, res) => void req.resume().once('end', () => res.end()));
  const at = await startProxied(url);
  for (const [length, body] of [
    ['003', 'abc'],
    ['00', ''],
  ]) {
    const socket = ask(at, `POST ${proxy}`, [`Content-Length: ${length}`, 'Connection: close'], body);
    expect(await text(socket)).toMatch(/^HTTP\/1.1 200 /);
  }
  expect(calls.map(({ headers }) => headers['content-length'])).toEqual(['3', '0']);
});

test.each(['Sec-Purpose', 'Purpose', 'X-Purpose', 'X-Moz'])(
  'what a page has the browser fetch ahead is no script: %s',
  async (name) => {
    const { url, calls } = await startApi();
    const { alice } = await startProxied(url);
    const value = name === 'X-Purpose' ? 'preview' : 'prefetch';
    expect((await alice.fetch(proxy, { headers: { [name]: value } })).status).toBe(403);
    expect(calls).toEqual([]);
  },
);

test('an answer without a body has no length that somebody on the way could wait for', async () => {
  const answer = 'HTTP/1.1 204 No Content\r\nContent-Length: 31\r\nConnection: close\r\n\r\n';
  const url = await listening(
    createTcpServer((socket) => void socket.once('data', () => socket.end(answer))),
  );
  const { alice } = await startProxied(url);
  const { status, headers } = await alice.fetch(proxy);
  expect([status, headers.get('content-length')]).toEqual([204, null]);
});

test('an event stream ends with its session, also where nobody reads it', { timeout: 60_000 }, async () => {
  const full = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<number>();
  const { url } = await startApi((_req, res) => {
    res.setHeader('Content-Type', 'text/event-stream');
    res.once('close', () => gone.resolve(Date.now()));
    const more = () => {
      while (!res.destroyed && res.write(`data: ${'x'.repeat(16_000)}\n\n`));
      full.resolve();
    };
    res.on('drain', more);
    more();
  });
  const at = await startProxied(url);
  ask(at, `GET ${proxy}`, ['Accept: text/event-stream']).pause();
  await full.promise;
  const endedAt = Date.now();
  await at.app.endSessions('alice');
  expect((await gone.promise) - endedAt).toBeLessThan(10_000);
});

test('headers that tell an API who asks never pass, whatever the front end that sets them', () => {
  for (const name of identity)
    expect(readProxy({ proxy, requestHeaders: [name] }), name).toMatch(/which never passes/);
  for (const name of ofBrowser)
    expect(readProxy({ proxy, answerHeaders: [name] }), name).toMatch(/which never passes/);
});

const identity = [
  ...[
    'X-Host',
    'X-HTTP-Host-Override',
    'X-Host-Override',
    'X-Originating-IP',
    'X-Real-Host',
    'X-ProxyUser-Ip',
  ],
  ...[
    'X-Scheme',
    'X-Url-Scheme',
    'Front-End-Https',
    'X-Script-Name',
    'X-Override-Url',
    'X-Request-Uri',
    'X-Client',
  ],
  ...[
    'X-Userinfo',
    'X-Consumer-Username',
    'X-Credential-Identifier',
    'X-Email',
    'X-Groups',
    'X-Roles',
    'X-Subject',
  ],
  ...[
    'X-Authentik-Username',
    'X-Vouch-User',
    'X-Pomerium-Jwt-Assertion',
    'Tailscale-User-Login',
    'X-Spiffe-Id',
  ],
  ...[
    'Impersonate-User',
    'X-On-Behalf-Of',
    'X-Sudo',
    'X-Ssl',
    'X-Cookie',
    'Authentication',
    'X-Istio-Attributes',
  ],
];
const ofBrowser = [
  ...[
    'Secure-Session-Registration',
    'Secure-Session-Challenge',
    'Permissions-Policy-Report-Only',
    'Origin-Trial',
  ],
  ...[
    'Document-Isolation-Policy',
    'Integrity-Policy',
    'Authentication-Control',
    'X-LiteSpeed-Location',
    'Kit-Form',
  ],
];
