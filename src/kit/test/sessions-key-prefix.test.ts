import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createKeys, openSessions, type Sessions } from '../store/index.ts';
import { describeWithRedis, redisAt, startRedis } from './helpers/redis-server.ts';
import {
  alice,
  markSignIn,
  read,
  type Shared,
  secret,
  sharedRedis,
  signIn,
  stores,
  witness,
} from './helpers/stored-sessions.ts';

// REDIS_KEY_PREFIX: several apps on one Redis, each with keys of its own.
const prefixes = ['app:', 'app:two:', 'app:session:', 'app:ended:'];

describe.each(stores)('apps with prefixes of their own in one $store', ({ share }) => {
  let shared: Shared;
  let apps: Sessions[];
  beforeAll(async () => {
    shared = await share();
    apps = await Promise.all(prefixes.map((keyPrefix) => shared.open({ keyPrefix })));
  });
  afterAll(() => shared.stop());
  beforeEach(() => Promise.all(apps.map((app) => app.endAll('operator'))));

  it("do not see, list, count or end each other's sessions", async () => {
    const ids = await Promise.all(apps.map(async (app) => (await signIn(app)).id));
    for (const [index, app] of apps.entries()) {
      const own = ids[index] as string;
      expect((await app.list(alice)).map(({ id }) => id)).toEqual([own]);
      for (const id of ids) expect((await read(app, id)) !== undefined).toBe(id === own);
      for (const id of ids) if (id !== own) expect(await app.end(id, 'operator')).toBe(false);
    }
  });

  it.each(prefixes)('end their own only, with all or by owner: %s', async (prefix) => {
    const mine = prefixes.indexOf(prefix);
    const ids = await Promise.all(apps.map(async (app) => (await signIn(app)).id));
    const left = async () => {
      const found = await Promise.all(apps.map((app, index) => read(app, ids[index] as string)));
      return found.map((session) => session !== undefined);
    };
    expect(await (apps[mine] as Sessions).endAll('operator')).toBe(1);
    expect(await left()).toEqual(prefixes.map((each) => each !== prefix));
    expect(await (apps[mine] as Sessions).endOwner(alice, 'provider')).toBe(0);
    expect(await left()).toEqual(prefixes.map((each) => each !== prefix));
  });

  it("do not void each other's sign-ins, and share no name that may be used once", async () => {
    const [first, ...others] = apps as [Sessions, ...Sessions[]];
    const marks = await Promise.all(others.map((app) => markSignIn(app)));
    await first.endAll('operator');
    await first.endOwner(alice, 'provider');
    for (const [index, app] of others.entries()) {
      const mark = marks[index] as number;
      expect(await app.enter(`an id ${index}`, alice, Date.now() + 60_000, mark)).toBe('entered');
    }
    for (const app of apps) {
      expect(await app.firstUse('a jti', 60)).toBe(true);
      expect(await app.answers.takeUp('a state', 60)).toBeTypeOf('number');
    }
  });
});

describeWithRedis('a prefix in Redis', () => {
  let shared: Required<Shared>;
  beforeAll(async () => {
    shared = await sharedRedis();
  });
  afterAll(() => shared.stop());

  it('is sealed into each record: one that was copied to another prefix does not open there (R11)', async () => {
    const seen = witness();
    const [one, two] = [await shared.open(), await shared.open({ keyPrefix: 'app:two:', ...seen })];
    const { id } = await signIn(one);
    for (const kind of ['session', 'tokens'] as const) {
      const [from, to] = [createKeys('app:')[kind](id), createKeys('app:two:')[kind](id)];
      await shared.redis.run('COPY', from, to);
    }
    expect(await read(two, id)).toBeUndefined();
    expect(await two.tokens.read(id)).toBeUndefined();
    expect(seen.lines).toHaveLength(2);
    expect(await read(one, id)).toMatchObject({ user: { sub: 'alice' } });
  });

  it('names the default keys as before, so that an instance of an older version reads them', () => {
    const keys = createKeys('app:');
    expect([keys.session('id'), keys.tokens('id'), keys.lock('id'), keys.why('id'), keys.order]).toEqual([
      ...['app:session:{id}', 'app:tokens:{id}', 'app:lock:{id}', 'app:why:{id}', 'app:order'],
    ]);
  });

  // The setting refuses these characters; the store does not rely on it.
  it.each(['a*:', 'a?:', '[a-z]*:', 'a\\:', '[^x]:'])(
    'is no pattern, whatever is in it: %s',
    async (keyPrefix) => {
      const own = await shared.open({ keyPrefix });
      const others = await Promise.all(
        ['ab:', 'abc:', 'a:', 'a\\\\:', 'b:'].map((each) => shared.open({ keyPrefix: each })),
      );
      await signIn(own);
      const ids = await Promise.all(others.map(async (app) => (await signIn(app)).id));
      expect(await own.endAll('operator')).toBe(1);
      for (const [index, app] of others.entries())
        expect(await read(app, ids[index] as string)).toBeDefined();
      for (const app of others) await app.endAll('operator');
    },
  );

  it.each(['a:', '-.:', '0_9-Z.z:x:', `${'p'.repeat(99)}:`])(
    'leaves the keys of a session in one slot of a cluster: %s',
    async (keyPrefix) => {
      const node = await startRedis({
        args: ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'],
      });
      const keys = createKeys(keyPrefix);
      const slot = (key: string) => node.run('CLUSTER', 'KEYSLOT', key);
      const slots = [keys.session, keys.tokens, keys.lock, keys.why].map((key) => slot(key('an-id')));
      expect(new Set(await Promise.all([...slots, slot('an-id')])).size).toBe(1);
      await node.stop();
    },
  );

  it('is before every key that is sent', async () => {
    const sessions = await openSessions({
      redis: { ...redisAt(shared.redis.url), keyPrefix: 'own:' },
      ...{ secrets: [secret], idleSeconds: 60, maxSeconds: 28_800, ...witness() },
    });
    await sessions.check();
    const commands = await shared.redis.monitor(async () => {
      const { id } = await signIn(sessions);
      await read(sessions, id);
      await (await sessions.tokens.lock(id))?.();
      await sessions.list(alice);
      await sessions.check();
      await sessions.endOwner(alice, 'provider');
      await sessions.endAll('operator');
    });
    const bare = commands.filter((line) => !/^"PING"/.test(line) && !line.includes('"own:'));
    expect(bare).toEqual([]);
    await sessions.close();
  });
});
