import { describe, expect, onTestFinished, test } from 'vitest';
import { pathBelow } from '../tokens/proxy/path.ts';
import { type Caller, expectProblem, proxyPath, scripted, sendRaw, startProxied } from './helpers/proxied.ts';

// Where a request goes at the API: below its own address, however the path is written, or nowhere.

const proxy = proxyPath;

/** What leads elsewhere, and how it may be written. */
const elsewhere = [
  ...['/..', '/../', '/../admin', '/a/../../admin', '/a/..', '/.', '/./a', '/a/.', '/a/./b'],
  ...['/..;', '/..;/admin', '/..;x=1/admin', '/.;/a', '/..;;', '/..;%2fadmin', '/..%3b/admin', '/..%3Bx/a'],
  ...[
    '/%2e%2e',
    '/%2e%2e/admin',
    '/%2E%2E/admin',
    '/.%2e/admin',
    '/%2e./admin',
    '/%2e/a',
    '/a/%2e%2e/%2e%2e/b',
  ],
  ...[
    '//',
    '//a',
    '/a//b',
    '/a//',
    '/%2f',
    '/%2f%2f',
    '/%2fother.example.com',
    '/a%2f/b',
    '/a/%2Fb',
    '/a%2f%2fb',
  ],
  ...['/..%2f', '/..%2fadmin', '/a%2f..%2f..', '/a%2f%2e%2e%2fb', '/%2e%2e%2fadmin', '/a%2f.', '/a%2f..'],
  ...['/\\', '/a\\b', '/..\\admin', '/\\other.example.com', '/%5c', '/a%5cb', '/..%5cadmin', '/%5C%5Cother'],
  ...['/%00', '/a%00', '/a%00b', '/..%00/admin', '/a%0d%0ab', '/%0a', '/%09', '/a%7f', '/%1f'],
  // Decoded a second time.
  ...[
    '/%252e%252e',
    '/%252e%252e/admin',
    '/%252E%252e',
    '/.%252e/a',
    '/..%252fadmin',
    '/%252e%252e%252fadmin',
  ],
  ...['/%252f', '/%252fother', '/a%252f%252fb', '/a/%252fb', '/%255c', '/a%255cb', '/..%255cadmin'],
  ...['/%2500', '/a%2500b', '/a%250d%250ab', '/..%253b/admin', '/%252e', '/a%2f%252e%252e%2fb'],
  // The escape of one of these, decoded a second time.
  ...['/%25252e%25252e', '/%25252e%25252e/admin', '/..%25252fadmin', '/%25255c', '/%252500', '/%25252fa'],
  ...['/%25%32%65%25%32%65', '/%25%35%63', '/%25%32%66a'],
  // No UTF-8, or no escape.
  ...[
    '/%c0%ae%c0%ae',
    '/%c0%ae%c0%ae/admin',
    '/%c1%9c',
    '/%e0%80%ae',
    '/%ff',
    '/%f8%80%80%80%ae',
    '/%ed%a0%80',
  ],
  ...['/%', '/%a', '/a%', '/%zz', '/%u002e%u002e', '/%%32%65', '/%2', '/%c3', '/%e4'],
  ...['/%25c0%25ae%25c0%25ae', '/%25C1%259C', '/%25e0%2580%25ae', '/%25f0%2580%2580%25ae', '/%c0%80'],
];

/** What stays below, as it goes out. */
const below: [string, string][] = [
  ['', '/v1'],
  ['/', '/v1/'],
  ['/7', '/v1/7'],
  ['/7/', '/v1/7/'],
  ['/a;v=1/b', '/v1/a;v=1/b'],
  ['/...', '/v1/...'],
  ['/..a/b..', '/v1/..a/b..'],
  ['/;..', '/v1/;..'],
  ['/a..;/b', '/v1/a..;/b'],
  ['/%20a%C3%A4', '/v1/%20a%C3%A4'],
  ['/100%25', '/v1/100%25'],
  ['/a%2fb', '/v1/a%2fb'],
  ['/a%3fb%23c', '/v1/a%3fb%23c'],
  ["/~a!$&'()*+,:@", "/v1/~a!$&'()*+,:@"],
  ['/@other.example.com', '/v1/@other.example.com'],
  ['/http:/other.example.com', '/v1/http:/other.example.com'],
  ['?', '/v1'],
  ['?a=1&a=2', '/v1?a=1&a=2'],
  ['/?a=/../..//..;/%2e%2e\\%00%zz?b=%5c', '/v1/?a=/../..//..;/%2e%2e\\%00%zz?b=%5c'],
  ['/7?next=https://other.example.com/%0d%0a', '/v1/7?next=https://other.example.com/%0d%0a'],
  ['/:81', '/v1/:81'],
  ['/.well-known', '/v1/.well-known'],
];

