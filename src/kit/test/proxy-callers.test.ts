import { describe, expect, test } from 'vitest';
import {
  type Caller,
  expectProblem,
  openRequest,
  type Proxied,
  proxyPath,
  readAnswer,
  scripted,
  sendRaw,
  startProxied,
} from './helpers/proxied.ts';

// Who may call an API through `proxy`: scripts of our own pages, as the person these were printed for.

const old = { 'Sec-Fetch-Site': undefined, 'Sec-Fetch-Mode': undefined, 'Sec-Fetch-Dest': undefined };
const unmarked = { 'Kit-Form': undefined };

describe('a request of somebody who is signed in', () => {
  async function started() {
    const proxied = await startProxied();
    return { ...proxied, alice: await proxied.caller() };
  }

  test.each([
    ...['cors', 'same-origin', 'no-cors', undefined].map((mode) => [
      `mode ${mode}`,
      { 'Sec-Fetch-Mode': mode },
    ]),
    ['an event stream, which has no mark', { ...unmarked, Accept: 'text/event-stream' }],
    ['no mark', unmarked],
    ['an old browser with its mark', old],
    ['Sec-Fetch-Site only, with its mark', { ...old, 'Sec-Fetch-Site': 'same-origin' }],
    ['a worker that fetches', { Origin: undefined }],
  ] as [string, object][])('reads: %s', async (_name, headers) => {
    const { alice, api } = await started();
    for (const method of ['GET', 'HEAD'])
      expect((await alice.send({ method, headers: headers as never })).status).toBe(200);
    expect(api.lines()).toEqual(['GET /v1', 'HEAD /v1']);
  });

  test.each([
    ...[
      'document',
      'iframe',
      'frame',
      'object',
      'embed',
      'image',
      'script',
      'style',
      'font',
      'audio',
      'video',
    ],
    ...[
      'track',
      'manifest',
      'worker',
      'sharedworker',
      'serviceworker',
      'audioworklet',
      'paintworklet',
      'report',
    ],
    ...['xslt', 'json', 'webidentity', 'websocket', '', 'empty, empty', 'Empty'],
  ])('is refused where %j asks', async (dest) => {
    const { alice, api } = await started();
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
      const answer = await alice.send({ method, headers: { 'Sec-Fetch-Dest': dest } });
      if (method === 'HEAD') expect(answer.status).toBe(403);
      else expectProblem(answer, 403);
    }
    expect(api.calls).toEqual([]);
  });

  test.each([
    ['a navigation', { 'Sec-Fetch-Mode': 'navigate' }],
    ['a navigation that says nothing else', { ...old, 'Sec-Fetch-Mode': 'navigate' }],
    ['a nested navigation', { 'Sec-Fetch-Mode': 'nested-navigate' }],
    ['a WebSocket', { 'Sec-Fetch-Mode': 'websocket', Connection: 'Upgrade', Upgrade: 'websocket' }],
    ['a person who types the address', { 'Sec-Fetch-Site': 'none' }],
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a sibling', { 'Sec-Fetch-Site': 'same-site' }],
    ['something that is no site', { 'Sec-Fetch-Site': 'same-origin, cross-site' }],
    ['a prefetch', { 'Sec-Purpose': 'prefetch' }],
    ['a prerender', { 'Sec-Purpose': 'prefetch;prerender' }],
    ['an old prefetch', { Purpose: 'prefetch' }],
  ])('is refused where it is %s, with the mark or without', async (_name, headers) => {
    const { alice, api, app } = await started();
    for (const more of [{}, unmarked]) {
      for (const method of ['GET', 'POST'])
        expectProblem(await alice.send({ method, headers: { ...headers, ...more } }), 403);
    }
    expect(api.calls).toEqual([]);
    expect(await app.logged('request.cross_origin_refused')).toBeDefined();
  });

  test.each([
    ['an old browser without a mark', { ...old, ...unmarked }],
    ['one that says half of it, without a mark', { 'Sec-Fetch-Dest': undefined, ...unmarked }],
    ['one that says the other half', { 'Sec-Fetch-Site': undefined, ...unmarked }],
    ['a wrong mark', { 'Kit-Form': 'x'.repeat(43) }],
    ['an empty mark', { 'Kit-Form': '' }],
    ['a mark of 10,000 letters', { 'Kit-Form': 'x'.repeat(10_000) }],
  ])('does not read with %s', async (_name, headers) => {
    const { alice, api } = await started();
    expectProblem(await alice.send({ headers }), 403);
    expect(api.calls).toEqual([]);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'changes something by %s with the mark only',
    async (method) => {
      const { alice, api, app } = await started();
      const { origin } = new URL(app.url);
      const send = async (headers: object) => alice.send({ method, headers: headers as never });
      for (const headers of [unmarked, { 'Kit-Form': 'x' }, { ...old, ...unmarked, Origin: origin }, old])
        expectProblem(await send(headers), 403);
      expectProblem(await send({ ...old, Origin: 'https://other.example.com' }), 403);
      expectProblem(await send({ ...old, Origin: 'null' }), 403);
      expect(api.calls).toEqual([]);
      expect((await send({})).status).toBe(200);
      expect((await send({ ...old, Origin: origin })).status).toBe(200);
      expect(api.lines()).toEqual([`${method} /v1`, `${method} /v1`]);
    },
  );

  test('does not act with the mark of another person, or with two marks', async () => {
    const { alice, api, app, caller } = await started();
    const bob = await caller('bob');
    for (const method of ['GET', 'POST']) {
      expectProblem(await alice.send({ method, headers: { 'Kit-Form': bob.mark } }), 403);
      expectProblem(await alice.send({ method, headers: { 'Kit-Form': [alice.mark, alice.mark] } }), 403);
      expectProblem(await alice.send({ method, headers: { 'Kit-Form': [alice.mark, bob.mark] } }), 403);
    }
    expect(api.calls).toEqual([]);
    expect(await app.logged('access.denied', { reason: 'other_persons_page' })).toBeDefined();
  });
});

