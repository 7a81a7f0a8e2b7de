import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSessions, type Sessions, StoreError } from '../store/index.ts';
import {
  describeWithRedis,
  type RedisCluster,
  type RedisServer,
  redisAt,
  startRedisCluster,
  until,
} from './helpers/redis-server.ts';
import { alice, markSignIn, read, save, secret, signIn, witness } from './helpers/stored-sessions.ts';

const owner = () => ({ ...alice, sub: randomUUID(), sid: randomUUID() });

describeWithRedis('sessions kept in a Redis Cluster of three masters', () => {
  let cluster: RedisCluster;
  let sessions: Sessions;
  const seen = witness();

  function open(redisUrls: string[], heard = witness()) {
    return openSessions({
      redis: redisAt(...redisUrls),
      secrets: [secret],
      idleSeconds: 1800,
      maxSeconds: 28_800,
      ...heard,
    });
  }

  const canRead = (from: Sessions, id: string) =>
    read(from, id).then(
      (session) => session !== undefined,
      () => false,
    );

  async function nodeOf(id: string): Promise<RedisServer> {
    for (const node of cluster.nodes) {
      const found = (await node.run('KEYS', `app:session:{${id}}`)) as string[];
      if (found.length > 0) return node;
    }
    throw new Error('no node has this session');
  }

  beforeAll(async () => {
    cluster = await startRedisCluster();
    sessions = await open(cluster.urls, seen);
  });
  afterAll(async () => {
    await sessions.close();
    await cluster.stop();
  });

  it('keep all rules there: read, save, refresh, list, end', async () => {
    const who = owner();
    const { id, entered, session } = await signIn(sessions, who);
    expect(entered).toBe('entered');
    await save(sessions, id, { ...session, note: 'saved again' });
    expect(await read(sessions, id)).toMatchObject({ note: 'saved again' });
    const release = await sessions.tokens.lock(id);
    expect(await sessions.tokens.lock(id)).toBeUndefined();
    expect(await sessions.tokens.replace(id, { access_token: 'fresh' })).toBe(true);
    await release?.();
    expect(await sessions.tokens.read(id)).toEqual({ access_token: 'fresh' });
    expect(await sessions.list(who)).toMatchObject([
      { id, idleSecondsLeft: expect.toSatisfy((left: number) => left > 1790 && left <= 1800) },
    ]);
    const since = await markSignIn(sessions);
    expect(await sessions.endOwner({ iss: who.iss, sid: who.sid }, 'provider')).toBe(1);
    expect(await sessions.whyEnded(id)).toBe('provider');
    expect(await sessions.enter(id, who, Date.now() + 60_000, since)).toBe('ended');
    expect(await sessions.list(who)).toEqual([]);
    expect(await sessions.firstUse(id, 60)).toBe(true);
    await sessions.check();
  });

  it("stand on all nodes, one session's keys on one", async () => {
    const signedIn = await Promise.all(Array.from({ length: 30 }, () => signIn(sessions, owner())));
    const used = new Set<RedisServer>();
    for (const { id } of signedIn) {
      await sessions.tokens.lock(id);
      const node = await nodeOf(id);
      used.add(node);
      expect(await node.run('KEYS', `*{${id}}`)).toHaveLength(3);
    }
    expect(used.size).toBe(3);
  });

  it('all end at once', async () => {
    await sessions.endAll('operator');
    for (let count = 0; count < 20; count++) await signIn(sessions, owner());
    expect(await sessions.endAll('operator')).toBe(20);
    const left = await cluster.keys();
    expect(left.filter((key) => /:(session|tokens|lock):/.test(key))).toEqual([]);
  });

  it('are found when the first seed is away', async () => {
    const other = await open(['redis://127.0.0.1:1', ...cluster.urls]);
    expect(await signIn(other, owner())).toMatchObject({ entered: 'entered' });
    await other.close();
  });

  it('take a raw command, for the rate limits', async () => {
    expect(await sessions.command?.('some key', ['INCR', 'some key'])).toBe(1);
    expect(await sessions.command?.(undefined, ['PING'])).toBe('PONG');
    await expect(sessions.command?.('some key', ['EVALSHA', 'f'.repeat(40), '0'])).rejects.toThrow(
      /^NOSCRIPT/,
    );
  });

  it.each([
    ['frozen', (node: RedisServer) => node.freeze(), (node: RedisServer) => node.thaw()],
    ['killed', (node: RedisServer) => node.kill(), (node: RedisServer) => node.restart()],
  ])(
    'on a node that is %s are away for a while, those on the others are served',
    async (how, strike, repair) => {
      seen.events.length = 0;
      const signedIn = await Promise.all(Array.from({ length: 12 }, () => signIn(sessions, owner())));
      const victim = await nodeOf(signedIn[0]?.id as string);
      const placed = await Promise.all(signedIn.map(async ({ id }) => ({ id, node: await nodeOf(id) })));
      const there = placed.filter(({ node }) => node === victim);
      const elsewhere = placed.filter(({ node }) => node !== victim);
      expect(elsewhere.length).toBeGreaterThan(0);

      await strike(victim);
      const start = performance.now();
      const [lost] = await Promise.allSettled(there.map(({ id }) => read(sessions, id)));
      expect((lost as PromiseRejectedResult).reason).toBeInstanceOf(StoreError);
      expect(performance.now() - start).toBeLessThan(5000);
      for (let round = 0; round < 20; round++) {
        for (const { id } of elsewhere) expect(await read(sessions, id)).toBeDefined();
        await delay(20);
      }
      await expect(sessions.check()).rejects.toThrow(StoreError);
      if (how === 'killed') {
        const again = performance.now();
        await expect(read(sessions, there[0]?.id as string)).rejects.toThrow(StoreError);
        expect(performance.now() - again).toBeLessThan(1500);
      }

      const begun = await open(cluster.urls);
      await until(() => canRead(begun, elsewhere[0]?.id as string));
      await begun.close();

      await repair(victim);
      await until(
        () =>
          sessions.check().then(
            () => true,
            () => false,
          ),
        15_000,
      );
      await until(() => seen.events.length === 2, 15_000);
      expect(seen.events.map(({ event }) => event)).toEqual(['store.lost', 'store.found']);
      for (const { id } of elsewhere) expect(await read(sessions, id)).toBeDefined();
      expect(await signIn(sessions, owner())).toMatchObject({ entered: 'entered' });
    },
  );
});