describe('the path below the proxy', () => {
  test.each(elsewhere)('%j leads elsewhere', (path) => {
    expect(pathBelow(proxy + path, proxy)).toBeUndefined();
    expect(pathBelow(`${proxy}/a${path}`, proxy)).toBeUndefined();
  });

  test.each(below.map(([path]) => path.split('?')[0] ?? ''))('%j stays', (path) => {
    expect(pathBelow(proxy + path, proxy)).toBe(path);
  });
});

describe('a request', () => {
  async function started() {
    const proxied = await startProxied();
    return { ...proxied, alice: await proxied.caller() };
  }

  /** A line as it is: node:http would refuse some of it, or write it anew. */
  const sendLine = (origin: string, { cookie, mark }: Caller, target: string, method = 'GET') =>
    sendRaw(origin, [
      `${method} ${target} HTTP/1.1`,
      `Host: ${new URL(origin).host}`,
      ...Object.entries(scripted).map(([name, value]) => `${name}: ${value}`),
      ...[`Cookie: ${cookie}`, `Kit-Form: ${mark}`],
    ]);

  test('whose path leads elsewhere gets a 400, and the API hears nothing of it', {
    timeout: 60_000,
  }, async () => {
    const { app, api, alice } = await started();
    for (const path of elsewhere) {
      expectProblem(await alice.send({ path: proxy + path }), 400);
      for (const line of [path, `/a${path}?b=c`])
        expect(await sendLine(app.url, alice, proxy + line, 'DELETE'), line).toMatch(/^HTTP\/1\.1 400 /);
    }
    // As bytes that no address may hold.
    for (const path of ['/\0', '/a\tb', '/a b', '/a\x7fb', '/a#b', '#', '/a?b#c', '/a#/../..'])
      expect(await sendLine(app.url, alice, proxy + path), path).toMatch(/^HTTP\/1\.1 400 /);
    expect(api.lines()).toEqual([]);
  });

  test('whose path stays below arrives as it was sent', { timeout: 60_000 }, async () => {
    const { app, api, alice } = await started();
    for (const [path] of below)
      expect(await sendLine(app.url, alice, proxy + path), path).toMatch(/^HTTP\/1\.1 200 /);
    // A query's apostrophe is written as an escape, which means the same.
    const same = (line: string) => line.replaceAll('%27', "'");
    expect(api.lines().map(same)).toEqual(below.map(([, at]) => `GET ${at}`));
  });

  test('with a whole address for its path goes to the API only, or nowhere', async () => {
    const { app, api, alice } = await started();
    const { host } = new URL(app.url);
    for (const start of [
      `http://${host}`,
      'http://other.example.com',
      'https://user:secret@other.example.com:81',
    ]) {
      expect(await sendLine(app.url, alice, `${start}${proxy}/7?a=b`)).toMatch(/^HTTP\/1\.1 200 /);
      for (const path of [
        '/../admin',
        '/%2e%2e/admin',
        '/..\\admin',
        '\\..\\admin',
        '//a',
        '/a#b',
        '/%252e%252e',
      ])
        expect(await sendLine(app.url, alice, start + proxy + path), path).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect(api.lines()).toEqual(Array(3).fill('GET /v1/7?a=b'));
  });

  test.each([
    ...['/API/notes', '/api/Notes/7', '/api/note%73', '/api%2fnotes', '/api/notes%2f7', '/api/notes;a=b/7'],
    ...[
      '/api/notesx',
      '/api/notes.json',
      '//api/notes',
      '/api//notes',
      '/./api/notes',
      '/x/../api/notes',
      '/api',
    ],
  ])('at %j is at no proxy', async (path) => {
    const { app, api, alice } = await started();
    expect(await sendLine(app.url, alice, path)).toMatch(/^HTTP\/1\.1 404 /);
    expect(api.lines()).toEqual([]);
  });

  test('of 15 KB arrives, and one that is longer than what the server reads does not', async () => {
    const { app, api, alice } = await started();
    const long = `/${'a'.repeat(14_000)}?${'b'.repeat(1_000)}`;
    expect(await sendLine(app.url, alice, proxy + long)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await sendLine(app.url, alice, `${proxy}${'/a'.repeat(7_000)}/..`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await sendLine(app.url, alice, `${proxy}/${'a'.repeat(17_000)}`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(api.lines()).toEqual([`GET /v1${long}`]);
  });
});

test.each(['', '/', '/v1/', '/a/b%20c'])('an API at %j of its host gets what is below that', async (base) => {
  const probe = await startProxied();
  const url = new URL(probe.api.url).origin + base;
  const { caller } = await startProxied({ url });
  onTestFinished(() => probe.app.stop());
  const alice = await caller();
  for (const path of ['', '/', '/7?a=b']) expect((await alice.send({ path: proxy + path })).status).toBe(200);
  expectProblem(await alice.send({ path: `${proxy}/..` }), 400);
  const root = base.replace(/\/$/, '');
  expect(probe.api.lines()).toEqual([`GET ${base || '/'}`, `GET ${root}/`, `GET ${root}/7?a=b`]);
});
