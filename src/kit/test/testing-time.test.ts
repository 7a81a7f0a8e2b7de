import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { TestApp } from '../testing/index.ts';
import { anyPage } from './helpers/small-site.ts';
import { startForTest, startSmall } from './helpers/test-app.ts';

/** By how much `Date` is ahead of the real time, in whole seconds. */
const ahead = () => Math.round((Date.now() - performance.timeOrigin - performance.now()) / 1_000) + 0;

const statusOf = async (someone: Pick<TestApp, 'fetch'>) => (await someone.fetch('/api/hello')).status;

describe('time that passes', () => {
  test('ends a session that nobody uses, with the page that a person sees then', async () => {
    const app = await startForTest();
    const alice = await app.signIn('alice');
    for (const _use of [1, 2]) {
      await app.passTime('29m');
      expect(await statusOf(alice)).toBe(200);
    }
    await app.passTime('31m');
    expect(await statusOf(alice)).toBe(401);
    const page = await alice.get('/profile');
    expect(page.path).toMatch(/^\/signed-out/);
    expect(page.text).toContain('inactive for 30 minutes');
  });

  test('ends a session at its absolute end, however much it is used', async () => {
    const app = await startForTest({ env: { SESSION_MAX_HOURS: '2' } });
    const alice = await app.signIn('alice');
    for (const _use of [1, 2, 3, 4]) {
      await app.passTime('29m');
      expect(await statusOf(alice)).toBe(200);
    }
    await app.passTime('5m');
    expect(await statusOf(alice)).toBe(401);
    expect(await app.logged('session.ended', { reason: 'expired' })).toMatchObject({ sub: 'alice' });
  });

  test('makes a sign-in too old for a page that asks for a fresh one', async () => {
    const fresh = { path: '/fresh', view: 'home', title: 'Fresh', access: { maxAgeSeconds: 600 } };
    const app = await startSmall({ pages: [anyPage(fresh)] });
    const alice = await app.signIn('alice');
    const signIns = () => app.log.filter(({ event }) => event === 'sign_in.started').length;
    expect((await alice.get('/fresh')).path).toBe('/fresh');
    expect(signIns()).toBe(1);
    await app.passTime('11m');
    expect((await alice.get('/fresh')).path).toBe('/fresh');
    expect(signIns()).toBe(2);
  });

  test('ends cookies in the browser, such as that of a sign-in which was left open', async () => {
    const app = await startForTest();
    const visitor = app.visitor();
    const { location = '' } = await visitor.get('/profile');
    const state = new URL(location).searchParams.get('state') ?? '';
    const answer = () => visitor.get(`/auth/callback?${new URLSearchParams({ state, code: 'x' })}`);
    await app.passTime('2d');
    expect((await answer()).text).toContain('expired');
  });

  test('passes for the test as well, and what was let pass is taken back by stop', async () => {
    const real = Date;
    const [one, two] = [await startForTest(), await startForTest()];
    await one.passTime('1h');
    await two.passTime(1_500_000);
    await two.passTime('1.5m');
    expect(ahead()).toBe(3_600 + 1_500 + 90);
    expect(Date()).toBe(String(new Date(Date.now())));
    await one.stop();
    await one.stop();
    expect(ahead()).toBe(1_590);
    await two.stop();
    expect(ahead()).toBe(0);
    expect(Date).toBe(real);
  });

  test('leaves dates what they are', async () => {
    const before = new Date();
    class Own extends Date {}
    await (await startForTest()).passTime('1h');
    class Later extends Date {}
    for (const date of [before, new Date(0), structuredClone(before), new Own()])
      expect(date).toBeInstanceOf(Date);
    expect(new Later()).toBeInstanceOf(Later);
    expect(new Date()).not.toBeInstanceOf(Later);
    expect(new Later().getTime() - Date.now()).toBeLessThan(100);
    expect(new Date(before)).toStrictEqual(before);
    expect(new Date(2030, 0, 31).getDate()).toBe(31);
    expect([Date.name, Date.UTC(1970, 0), Date.parse('1970-01-01T00:00:00Z')]).toEqual(['Date', 0, 0]);
  });

  test('goes on under fake timers and spies, and comes back after them', async () => {
    const real = Date;
    const app = await startForTest();
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    await app.passTime('1s');
    expect(Date.now()).toBe(1_001_000);
    vi.setSystemTime(5_000);
    await app.stop();
    vi.useRealTimers();
    expect(ahead()).toBe(0);

    const other = await startForTest();
    await other.passTime('1h');
    vi.useFakeTimers({ toFake: ['Date'] });
    await other.stop();
    vi.useRealTimers();
    expect(ahead()).toBe(0);

    const third = await startForTest();
    await third.passTime('1h');
    expect(ahead()).toBe(3_600);
    const now = vi.spyOn(Date, 'now').mockReturnValue(7);
    expect(Date.now()).toBe(7);
    now.mockRestore();
    expect(ahead()).toBe(3_600);
    await third.stop();
    expect(real.now).toBe(Date.now);
  });

  test.runIf('Temporal' in globalThis)('passes for Temporal', async () => {
    const { Now } = (
      globalThis as unknown as { Temporal: { Now: Record<string, (zone?: string) => object> } }
    ).Temporal;
    const app = await startForTest();
    const days = (zone?: string) => [
      String(Now.instant?.()).slice(0, 10),
      ...[Now.zonedDateTimeISO, Now.plainDateTimeISO, Now.plainDateISO].map((one) =>
        String(one?.(zone)).slice(0, 10),
      ),
    ];
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    await app.passTime('1d');
    expect(days('UTC')).toEqual([tomorrow, tomorrow, tomorrow, tomorrow]);
    expect(days().length).toBe(4);
    await app.stop();
    expect(days('UTC')).not.toContain(tomorrow);
  });

  test.each([
    ['1 hour'],
    ['h'],
    ['-1h'],
    [''],
    [-1],
    [Number.NaN],
    [Infinity],
    [undefined],
    [{}],
    ['9999999d'],
    ['1h30m'],
  ])('is nothing like %j', async (time) => {
    const app = await startForTest();
    await expect(app.passTime(time as string)).rejects.toThrow(
      /^passTime takes '90s', '31m', '1h', '2d' or a number of milliseconds, .*given .+\.$/,
    );
    expect(ahead()).toBe(0);
  });

  test('needs an app that runs, and a Redis that can follow', async () => {
    const app = await startForTest();
    await app.stop();
    await expect(app.passTime('1h')).rejects.toThrow('This test app has been stopped');
    const other = await startForTest({ env: { REDIS_URL: 'redis://127.0.0.1:9' } });
    await expect(other.passTime('1h')).rejects.toThrow('It can with `redis: true`');
    expect(ahead()).toBe(0);
  });
});
