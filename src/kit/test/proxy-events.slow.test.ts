import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBrowser, markOn } from './helpers/browser.ts';
import { startScriptedApi } from './helpers/lying-api.ts';
import { startPair } from './helpers/pair.ts';
import { nextPiece, openRequest, proxyPath, scripted, startProxied } from './helpers/proxied.ts';
import { describeWithRedis, startRedis } from './helpers/redis-server.ts';

// Server-sent events through `proxy`, in real time and with a real store.

const streaming = (_req: IncomingMessage, res: ServerResponse) => {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' });
  res.flushHeaders();
};
const eventSource = { headers: { Accept: 'text/event-stream', 'Kit-Form': undefined } };

/** How many milliseconds until a stream has ended, however it does. */
async function untilEnd(stream: IncomingMessage): Promise<number> {
  const start = performance.now();
  stream.on('error', () => {});
  if (!stream.closed) await new Promise((resolve) => stream.resume().once('close', resolve));
  return performance.now() - start;
}

test('a stop ends streams at once, and in order', { timeout: 60_000 }, async () => {
  const api = await startScriptedApi(streaming);
  const pair = await startPair({ parts: { apis: () => ({ notes: { url: api.url, proxy: proxyPath } }) } });
  let stopped: Promise<void> | undefined;
  onTestFinished(async () => {
    await stopped;
    await pair.provider.stop();
  });
  const browser = createBrowser();
  const { page } = await pair.signIn('alice', '/profile', browser);
  const Cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = { ...scripted, Cookie, 'Kit-Form': markOn(page)['kit-form'] };
  const streams = await Promise.all([1, 2].map(() => openRequest(pair.app.origin, { headers })));
  const start = performance.now();
  stopped = pair.app.stop();
  for (const stream of streams) {
    await untilEnd(stream);
    expect(stream.complete).toBe(true);
  }
  await stopped;
  expect(performance.now() - start).toBeLessThan(3_000);
});

describeWithRedis('with sessions in Redis', () => {
  async function started(instances = 1) {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const proxied = await startProxied({
      answer: streaming,
      env: { REDIS_URL: redis.url },
      ...(instances > 1 && { instances }),
    });
    const alice = await proxied.caller();
    const [key = ''] = (await redis.run('KEYS', 'app:session:*')) as string[];
    const leftMs = async () => Number(await redis.run('PTTL', key));
    return { ...proxied, redis, alice, key, leftMs };
  }

  test('a stream moves no idle end, also when it is opened again and again', {
    timeout: 60_000,
  }, async () => {
    const { redis, alice, key, leftMs } = await started();
    await redis.run('PEXPIRE', key, '100000');
    const streams = [await alice.open(eventSource), await alice.open(eventSource)];
    for (let count = 0; count < 5; count++) (await alice.open(eventSource)).destroy();
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await leftMs()).toBeLessThan(97_000);
    await alice.send({ path: `${proxyPath}/x`, method: 'HEAD' });
    expect(await leftMs()).toBeGreaterThan(1_000_000);
    for (const stream of streams) stream.destroy();
  });

  test('many streams of one session cost one look', { timeout: 60_000 }, async () => {
    const { redis, alice } = await started();
    const streams = await Promise.all(Array.from({ length: 6 }, () => alice.open(eventSource)));
    const commands = await redis.monitor(() => new Promise((resolve) => setTimeout(resolve, 6_500)));
    const looks = commands.filter((command) => command.includes('app:session'));
    expect(looks).toEqual([looks[0], looks[0]]);
    expect(looks[0]).toMatch(/^"GET" /);
    for (const stream of streams) stream.destroy();
  });

  test('of more than a hundred of one session the oldest ends, and no other', {
    timeout: 60_000,
  }, async () => {
    const { alice } = await started();
    const first = await alice.open(eventSource);
    const second = await alice.open(eventSource);
    const others: (typeof first)[] = [];
    for (let count = 0; count < 98; count++) others.push(await alice.open(eventSource));
    expect(first.complete).toBe(false);
    others.push(await alice.open(eventSource));
    await untilEnd(first);
    expect([first.complete, second.complete, others.some(({ complete }) => complete)]).toEqual([
      true,
      false,
      false,
    ]);
    for (const stream of [second, ...others]) stream.destroy();
  });

  test('the end of the key ends them within ten seconds, with nothing said by anybody', {
    timeout: 60_000,
  }, async () => {
    const { redis, alice, key } = await started();
    const stream = await alice.open(eventSource);
    await redis.run('PEXPIRE', key, '1000');
    expect(await untilEnd(stream)).toBeLessThan(11_000);
    expect(stream.complete).toBe(true);
  });

  test('an answer of another type that goes on and on is broken off with its session, and no sooner', {
    timeout: 60_000,
  }, async () => {
    const { redis, alice, key, api } = await started();
    const pieces: NodeJS.Timeout[] = [];
    onTestFinished(() => pieces.forEach(clearInterval));
    api.now((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
      pieces.push(setInterval(() => res.write('{"n":1}\n'), 200));
    });
    const answer = await alice.open({ headers: { 'Sec-Fetch-Mode': 'cors' } });
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    expect(answer.closed).toBe(false);
    await redis.run('DEL', key);
    expect(await untilEnd(answer)).toBeLessThan(11_000);
    expect(answer.complete).toBe(false);
  });

  describe.each(['kill', 'freeze'] as const)('a store that is away (%s)', (away) => {
    test('ends them within ten seconds: nobody knows whether the session goes on', {
      timeout: 60_000,
    }, async () => {
      const { app, redis, alice } = await started();
      const stream = await alice.open(eventSource);
      await redis[away]();
      expect(await untilEnd(stream)).toBeLessThan(10_000);
      expect(app.log.filter(({ msg }) => /event streams were ended/.test(String(msg)))).toHaveLength(1);
      if (away === 'freeze') redis.thaw();
    });
  });

  test('a store that is away for a moment ends none', { timeout: 60_000 }, async () => {
    const { api, redis, alice } = await started();
    const stream = await alice.open(eventSource);
    redis.freeze();
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    redis.thaw();
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    (await api.call(1)).res.write('data: still\n\n');
    expect(await nextPiece(stream)).toBe('data: still\n\n');
    stream.destroy();
  });
});
