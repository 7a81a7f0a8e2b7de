import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { hasRedis } from '../testing/index.ts';
import { startTestRedis } from '../testing/redis.ts';
import { describeWithRedis } from './helpers/redis-server.ts';
import { smallSite } from './helpers/small-site.ts';
import { startForTest } from './helpers/test-app.ts';

describeWithRedis('a test app with Redis', () => {
  test('starts one for itself, which ends with it', async () => {
    const app = await startForTest({ redis: true });
    const alice = await app.signIn('alice');
    expect((await alice.get('/profile')).status).toBe(200);
    expect(await app.endSessions('alice')).toBe(1);
    expect((await alice.fetch('/api/hello')).status).toBe(401);
    await app.stop();

    const redis = await startTestRedis();
    const { port } = new URL(redis.url);
    await redis.stop();
    const client = createClient({ url: redis.url, socket: { reconnectStrategy: false } });
    client.on('error', () => {});
    await expect(client.connect(), port).rejects.toThrow(/ECONNREFUSED/);
  });

  test('lets time pass there, too', async () => {
    const app = await startForTest({ redis: true });
    const [alice, bob] = [await app.signIn('alice'), await app.signIn('bob')];
    await app.passTime('20m');
    expect((await bob.fetch('/api/hello')).status).toBe(200);
    await app.passTime('20m');
    expect((await bob.fetch('/api/hello')).status).toBe(200);
    expect((await alice.fetch('/api/hello')).status).toBe(401);
    await app.passTime('31m');
    expect((await bob.get('/profile')).text).toContain('inactive for 30 minutes');
  });

  test('lets it pass in each Redis of the tests, whichever app was asked', async () => {
    const [one, two] = [await startForTest({ redis: true }), await startForTest({ redis: true })];
    const alice = await two.signIn('alice');
    await one.passTime('31m');
    expect((await alice.fetch('/api/hello')).status).toBe(401);
  });

  test('runs several instances, which take requests in turn', async () => {
    const opened: string[] = [];
    const { site: small, root } = smallSite({
      more: {
        open: () => ({ data: opened.push('open'), close: () => void opened.push('close') }),
        publicRoutes: (router, { data }) => void router.get('/which', (_req, res) => void res.json(data)),
      },
    });
    const app = await startForTest({ redis: true, site: small, root, instances: 2 });
    const seen = [];
    for (let count = 0; count < 4; count++) seen.push((await app.get('/which')).json());
    expect(seen.toSorted()).toEqual([1, 1, 2, 2]);
    const alice = await app.signIn('alice');
    for (const _instance of [1, 2]) expect((await alice.fetch('/auth/session')).status).toBe(200);
    await alice.endSession();
    for (const _instance of [1, 2]) expect((await alice.fetch('/auth/session')).status).toBe(401);
    await app.stop();
    expect(opened).toEqual(['open', 'open', 'close', 'close']);
  });

  test('cannot have another one', async () => {
    const env = { REDIS_URL: 'redis://127.0.0.1:9' };
    await expect(startForTest({ redis: true, env })).rejects.toThrow(
      'take out `redis`, or REDIS_URL in `env`',
    );
  });

  test('leaves nothing behind, also where the site does not start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tests of redis '));
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    });
    const app = await startForTest({ redis: true });
    expect(readdirSync(folder)).toHaveLength(1);
    await app.stop();
    await expect(startForTest({ redis: true, env: { SESSION_IDLE_MINUTES: 'x' } })).rejects.toThrow(
      'SESSION_IDLE_MINUTES',
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('where redis-server is not installed', () => {
  const withoutPath = () => {
    vi.stubEnv('PATH', '');
    onTestFinished(() => void vi.unstubAllEnvs());
  };

  test('a test is skipped, or says what to install', async () => {
    withoutPath();
    vi.stubEnv('CI', '');
    expect(hasRedis()).toBe(false);
    await expect(startForTest({ redis: true })).rejects.toThrow(
      'redis-server is not installed here. Install Redis 6.2 or later.',
    );
  });

  test('nothing is skipped with CI=true', () => {
    withoutPath();
    vi.stubEnv('CI', 'true');
    expect(hasRedis).toThrow('Install Redis 6.2 or later: with CI=true no test may be skipped.');
  });
});

test.each([0, -1, 1.5, 11, '2'])('%j is no number of instances', async (instances) => {
  await expect(startForTest({ redis: true, instances: instances as number })).rejects.toThrow(
    'takes `instances` from 1 to 10',
  );
});

test('several instances need Redis', async () => {
  await expect(startForTest({ redis: false, instances: 2 })).rejects.toThrow(
    'startTestApp needs `redis: true`',
  );
});
