import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBrowser } from './helpers/browser.ts';
import { describeWithRedis, type RedisServer, startRedis } from './helpers/redis-server.ts';
import { startTwoProviders, type TwoProviders } from './helpers/two-providers.ts';

// Two providers cost a page nothing.

describeWithRedis('with two providers', () => {
  let redis: RedisServer;
  let two: TwoProviders;
  beforeAll(async () => {
    redis = await startRedis();
    two = await startTwoProviders({ env: { REDIS_URL: redis.url } });
  });
  afterAll(async () => {
    await two?.stop();
    await redis?.stop();
  });

  test('a signed-in page is one command, and no call to any provider', async () => {
    for (const name of ['work', 'google'] as const) {
      const { browser } = await two.signIn(name, 'alice');
      await browser.get(two.url('/profile'));
      const asked = two.work.requests.length + two.google.requests.length;
      const commands = await redis.monitor(async () => {
        for (let count = 0; count < 3; count++) {
          const page = await browser.get(two.url('/profile'));
          expect([page.status, page.headers.getSetCookie()]).toEqual([200, []]);
        }
      });
      expect(commands.map((command) => command.split(' ')[0])).toEqual(Array(3).fill('"GETEX"'));
      expect(two.work.requests.length + two.google.requests.length).toBe(asked);
    }
  });

  test('the cookies of a request stay under 150 bytes, the one of the last choice among them', async () => {
    const { browser } = await two.signIn('google', 'alice');
    await browser.get(two.url('/profile'));
    const sent = browser.cookies.filter(({ host }) => host === '127.0.0.1');
    expect(sent.map(({ name }) => name).sort()).toEqual(['provider', 'session']);
    const cookie = browser.cookieHeader(two.app.origin);
    expect(Buffer.byteLength(cookie)).toBeLessThan(150);
    // On https their names are longer, and a provider's name may be.
    const longest = cookie.replace('provider=google', `__Host-provider=${'x'.repeat(20)}`);
    expect(Buffer.byteLength(longest.replace('session=', '__Host-session='))).toBeLessThan(150);
  });

  test('who asks at which provider writes nothing', async () => {
    const commands = await redis.monitor(async () => {
      await createBrowser().get(two.url('/profile'));
    });
    // But for the rate limit of what is below /auth.
    expect(commands.filter((command) => !/rate|EVALSHA|"EVAL"|INCR|PEXPIRE|PTTL/i.test(command))).toEqual([]);
  });
});
