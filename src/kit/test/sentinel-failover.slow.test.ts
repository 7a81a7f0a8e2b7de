import { expect, it, onTestFinished, vi } from 'vitest';
import { type Instances, pressIn, startInstances, statusOf } from './helpers/instances.ts';
import { replicasOf, startWatched, type Watched } from './helpers/redis-sentinels.ts';
import { describeWithRedis, type RedisServer, until } from './helpers/redis-server.ts';
import { startVisits } from './helpers/visits.ts';

vi.setConfig({ testTimeout: 60_000 });

const clients = 20;
/** Two seconds (R14), with what a very busy machine adds. */
const longest = 2500;
/** No less, or on a busy machine the Sentinels take the new primary for down, too. */
const downAfterMs = 2000;

describeWithRedis('a primary that Sentinels replace', () => {
  const sessionsOn = async (server: RedisServer) =>
    ((await server.run('KEYS', 'app:session:*')) as string[]).length;

  /** Servers of the test's own: those of a failover before may still be changing places. */
  async function start(replicas: number): Promise<{ watched: Watched; instances: Instances }> {
    // The first replica is preferred whatever it has missed.
    const argsOf = (replica: number) => (replica === 1 ? ['--replica-priority', '1'] : []);
    const watched = await startWatched({ replicas, downAfterMs, argsOf });
    onTestFinished(() => watched.stop());
    const instances = await startInstances({ env: watched.env });
    onTestFinished(() => instances.stop());
    return { watched, instances };
  }

  it('by a replica that lagged: no ended session comes back, with whatever else the replica missed', async () => {
    const { watched, instances } = await start(2);
    const { one, two } = instances;
    const { browser: staying } = await instances.signIn('alice');
    const { browser: leaving, page } = await instances.signIn('bob');
    const [primary, lagging, current] = watched.servers as unknown as [RedisServer, RedisServer, RedisServer];
    await until(async () => (await sessionsOn(lagging)) === 2);
    await lagging.run('CONFIG', 'SET', 'masterauth', 'no longer right');
    await primary.run('CLIENT', 'KILL', 'TYPE', 'replica');
    await until(async () => (await replicasOf(primary)).length === 1);

    await pressIn(leaving, page, '/auth/logout');
    for (const app of [one, two]) expect(await statusOf(leaving, app)).toBe(401);
    expect(await sessionsOn(current)).toBe(1);
    expect(await sessionsOn(lagging)).toBe(2);

    await primary.kill();
    await watched.promoted(lagging);
    for (const app of [one, two]) {
      await until(async () => (await statusOf(staying, app)) === 200);
      expect(await statusOf(leaving, app)).toBe(401);
    }
    expect(await sessionsOn(lagging)).toBe(1);
  });

  it.each([
    ['killed', 2, (primary: RedisServer) => primary.kill()],
    ['frozen', 1, (primary: RedisServer) => primary.freeze()],
  ])(
    'when it is %s: no request hangs, nobody is signed out, and pages work again by themselves',
    async (_how, replicas, strike) => {
      const { watched, instances } = await start(replicas);
      const [primary, ...others] = watched.servers;
      const { one, two } = instances;
      const { browser } = await instances.signIn('alice');
      const visits = startVisits(one.url('/profile'), browser, clients);
      await visits.more(100);
      // One session is ended and one is written right before.
      const { browser: leaving, page } = await instances.signIn('bob');
      expect((await pressIn(leaving, page, '/auth/logout')).status).toBe(200);
      const { browser: late } = await instances.signIn('bob');
      // What no replica has yet when its primary goes is lost, as with any Redis.
      for (const replica of others) await until(async () => (await sessionsOn(replica)) === 2);
      const began = performance.now();
      const readiness = probe(one.url('/readyz'));
      await strike(primary);
      await until(async () => (await watched.primary()) !== primary, 20_000);
      const replaced = performance.now();
      await visits.wellAgain(replaced, 200);
      const { counts, longestMs, troubleMs } = await visits.stop(began);
      const slowestProbe = await readiness.stop();

      expect(Object.keys(counts).sort()).toEqual(['200', '503']);
      expect(longestMs).toBeLessThan(longest);
      expect(slowestProbe).toBeLessThan(longest);
      // How long Sentinels take to agree is their own affair.
      expect(troubleMs).toBeLessThan(replaced - began + 10_000);
      for (const app of [one, two]) {
        await until(async () => (await statusOf(browser, app)) === 200);
        expect(await statusOf(late, app)).toBe(200);
        expect(await statusOf(leaving, app)).toBe(401);
      }
    },
  );
});

/** Asks for readiness again and again; says how long the slowest answer took. */
function probe(url: string) {
  let going = true;
  let slowest = 0;
  const asking = (async () => {
    while (going) {
      const start = performance.now();
      await fetch(url).then((answer) => answer.arrayBuffer());
      slowest = Math.max(slowest, performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return {
    async stop() {
      going = false;
      await asking;
      return slowest;
    },
  };
}
