import express from 'express';
import supertest from 'supertest';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { health } from '../http/health.ts';

const good: Parameters<typeof health>[0] = {
  store: async () => {},
  providers: () => ({ provider: true }),
  stopping: () => false,
};

function appWith(checks: Partial<typeof good> = {}) {
  const { healthz, readyz } = health({ ...good, ...checks });
  const app = express();
  app.get('/healthz', healthz).get('/readyz', readyz);
  return supertest(app.listen(0, '127.0.0.1'));
}

afterEach(() => void vi.useRealTimers());

describe('the probes', () => {
  test('alive and ready are 200, as JSON that nobody stores', async () => {
    const app = appWith();
    for (const path of ['/healthz', '/readyz']) {
      const { status, headers, body } = await app.get(path);
      expect([status, body.status]).toEqual([200, 'ok']);
      expect(headers['content-type']).toBe('application/json; charset=utf-8');
      expect(headers['cache-control']).toBe('no-store');
      expect(headers).not.toHaveProperty('set-cookie');
    }
  });

  test.each(['/HEALTHZ', '/healthz/', '/Readyz', '/readyz/'])(
    '%s is none, as a proxy that refuses them from outside may not know it',
    async (path) => {
      expect((await appWith().get(path)).status).toBe(404);
    },
  );

  test.each([
    [
      'the store is away',
      { store: () => Promise.reject(new Error('away')) },
      { store: false, provider: true, stopping: false },
    ],
    [
      'the provider was never reached',
      { providers: () => ({ provider: false }) },
      { store: true, provider: false, stopping: false },
    ],
    [
      'a worker has not started yet',
      { workers: () => false },
      { store: true, provider: true, stopping: false, workers: false },
    ],
    ['we are stopping', { stopping: () => true }, { store: true, provider: true, stopping: true }],
  ])('not ready when %s, and alive all the same', async (_when, checks, expected) => {
    const app = appWith(checks);
    const { status, body } = await app.get('/readyz');
    expect([status, body]).toEqual([503, { status: 'unavailable', checks: expected }]);
    expect((await app.get('/healthz')).status).toBe(200);
  });

  test('/readyz?public waits for all workers too', async () => {
    expect((await appWith({ workers: () => false }).get('/readyz?public')).status).toBe(503);
    expect((await appWith({ workers: () => true }).get('/readyz?public')).status).toBe(200);
  });

  test('a provider may be called as another check', async () => {
    const app = appWith({ providers: () => ({ workers: false, store: true }), workers: () => true });
    const { status, body } = await app.get('/readyz');
    expect([status, body.checks]).toEqual([
      200,
      { store: true, stopping: false, workers: true, 'provider-workers': false, 'provider-store': true },
    ]);
  });

  test.each([
    ['the store is away', { store: () => Promise.reject(new Error('away')) }, 200],
    ['the store never answers', { store: () => new Promise<void>(() => {}) }, 200],
    ['no provider was ever reached', { providers: () => ({ provider: false }) }, 200],
    ['all is in order', {}, 200],
    ['we are stopping', { stopping: () => true }, 503],
  ])('/readyz?public when %s: what public pages need', async (_when, checks, expected) => {
    const app = appWith(checks);
    const started = performance.now();
    const { status, body, headers } = await app.get('/readyz?public');
    expect([status, body.status]).toEqual([expected, expected === 200 ? 'ok' : 'unavailable']);
    // Each check is still there to read, and no probe has to wait for a store that hangs.
    expect(body.checks).toMatchObject({ stopping: expected === 503, store: expect.any(Boolean) });
    expect(Object.keys(body.checks)).toEqual(['store', 'provider', 'stopping']);
    expect(performance.now() - started).toBeLessThan(950);
    expect(headers['cache-control']).toBe('no-store');
    expect((await app.head('/readyz?public')).status).toBe(expected);
  });

  test.each([
    ['?public', 200],
    ['?public=', 200],
    ['?a=1&public', 200],
    ['?public&t=1764176400', 200],
    ['', 503],
    ['?', 503],
    ['?public=true', 503],
    ['?public=false', 503],
    ['?public=public', 503],
    ['?public&public', 503],
    ['?public[]=', 503],
    ['?PUBLIC', 503],
    ['?publicly', 503],
    ['?t=1764176400', 503],
  ])('while the store is away, /readyz%s is answered with %d', async (query, expected) => {
    const app = appWith({ store: () => Promise.reject(new Error('away')) });
    expect((await app.get(`/readyz${query}`)).status).toBe(expected);
    expect((await app.head(`/readyz${query}`)).status).toBe(expected);
  });

  test('a store that never answers is given two seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const asked = Promise.withResolvers<void>();
    const app = appWith({
      store: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const answer = app.get('/readyz').then((response) => response);
    await asked.promise;
    vi.advanceTimersByTime(2_000);
    expect((await answer).status).toBe(503);
  });

  test('a slow store is asked once, however long it takes', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    let asked = 0;
    const first = Promise.withResolvers<void>();
    const slow = Promise.withResolvers<void>();
    const app = appWith({
      store: () => {
        asked += 1;
        first.resolve();
        return slow.promise;
      },
    });
    const one = app.get('/readyz').then(({ status }) => status);
    await first.promise;
    vi.advanceTimersByTime(1_500);
    const two = app.get('/readyz').then(({ status }) => status);
    await app.get('/healthz');
    slow.resolve();
    expect(await Promise.all([one, two])).toEqual([200, 200]);
    expect(asked).toBe(1);
  });

  test('a check that throws at once is one that failed', async () => {
    const app = appWith({
      store: () => {
        throw new Error('at once');
      },
    });
    expect((await app.get('/readyz')).status).toBe(503);
  });

  test('many probes ask the store once a second, and it recovers on its own', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    let asked = 0;
    let away = true;
    const app = appWith({
      store: async () => {
        asked += 1;
        if (away) throw new Error('away');
      },
    });
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await app.get('/readyz')).status),
    );
    expect(new Set(statuses)).toEqual(new Set([503]));
    expect(asked).toBe(1);

    away = false;
    vi.advanceTimersByTime(999);
    expect((await app.get('/readyz')).status).toBe(503);
    vi.advanceTimersByTime(1);
    expect((await app.get('/readyz')).status).toBe(200);
    expect(asked).toBe(2);
  });
});
