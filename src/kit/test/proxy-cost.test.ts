import { describe, expect, onTestFinished, test } from 'vitest';
import { type Caller, expectInert, expectProblem, startProxied } from './helpers/proxied.ts';
import { describeWithRedis, type RedisServer, startRedis } from './helpers/redis-server.ts';

// What a proxied request costs in Redis, and what it does while that is away (R14).

async function started() {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const proxied = await startProxied({ env: { REDIS_URL: redis.url } });
  return { ...proxied, redis, alice: await proxied.caller() };
}

/** The names of the commands and their keys, without ids. */
const commandsOf = (redis: RedisServer, work: () => Promise<unknown>) =>
  redis.monitor(work).then((lines) =>
    lines.map((line) =>
      line
        .replaceAll('"', '')
        .replace(/\{.*\}/, 'id')
        .split(' ', 2)
        .join(' '),
    ),
  );

describeWithRedis('in Redis', () => {
  test('a proxied request costs the read of the session and of its tokens, and writes nothing', async () => {
    const { redis, alice, api } = await started();
    for (const sent of [{}, { method: 'HEAD' }, { method: 'POST', body: 'abc' }, { method: 'DELETE' }]) {
      const commands = await commandsOf(redis, () => alice.send(sent));
      expect(commands).toEqual(['GETEX app:session:id', 'GET app:tokens:id']);
    }
    expect(api.calls).toHaveLength(4);
  });

  test('an event stream costs as much, and does not move the idle end', async () => {
    const { redis, alice } = await started();
    const headers = { Accept: 'text/event-stream', 'Kit-Form': undefined };
    expect(await commandsOf(redis, () => alice.send({ headers }))).toEqual([
      'GET app:session:id',
      'GET app:tokens:id',
    ]);
  });

  test('what is refused costs no more than knowing who asks', async () => {
    const { redis, alice, api } = await started();
    const cost = (sent: Parameters<Caller['send']>[0]) => commandsOf(redis, () => alice.send(sent));
    const one = ['GETEX app:session:id'];
    expect(await cost({ headers: { 'Sec-Fetch-Dest': 'image' } })).toEqual(one);
    expect(await cost({ path: '/api/notes/..' })).toEqual(one);
    expect(await cost({ headers: { 'Kit-Form': 'x' } })).toEqual(one);
    expect(
      await cost({ method: 'PUT', body: 'a', headers: { 'Content-Length': '1', Accept: 'a' } }),
    ).toHaveLength(2);
    expect(await cost({ method: 'TRACE' })).toEqual([]);
    expect(api.calls).toHaveLength(1);
  });

  test('a page costs one command, as without a proxy', async () => {
    const { redis, alice } = await started();
    expect(await commandsOf(redis, () => alice.person.get('/mine'))).toEqual(['GETEX app:session:id']);
  });

  test('while it is away, each request gets a 503 with Retry-After, and nothing is sent', {
    timeout: 60_000,
  }, async () => {
    const { app, redis, alice, api } = await started();
    await redis.kill();
    const events = { headers: { Accept: 'text/event-stream', 'Kit-Form': undefined } };
    for (const sent of [{}, events, { method: 'POST', body: 'abc' }]) {
      const answer = await alice.send(sent);
      expectProblem(answer, 503);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    // Who has no session needs no store to be refused.
    expectProblem(await alice.send({ headers: { Cookie: '' } }), 401);
    expect(api.calls).toEqual([]);
    await redis.restart();
    expect((await app.get('/healthz')).status).toBe(200);
  });

  test('two instances answer one session', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const { api, caller } = await startProxied({ redis: true, instances: 2 });
    const alice = await caller();
    for (let count = 0; count < 4; count++) expectInert(await alice.send());
    expect(api.calls).toHaveLength(4);
    await alice.person.endSession();
    for (let count = 0; count < 2; count++) expectProblem(await alice.send(), 401);
  });
});

describe('in memory', () => {
  test('nothing of a proxied request is kept', async () => {
    const { api, caller } = await startProxied();
    const alice = await caller();
    expect((await alice.send()).headers['set-cookie']).toBeUndefined();
    expect(api.calls[0]?.req.headers.cookie).toBeUndefined();
  });
});