describe('methods', () => {
  test.each(['OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH', 'LINK', 'PURGE', 'QUERY'])(
    '%s is none of the proxy: 405 with those that are',
    async (method) => {
      const { api, caller } = await startProxied();
      const alice = await caller();
      const answer = await alice.send({ method });
      expectProblem(answer, 405);
      expect(answer.headers.allow).toBe('GET, HEAD, POST, PUT, PATCH, DELETE');
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(api.calls).toEqual([]);
    },
  );

  test('an override by a header or the query changes nothing, and does not reach the API', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    const names = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X_HTTP_Method_Override'];
    const headers = Object.fromEntries(names.map((name) => [name, 'DELETE']));
    expect((await alice.send({ headers, path: `${proxyPath}?_method=DELETE` })).status).toBe(200);
    expect(api.lines()).toEqual(['GET /v1?_method=DELETE']);
    expect(api.calls[0]?.req.rawHeaders.join().toLowerCase()).not.toMatch(/method/);
  });

  test('routes of the site with parameters do not say which methods the API takes', async () => {
    const more = {
      routes: (router: { get(path: string, handler: unknown): void }) => {
        router.get('/cookie', (req: { headers: { cookie: string } }, res: { json(it: unknown): void }) =>
          res.json(req.headers.cookie),
        );
        router.get('/api/:thing', (_req: unknown, res: { end(): void }) => res.end());
      },
    };
    const { api, caller } = await startProxied({ small: { more: more as never } });
    const alice = await caller();
    expect((await alice.send({ method: 'PUT' })).status).toBe(200);
    expectProblem(await alice.send({ method: 'OPTIONS' }), 405);
    expect(api.lines()).toEqual(['PUT /v1']);
  });
});

describe('somebody who is not signed in', () => {
  let proxied: Proxied;
  let alice: Caller;

  test.each([
    ['a script', scripted],
    ['an event stream', { ...scripted, Accept: 'text/event-stream' }],
    ['an old browser', { 'Kit-Form': 'x' }],
    ['an old browser that wants HTML', { 'Kit-Form': 'x', Accept: 'text/html' }],
    ['a program that says nothing', {}],
  ])('gets a 401 as JSON: %s', async (_name, headers) => {
    proxied = await startProxied();
    expectProblem(await readAnswer(await openRequest(proxied.app.url, { headers: headers as never })), 401);
    expect(proxied.api.calls).toEqual([]);
  });

  test('gets it too where the session has ended, and where its cookie is not ours', async () => {
    proxied = await startProxied();
    alice = await proxied.caller();
    await alice.person.endSession();
    for (const method of ['GET', 'POST']) {
      expectProblem(await alice.send({ method }), 401);
      expectProblem(
        await alice.send({ method, headers: { Cookie: `session=s%3A${'a'.repeat(32)}.b` } }),
        401,
      );
    }
    expect(proxied.api.calls).toEqual([]);
  });

  test('is a 403 where a browser opens the address itself: no sign-in starts', async () => {
    proxied = await startProxied();
    const answer = await proxied.app.get(proxyPath, { follow: false });
    expect([answer.status, answer.headers.get('location')]).toEqual([403, null]);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});

test('a user of another provider gets a 403, and nothing is sent', async () => {
  const env = { OIDC_PROVIDERS: 'work,social' };
  const { api, caller } = await startProxied({ env, as: { providers: 'work' } });
  const bob = await caller('bob', 'social');
  for (const method of ['GET', 'POST', 'DELETE']) expectProblem(await bob.send({ method }), 403);
  expect(api.calls).toEqual([]);
  const alice = await caller('alice', 'work');
  expect((await alice.send()).status).toBe(200);
});

test('HTTP of another kind is refused: a second length, a Host that is missing', async () => {
  const { app, api, caller } = await startProxied();
  const { cookie, mark } = await caller();
  const common = [
    `Cookie: ${cookie}`,
    `Kit-Form: ${mark}`,
    'Sec-Fetch-Site: same-origin',
    'Sec-Fetch-Dest: empty',
  ];
  const host = `Host: ${new URL(app.url).host}`;
  const lengths = ['Content-Length: 3', 'Content-Length: 4'];
  const both = ['Content-Length: 3', 'Transfer-Encoding: chunked'];
  for (const lines of [[host, ...lengths], [host, ...both], []])
    expect(await sendRaw(app.url, [`POST ${proxyPath} HTTP/1.1`, ...lines, ...common], 'abc')).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  expect(api.calls).toEqual([]);
});
