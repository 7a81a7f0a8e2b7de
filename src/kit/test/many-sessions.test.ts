import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createSessions } from '../store/create-sessions.ts';
import { createKeys, type Sessions, StoreError } from '../store/index.ts';
import { createMemoryRecords } from '../store/memory.ts';
import type { Records } from '../store/records.ts';
import { describeWithRedis, until } from './helpers/redis-server.ts';
import {
  alice,
  hour,
  read,
  type Shared,
  secret,
  sharedRedis,
  signIn,
  stores,
  witness,
} from './helpers/stored-sessions.ts';

// Somebody who has hundreds or thousands of sessions, as a program has that signs in at each run.

const owner = { iss: alice.iss, sub: alice.sub };

/** So many sessions of alice, one after the other; returns their ids, the newest first. */
async function signInOften(sessions: Sessions, count: number): Promise<string[]> {
  const start = Date.now() + hour;
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.unshift((await signIn(sessions, alice, start + n)).id);
  return ids;
}

const idsOf = (found: readonly { id: string }[]) => found.map(({ id }) => id);

describe.each(stores)('the newest of many sessions in $store', ({ share }) => {
  let shared: Shared;
  let sessions: Sessions;

  beforeAll(async () => {
    shared = await share();
    sessions = await shared.open();
  });
  afterAll(() => shared.stop());
  beforeEach(() => sessions.endAll('operator'));

  /** Their idle ends pass: of each the record is gone, and nothing else. */
  async function letDie(ids: readonly string[]): Promise<void> {
    const idle = await shared.open({ idleSeconds: 1 });
    for (const id of ids) await read(idle, id);
    await until(async () => (await sessions.look(ids.at(-1) as string)) === undefined);
  }

  it('come first, and the others are counted', async () => {
    const ids = await signInOften(sessions, 12);
    await signIn(sessions, { ...alice, sub: 'bob' }, Date.now() + 2 * hour);
    const { sessions: newest, older } = await sessions.newest(owner, 5);
    expect(idsOf(newest)).toEqual(ids.slice(0, 5));
    expect(newest[0]).toMatchObject({
      idleSecondsLeft: expect.toSatisfy((left: number) => left > 1790 && left <= 1800),
      data: { user: { sub: 'alice' } },
    });
    expect(older).toBe(7);
  });

  it.each([
    [0, 0, 0],
    [4, 4, 0],
    [5, 5, 0],
    [6, 5, 1],
  ])('of %i are %i, and %i are older', async (count, shown, older) => {
    const ids = await signInOften(sessions, count);
    const found = await sessions.newest(owner, 5);
    expect([idsOf(found.sessions), found.older]).toEqual([ids.slice(0, shown), older]);
  });

  it('are as many as there are also where newer ones are dead, whose entries and tokens go', async () => {
    const ids = await signInOften(sessions, 30);
    const dead = [...ids.slice(0, 3), ...ids.slice(4, 21)];
    await letDie(dead);
    const living = ids.filter((id) => !dead.includes(id));
    const found = await sessions.newest(owner, 5);
    expect(idsOf(found.sessions)).toEqual(living.slice(0, 5));
    expect(found.older).toBe(living.length - 5);
    for (const id of dead) expect(await sessions.tokens.read(id)).toBeUndefined();
    expect(idsOf((await sessions.newest(owner, 20)).sessions)).toEqual(living);
  });

  it('are none where all have died', async () => {
    await letDie(await signInOften(sessions, 12));
    expect(await sessions.newest(owner, 5)).toEqual({ sessions: [], older: 0 });
  });

  it('are those under the current secret and then those under the former one', async () => {
    const former = await signInOften(sessions, 4);
    const changed = await shared.open({ secrets: ['another secret of over 32 characters', secret] });
    const current = await signInOften(changed, 4);
    const all = [...current, ...former];
    for (const most of [3, 4, 6, 8, 9]) {
      const { sessions: newest, older } = await changed.newest(owner, most);
      expect([idsOf(newest), older]).toEqual([all.slice(0, most), Math.max(0, 8 - most)]);
    }
  });

  it('are not all that is listed, found and ended', async () => {
    const ids = await signInOften(sessions, 250);
    const [oldest = ''] = ids.slice(-1);
    expect(idsOf(await sessions.list(owner)).sort()).toEqual([...ids].sort());
    expect(await sessions.find(owner, (id) => id === oldest)).toMatchObject({ id: oldest });
    expect(await sessions.find({ ...owner, sub: 'bob' }, (id) => id === oldest)).toBeUndefined();
    expect(await sessions.endOwner(owner, 'other-device', oldest)).toBe(249);
    expect(idsOf(await sessions.list(owner))).toEqual([oldest]);
    expect(await sessions.endOwner(owner, 'provider')).toBe(1);
    expect(await sessions.find(owner, (id) => id === oldest)).toBeUndefined();
  });
});

