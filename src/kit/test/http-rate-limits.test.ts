import { connect } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { inWords } from '../errors/in-words.ts';
import { english } from '../errors/language.ts';
import type { ErrorWithMessage } from '../errors/message.ts';
import { useClientAddress } from '../http/client-address.ts';
import { type LimitName, limitsPerMinute, rateLimits } from '../http/rate-limits.ts';
import { createLog } from '../log/index.ts';
import { createKeys, openSessions } from '../store/index.ts';
import { startApp } from './helpers/app.ts';
import { startAppWithRoutes } from './helpers/app-with-routes.ts';
import { describeWithRedis, redisAt, startRedis, startRedisCluster, until } from './helpers/redis-server.ts';

type Send = NonNullable<Parameters<typeof rateLimits>[0]['shared']>['send'];

let audited: { event: string; reason?: string | undefined; 'client.address'?: unknown }[] = [];
let lines: { level: number; msg: string; limit?: string }[] = [];
const log = createLog('info', { write: (line) => void lines.push(JSON.parse(line)) });

beforeEach(() => {
  audited = [];
  lines = [];
});
afterEach(() => void vi.useRealTimers());

function appWith({
  sendCommand,
  keyPrefix = 'app:',
  hops = 1,
  ...limited
}: {
  sendCommand?: Send;
  keyPrefix?: string;
  hops?: number | boolean;
} & Partial<Record<LimitName, number>> = {}) {
  const limits = rateLimits({
    audit: (event, details) => void audited.push({ event, ...details }),
    log,
    shared: sendCommand && { send: sendCommand, prefix: createKeys(keyPrefix).limit },
    limits: { ...limitsPerMinute, login: 3, ...limited },
  });
  const app = express().set('trust proxy', hops);
  useClientAddress(app);
  app.use('/auth', limits);
  app.get('/auth/login', (_req, res) => void res.send('in'));
  app.get('/auth/callback', (_req, res) => void res.send('back'));
  app.get('/auth/initiate-login', (_req, res) => void res.send('asked'));
  const printError: ErrorRequestHandler = (error: ErrorWithMessage, _req, res, _next) => {
    res.status(error.status).json({ ...inWords(error.page, english), retryAfter: error.retryAfter });
  };
  app.use(printError);
  const server = supertest(app);
  return async (address = '192.0.2.1', path = '/auth/login', headers: Record<string, string> = {}) =>
    server.get(path).set({ ...headers, 'X-Forwarded-For': address });
}

async function times<T>(count: number, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let index = 0; index < count; index += 1) results.push(await run());
  return results;
}

/** Answers as Redis does for the scripts of rate-limit-redis. */
function fakeRedis() {
  const counts = new Map<string, number>();
  const state = { away: false, forgetful: false, loads: 0, calls: 0 };
  const send: Send = async ({ command }) => {
    state.calls += 1;
    if (state.away) throw new Error('connection lost');
    const [name, , , key = ''] = command;
    if (name === 'SCRIPT') {
      state.loads += 1;
      return 'sha';
    }
    if (state.forgetful) {
      state.forgetful = false;
      throw new Error('NOSCRIPT No matching script.');
    }
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return [counts.get(key) ?? 0, 60_000];
  };
  return { send, counts, state };
}

