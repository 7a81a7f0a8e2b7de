import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { slotOf } from '../store/cluster-slot.ts';
import { type Instances, pressIn, type SignedIn, startInstances, statusOf } from './helpers/instances.ts';
import {
  describeWithRedis,
  type RedisCluster,
  type RedisServer,
  startRedisCluster,
  until,
} from './helpers/redis-server.ts';
import { startVisits } from './helpers/visits.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Two seconds (R14), with what a very busy machine adds. */
const longest = 2500;

describeWithRedis('a cluster whose master dies', () => {
  let cluster: RedisCluster;
  let instances: Instances;
  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: true });
    instances = await startInstances({ env: { REDIS_URL: cluster.urls.join(',') } });
  });
  afterAll(async () => {
    await instances?.stop();
    await cluster?.stop();
  });

  const sessionsOn = async (node: RedisServer) => (await node.run('KEYS', 'app:session:*')) as string[];

  /** The number of the master that has this browser's session: each has a third of the slots. */
  function masterOf({ browser }: SignedIn): number {
    const { value = '' } = browser.cookies.find(({ name }) => name === 'session') ?? {};
    const [, id] = /^s:([^.]+)\./.exec(decodeURIComponent(value)) ?? [];
    return [5461, 10_923, 16_384].findIndex((end) => slotOf(`app:session:{${id}}`) < end);
  }

  /** Three sessions on one master, and one on another. */
  async function signIns() {
    for (let count = 7; ; count++) {
      const all = await Promise.all(Array.from({ length: count }, () => instances.signIn('alice')));
      const [most = [], ...others] = [...Map.groupBy(all, masterOf).values()].sort(
        (one, two) => two.length - one.length,
      );
      const [here, leaving, leavingLate] = most;
      const there = others[0]?.[0];
      if (here && leaving && leavingLate && there) return { here, leaving, leavingLate, there };
    }
  }

  it('its replica takes over: no request hangs, nobody is signed out, and no ended session comes back', async () => {
    const { one, two } = instances;
    const unacknowledged = () => one.lines.filter(({ msg }) => /acknowledged/.test(msg));
    const { here, leaving, leavingLate, there } = await signIns();
    const master = cluster.nodes[masterOf(here)] as RedisServer;
    const replica = cluster.nodes[masterOf(here) + 3] as RedisServer;
    expect((await pressIn(leaving.browser, leaving.page, '/auth/logout')).status).toBe(200);
    const left = (await sessionsOn(replica)).length;
    expect(unacknowledged()).toEqual([]);

    // This one the replica misses.
    await replica.run('CONFIG', 'SET', 'masterauth', 'not right');
    await master.run('CLIENT', 'KILL', 'TYPE', 'replica');
    expect((await pressIn(leavingLate.browser, leavingLate.page, '/auth/logout')).status).toBe(200);
    expect((await sessionsOn(replica)).length).toBe(left);
    expect(unacknowledged()).toMatchObject([{ reason: 'no replica is connected' }]);

    const visits = startVisits(one.url('/profile'), here.browser, 10);
    const others = startVisits(one.url('/profile'), there.browser, 10);
    await visits.more(50);
    const began = performance.now();
    await master.kill();
    await until(async () => String(await replica.run('ROLE')).startsWith('master'), 20_000);
    const promoted = performance.now();
    await visits.wellAgain(promoted, 100);
    await others.wellAgain(promoted, 100);
    const those = await visits.stop(began);
    const rest = await others.stop(began);

    expect(Object.keys(those.counts).sort()).toEqual(['200', '503']);
    expect(Object.keys(rest.counts)).toEqual(['200']);
    expect(Math.max(those.longestMs, rest.longestMs)).toBeLessThan(longest);
    expect(those.troubleMs).toBeLessThan(15_000);
    for (const app of [one, two]) {
      for (const { browser } of [here, there])
        await until(async () => (await statusOf(browser, app)) === 200);
      for (const { browser } of [leaving, leavingLate]) expect(await statusOf(browser, app)).toBe(401);
    }
    await until(async () => (await sessionsOn(replica)).length === left - 1);
  });

  it('the slot of a key is what Redis says', async () => {
    // Any of the masters knows, but the one that has died.
    const answers = await Promise.allSettled(cluster.nodes.map((node) => node.run('PING')));
    const first = cluster.nodes[answers.findIndex(({ status }) => status === 'fulfilled')] as RedisServer;
    for (const key of ['app:session:{an-id}', 'app:order', 'a{}b{c}', '{{x}}', 'ü'])
      expect(slotOf(key), key).toBe(await first.run('CLUSTER', 'KEYSLOT', key));
  });
});