describeWithRedis('what Redis is asked about many sessions', () => {
  let shared: Required<Shared>;
  let sessions: Sessions;
  beforeAll(async () => {
    shared = await sharedRedis();
    sessions = await shared.open();
  });
  afterAll(() => shared.stop());
  beforeEach(() => sessions.endAll('operator'));

  const named = (commands: readonly string[]) => {
    const counts: Record<string, number> = {};
    for (const command of commands) {
      const name = /^"(\w+)"/.exec(command)?.[1] ?? command;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };

  it.each([60, 240])('is about ten of them where ten of %i are shown', async (count) => {
    await signInOften(sessions, count);
    const commands = await shared.redis.monitor(() => sessions.newest(owner, 10));
    expect(named(commands)).toEqual({ ZRANGE: 1, GET: 10, PTTL: 10, ZCOUNT: 1 });
    const asked = commands.find((command) => command.startsWith('"ZRANGE"'));
    expect(asked).toMatch(/^"ZRANGE" "app:owner:\{[\w-]+\}" "0" "9" "REV"$/);
  });

  it('is about a hundred at once where the newest are dead', async () => {
    const ids = await signInOften(sessions, 250);
    for (const id of ids.slice(0, -1)) await shared.redis.run('DEL', `app:session:{${id}}`);
    const commands = await shared.redis.monitor(async () => {
      expect(idsOf((await sessions.newest(owner, 1)).sessions)).toEqual(ids.slice(-1));
    });
    expect(named(commands)).toMatchObject({ ZRANGE: 4 });
  });

  it('is about one of them where one is to end, and nothing is counted where all are shown', async () => {
    const ids = await signInOften(sessions, 20);
    const one = await shared.redis.monitor(() => sessions.find(owner, (id) => id === ids[13]));
    expect(named(one)).toEqual({ ZRANGE: 1, GET: 1, PTTL: 1 });
    const all = await shared.redis.monitor(() => sessions.newest(owner, 21));
    expect(named(all)).toEqual({ ZRANGE: 1, GET: 20, PTTL: 20 });
  });
});

describe('many sessions', () => {
  /** A store that says how many of its commands were under way at once. */
  async function watchedStore(change: Partial<Records> = {}) {
    const records: Records = { ...createMemoryRecords(witness().log), settle: async () => {}, ...change };
    onTestFinished(() => records.close());
    const seen = { most: 0, settled: [] as number[] };
    let underWay = 0;
    const watched = new Proxy(records, {
      get(target, name: keyof Records) {
        const run = target[name] as undefined | ((...args: unknown[]) => Promise<unknown>);
        if (!run || name === 'scan') return run;
        return async (...args: unknown[]) => {
          seen.most = Math.max(seen.most, ++underWay);
          if (name === 'settle') seen.settled.push((args[0] as string[]).length);
          // As over a network: the answer is not there at once.
          await new Promise(setImmediate);
          return run(...args).finally(() => underWay--);
        };
      },
    });
    const options = { secrets: [secret], idleSeconds: 60, maxSeconds: 28_800, ...witness() };
    const sessions = createSessions(watched, createKeys('app:'), options);
    const ids = await signInOften(sessions, 1_000);
    Object.assign(seen, { most: 0, settled: [] });
    return { sessions, ids, seen };
  }

  it.each([
    ['a user', (sessions: Sessions) => sessions.endOwner(owner, 'provider')],
    ['everybody', (sessions: Sessions) => sessions.endAll('operator')],
  ])('of %s end a hundred at a time, and the replicas are waited for once', async (_whose, endAll) => {
    const { sessions, seen } = await watchedStore();
    expect(await endAll(sessions)).toBe(1_000);
    // An ending leaves up to three entries at once; the mark of the ending is settled as well.
    expect(seen.most).toBeLessThanOrEqual(301);
    expect(seen.settled.sort()).toEqual([1, 1_000]);
    expect(await sessions.list(owner)).toEqual([]);
  });

  it('are read a hundred at a time', async () => {
    const { sessions, seen } = await watchedStore();
    expect(await sessions.list(owner)).toHaveLength(1_000);
    expect(seen.most).toBeLessThanOrEqual(200);
  });

  it('end as far as they can where some cannot, and whoever asked gets the error', async () => {
    const plain = createMemoryRecords(witness().log);
    let failing: string | undefined;
    const { sessions, ids, seen } = await watchedStore({
      ...plain,
      async getDel(key, note) {
        if (key === failing) throw new StoreError('that node is away');
        return plain.getDel(key, note);
      },
    });
    const left = ids[990] as string;
    failing = createKeys('app:').session(left);
    await expect(sessions.endOwner(owner, 'provider')).rejects.toThrow('that node is away');
    expect(idsOf(await sessions.list(owner))).toEqual([left]);
    expect(seen.settled.sort()).toEqual([1, 999]);
    failing = undefined;
    expect(await sessions.endOwner(owner, 'provider')).toBe(1);
  });
});