test('what no person opens is not counted: a page of another site uses up nobody’s sign-ins', async () => {
  const ask = appWith({ login: 2 });
  for (const kind of [
    { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' },
    { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' },
    { 'Sec-Purpose': 'prefetch' },
  ])
    for (let count = 0; count < 5; count++)
      expect((await ask('192.0.2.1', '/auth/login', kind)).status).toBe(200);
  const opened = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
  const statuses = await times(3, async () => (await ask('192.0.2.1', '/auth/login', opened)).status);
  expect(statuses).toEqual([200, 200, 429]);
});

test('a question from another site is counted apart from what a page loads without a person', async () => {
  const ask = appWith({ initiate: 2, embedded: 3 });
  const at = (kind: Record<string, string>) => async () =>
    (await ask('192.0.2.1', '/auth/initiate-login', kind)).status;
  const image = at({ 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' });
  const person = at({ 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' });
  expect(await times(5, image)).toEqual([200, 200, 200, 429, 429]);
  expect(await times(3, person)).toEqual([200, 200, 429]);
  expect(audited.map(({ reason }) => reason)).toEqual(['embedded', 'initiate']);
});

describe('one address', () => {
  test('says how much is left, and when nothing is left, when to come back', async () => {
    const ask = appWith();
    const first = await ask();
    expect(first.status).toBe(200);
    expect(first.headers.ratelimit).toMatch(/^"login"; r=2; t=(60|59)$/);
    expect(first.headers['ratelimit-policy']).toMatch(/^"login"; q=3; w=60; pk=:\S+:$/);
    await times(2, ask);

    const refused = await ask();
    expect(refused.status).toBe(429);
    expect(refused.body.title).toBe('Too many requests');
    expect(refused.body.text[0]).toMatch(/Wait (60|59) seconds, then try again\.$/);
    expect(refused.body.retryAfter).toBeGreaterThan(57);
    expect(refused.headers['retry-after']).toMatch(/^(60|59)$/);
    expect(refused.headers).not.toHaveProperty('x-ratelimit-limit');
  });

  test('may come back after a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval'] });
    const ask = appWith();
    await times(4, ask);
    expect((await ask()).status).toBe(429);
    vi.advanceTimersByTime(60_001);
    expect((await ask()).status).toBe(200);
  });

  test('is in the audit log once, however often it tries', async () => {
    const ask = appWith();
    await times(8, ask);
    expect(audited).toEqual([
      { event: 'request.rate_limited', reason: 'login', 'client.address': '192.0.2.1' },
    ]);
  });

  test('takes nothing from another one, nor from another page', async () => {
    const ask = appWith();
    await times(4, ask);
    expect((await ask('192.0.2.2')).status).toBe(200);
    expect((await ask('192.0.2.1', '/auth/callback')).status).toBe(200);
    expect((await ask()).status).toBe(429);
  });

  test('is counted as a network in IPv6, where one machine has addresses without end', async () => {
    const ask = appWith();
    const statuses = [];
    for (const end of ['1', '2', '3', '4:5:6:7']) statuses.push((await ask(`2001:db8::${end}`)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await ask('2001:db9::1')).status).toBe(200);
  });

  test.each([
    ['203.0.113.7:49152', '203.0.113.7:49153', '203.0.113.7'],
    ['[2001:db8::1]:443', '[2001:db8::1]', '2001:db8::1'],
    ['[::ffff:203.0.113.7]:1', '203.0.113.7:65535', '::ffff:203.0.113.7'],
    ['[fe80::1%eth0]:1', 'fe80::1%eth1', 'fe80::1'],
  ])('is the same with any port, as in %s, and is in the log without', async (one, other, plain) => {
    const ask = appWith();
    const statuses = [];
    for (const address of [one, other, plain, one]) statuses.push((await ask(address)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(audited).toHaveLength(1);
    expect(String(audited[0]?.['client.address']).endsWith(plain.replace('::ffff:', ''))).toBe(true);
    expect((await ask('198.51.100.7:49152')).status).toBe(200);
    expect(lines).toEqual([]);
  });

  test('that is none counts as the one who sent it: a new text each time is no new client', async () => {
    const ask = appWith({ login: 12 });
    const texts = [
      ...[
        'unknown',
        '_hidden',
        '"[2001:db8::1]:443"',
        '[203.0.113.7]:80',
        '203.0.113.7:port',
        '[::1',
        ':443',
      ],
      ...['203.0.113.7:123456', '1.2.3:80', 'x'.repeat(4_000), '9'.repeat(4_000), `[${':'.repeat(4_000)}]`],
    ];
    for (const text of texts) expect((await ask(text)).status, text).toBe(200);
    expect((await ask('another')).status).toBe(429);
    expect(audited).toEqual([
      {
        event: 'request.rate_limited',
        reason: 'login',
        'client.address': expect.stringMatching(/^(::ffff:)?127\.0\.0\.1$/),
      },
    ]);
  });

  test('cannot make up another one while no proxy is trusted', async () => {
    const ask = appWith({ hops: false });
    const statuses = [];
    for (const end of [1, 2, 3, 4]) statuses.push((await ask(`192.0.2.${end}`)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    // Somebody sends X-Forwarded-For and nobody is trusted: said once, as it hints at a wrong setting.
    expect(lines.filter(({ msg }) => msg === 'rate limits: check the settings')).toHaveLength(1);
  });
});

describe('with Redis', () => {
  test('all instances count together, each limit under its own name', async () => {
    const { send, counts } = fakeRedis();
    const [one, two] = [appWith({ sendCommand: send }), appWith({ sendCommand: send })];
    const statuses = [await one(), await two(), await one(), await two()].map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    await one('192.0.2.1', '/auth/callback');
    expect([...counts.keys()]).toEqual(['app:limit:login:192.0.2.1', 'app:limit:callback:192.0.2.1']);
    expect(audited).toHaveLength(1);
  });

  test('two apps with prefixes of their own count apart, also where one prefix begins with the other', async () => {
    const { send, counts } = fakeRedis();
    const prefixes = ['app:', 'app:two:', 'app:limit:'];
    const asks = prefixes.map((keyPrefix) => appWith({ sendCommand: send, keyPrefix }));
    for (const ask of asks)
      expect((await times(3, ask)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect([...counts.keys()]).toEqual(prefixes.map((prefix) => `${prefix}limit:login:192.0.2.1`));
  });

  test('nothing is sent before somebody asks, and one command for each request', async () => {
    const { send, state } = fakeRedis();
    const ask = appWith({ sendCommand: send });
    expect(state.calls).toBe(0);
    await ask();
    state.calls = 0;
    await ask();
    expect(state.calls).toBe(1);
  });

  test('a Redis that restarts and forgets the script is taught it again', async () => {
    const { send, state } = fakeRedis();
    const ask = appWith({ sendCommand: send });
    await ask();
    state.forgetful = true;
    expect((await ask()).headers.ratelimit).toMatch(/^"login"; r=1;/);
    expect(lines).toEqual([]);
  });

  test('a Redis that goes away while it is taught is taught again as well', async () => {
    const { send, state } = fakeRedis();
    const ask = appWith({
      sendCommand: async (details) => {
        if (details.command[0] === 'EVALSHA' && state.forgetful) state.away = true;
        if (state.forgetful && details.command[0] === 'EVALSHA')
          throw new Error('NOSCRIPT No matching script.');
        return send(details);
      },
    });
    await ask();
    state.forgetful = true;
    expect((await ask()).headers).not.toHaveProperty('ratelimit');
    Object.assign(state, { forgetful: false, away: false });
    expect((await ask()).headers.ratelimit).toMatch(/^"login"; r=1;/);
  });

  test('a store that is away lets everybody through, says so once, and counts again when it is back', async () => {
    const { send, state } = fakeRedis();
    state.away = true;
    const ask = appWith({ sendCommand: send });
    expect((await times(6, ask)).map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(lines).toMatchObject([
      { level: 'warn', msg: 'requests pass uncounted: no store', limit: 'login' },
    ]);

    state.away = false;
    expect((await times(4, ask)).map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(lines).toMatchObject([{}, { level: 'info', msg: 'requests are counted again' }]);

    state.away = true;
    expect((await ask()).status).toBe(200);
    expect(lines).toHaveLength(3);
  });
});

describeWithRedis('with a Redis of its own', () => {
  async function countingIn(redisUrls: string[]) {
    const audit = () => {};
    const options = { idleSeconds: 60, maxSeconds: 60, log, audit };
    const sessions = await openSessions({
      ...options,
      secrets: ['x'.repeat(32)],
      redis: redisAt(...redisUrls),
    });
    const sendCommand: Send = async ({ key, command }) => (await sessions.command?.(key, command)) as number;
    return { ask: appWith({ sendCommand }), close: () => sessions.close() };
  }

  test('instances share their counts, and a restart of Redis is survived', async () => {
    const redis = await startRedis();
    const [one, two] = [await countingIn([redis.url]), await countingIn([redis.url])];
    await until(async () => (await one.ask('192.0.2.9')).headers.ratelimit !== undefined);
    const statuses = [await one.ask(), await two.ask(), await one.ask(), await two.ask()].map(
      ({ status }) => status,
    );
    expect(statuses).toEqual([200, 200, 200, 429]);

    await redis.kill();
    expect((await one.ask()).status).toBe(200);
    await redis.restart();
    await until(async () => (await one.ask('192.0.2.10')).headers.ratelimit !== undefined);
    expect((await one.ask()).headers.ratelimit).toMatch(/^"login"; r=2;/);
    await Promise.all([one.close(), two.close()]);
    await redis.stop();
  });

  test('what is no count in the place of one neither sets a client free nor shuts it out', async () => {
    const redis = await startRedis();
    const { ask, close } = await countingIn([redis.url]);
    const key = 'app:limit:login:192.0.2.1';
    await until(async () => (await ask('192.0.2.9')).headers.ratelimit !== undefined);
    const spoilt = [
      ...[
        ['nan'],
        ['1e3'],
        [''],
        ['9223372036854775807'],
        ['-1000000000'],
        ['99999999'],
        ['7', 'EX', '9999999'],
      ],
      ...[['inf'], ['text']].map((value) => [...value, 'EX', '9999999']),
      ...['-5', '99999999', '9223372036854775807'].map((value) => [value, 'EX', '50000']),
    ];
    for (const value of spoilt) {
      await redis.run('SET', key, ...(value as string[]));
      const statuses = (await times(4, ask)).map(({ status }) => status);
      expect(statuses, value.join(' ')).toEqual([200, 200, 200, 429]);
    }
    await redis.run('DEL', key);
    await redis.run('SADD', key, 'a set');
    expect((await times(4, ask)).map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(lines).toEqual([]);
    await close();
    await redis.stop();
  });

  test('what needs neither token nor session cannot fill the store', async () => {
    const redis = await startRedis();
    const issuer = 'http://127.0.0.1:9';
    const app = await startAppWithRoutes(
      {
        ...{ OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'app', OIDC_CLIENT_SECRET: 'a secret of the provider' },
        REDIS_URL: redis.url,
      },
      {},
    );
    const { frontchannel } = limitsPerMinute;
    const statuses: number[] = [];
    const ask = async (turn: number) => {
      const query = new URLSearchParams({ iss: issuer, sid: `made up ${turn}` });
      statuses.push((await fetch(app.url(`/auth/frontchannel-logout?${query}`))).status);
    };
    // Not all at once: a busy machine would take longer for some than a store is waited for.
    while (statuses.length < 2 * frontchannel)
      await Promise.all(Array.from({ length: 20 }, (_, one) => ask(statuses.length + one)));
    // The same answer as for a session that is there, and nothing is written any more.
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(((await redis.run('KEYS', 'app:ended:*')) as string[]).length).toBe(frontchannel);
    await app.stop();
    await redis.stop();
  });

  test('in a cluster each address is counted on the node it belongs to', async () => {
    const cluster = await startRedisCluster();
    const { ask, close } = await countingIn(cluster.urls);
    await until(async () => (await ask('192.0.2.9')).headers.ratelimit !== undefined);
    for (let end = 20; end < 40; end += 1) {
      const statuses = (await times(4, () => ask(`192.0.2.${end}`))).map(({ status }) => status);
      expect(statuses).toEqual([200, 200, 200, 429]);
    }
    await close();
    await cluster.stop();
  });
});

test("the app's own code sees an address without a port too", async () => {
  const env = {
    ...{
      OIDC_ISSUER: 'http://127.0.0.1:9',
      OIDC_CLIENT_ID: 'app',
      OIDC_CLIENT_SECRET: 'a secret of the provider',
    },
    TRUST_PROXY_HOPS: '1',
  };
  const app = await startAppWithRoutes(env, {
    mount: (express) => express.get('/ip', (req, res) => void res.json([req.ip, req.ip])),
  });
  const ask = async (forwarded: string) => {
    const headers = { 'X-Forwarded-For': forwarded };
    return (await fetch(app.url('/ip'), { headers })).json();
  };
  expect(await ask('198.51.100.1, 203.0.113.7:49152')).toEqual(['203.0.113.7', '203.0.113.7']);
  expect(await ask('[2001:db8::1]:443')).toEqual(['2001:db8::1', '2001:db8::1']);
  expect(await ask('nobody')).toEqual(['127.0.0.1', '127.0.0.1']);
  await app.stop();
});

test('whoever resets the connection before the answer leaves no error behind', async () => {
  const settings = {
    OIDC_ISSUER: 'http://localhost:9',
    OIDC_CLIENT_ID: 'app',
    OIDC_CLIENT_SECRET: 'a secret of the provider',
  };
  const app = await startApp(settings);
  const abort = () =>
    new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(app.origin).port), '127.0.0.1', () => {
        socket.write('GET /auth/callback?code=x&state=y HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3));
        socket.resetAndDestroy();
        resolve();
      });
      socket.on('error', () => {});
    });
  await times(30, abort);
  // The one connection comes after the others, so by its answer they were read.
  expect((await fetch(app.url('/auth/callback'))).status).toBe(401);
  expect(app.lines.filter(({ status }) => status === 500)).toEqual([]);
  await app.stop();
});
