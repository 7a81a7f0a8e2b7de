import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createKeys, openSessions, type Sessions } from '../store/index.ts';
import { describeWithRedis, type RedisServer, redisAt, startRedis, until } from './helpers/redis-server.ts';
import {
  alice,
  hour,
  markSignIn,
  read,
  type Shared,
  save,
  secret,
  sharedRedis,
  signIn,
  witness,
} from './helpers/stored-sessions.ts';

// What the store does in one step is a script in Redis, which is named by its hash.

const keys = createKeys('app:');

describeWithRedis('a script in Redis', () => {
  let shared: Required<Shared>;
  let sessions: Sessions;
  let other: Sessions;
  const forget = () => shared.redis.run('SCRIPT', 'FLUSH');

  beforeAll(async () => {
    shared = await sharedRedis();
    sessions = await shared.open();
    other = await shared.open();
  });
  afterAll(() => shared.stop());
  beforeEach(() => sessions.endAll('operator'));

  it('is sent as a whole once, and by its hash from then on', async () => {
    await forget();
    const first = await shared.redis.monitor(() => signIn(sessions));
    expect(first.filter((line) => line.startsWith('"EVAL"'))).toHaveLength(3);
    const second = await shared.redis.monitor(() => signIn(other));
    expect(second.map((line) => line.split(' ')[0])).toEqual(Array(3).fill('"EVALSHA"'));
  });

  const uses: [string, (id: string) => Promise<unknown>, unknown][] = [
    ['a sign-in', async () => (await signIn(sessions)).entered, 'entered'],
    ['an ending', (id) => sessions.end(id, 'provider'), true],
    [
      'an ending of all of a user',
      () => sessions.endOwner({ iss: alice.iss, sub: alice.sub }, 'provider'),
      1,
    ],
    ['an ending of everybody', () => sessions.endAll('operator'), 1],
    ['a session that takes the place of another', (id) => sessions.replace(id, 'another'), true],
    [
      'a doubt about a sign-in',
      async () => {
        const since = await markSignIn(sessions);
        await forget();
        await sessions.doubtSignIns(alice);
        return sessions.enter('an id', alice, Date.now() + hour, since);
      },
      'doubted',
    ],
    [
      'what a page keeps',
      async (id) => {
        const session = await read(sessions, id);
        await save(sessions, id, { ...session, note: 'kept' } as never);
        return (await read(sessions, id))?.note;
      },
      'kept',
    ],
    [
      'a change of the user',
      async (id) => (await sessions.updateUser(id, (user) => ({ ...user, device: 'new' })))?.changed,
      true,
    ],
    [
      'the lock of a refresh',
      async (id) => {
        await (await sessions.tokens.lock(id))?.();
        return (await other.tokens.lock(id)) !== undefined;
      },
      true,
    ],
    [
      'an answer that comes twice',
      async () => {
        const first = await sessions.answers.takeUp('a state', 60);
        await forget();
        return [typeof first, await other.answers.takeUp('a state', 60)];
      },
      ['number', undefined],
    ],
  ];

  it.each(uses)('that Redis does not know any more is sent again: %s', async (_what, use, outcome) => {
    const { id } = await signIn(sessions);
    await forget();
    expect(await use(id)).toEqual(outcome);
  });

  it('may be forgotten at any moment, while many use it: nobody is told, and nothing is done twice', async () => {
    let over = false;
    const forgetting = (async () => {
      while (!over) await forget();
    })();
    const owners = Array.from({ length: 40 }, (_, index) => ({ ...alice, sid: `sid ${index}` }));
    const made = await Promise.all(owners.map((owner, turn) => signIn(turn % 2 ? other : sessions, owner)));
    expect(new Set(made.map(({ entered }) => entered))).toEqual(new Set(['entered']));
    expect(await sessions.list(alice)).toHaveLength(40);
    const states = await Promise.all(
      Array.from({ length: 20 }, (_, turn) => (turn % 2 ? other : sessions).answers.takeUp('one state', 60)),
    );
    expect(states.filter((mark) => mark !== undefined)).toHaveLength(1);
    const ended = await Promise.all(
      made.flatMap(({ id }) => [sessions.end(id, 'provider'), other.end(id, 'provider')]),
    );
    expect(ended.filter(Boolean)).toHaveLength(40);
    over = true;
    await forgetting;
    const left = (await shared.redis.run('KEYS', '*')) as string[];
    expect(left.filter((key) => /:(session|tokens|owner):/.test(key))).toEqual([]);
  });

  it('that ended something is carried out again by a new connection, on a Redis that does not know it', async () => {
    const { id } = await signIn(sessions);
    const record = keys.session(id);
    await shared.redis.run('COPY', record, 'app:copy');
    expect(await sessions.end(id, 'provider')).toBe(true);
    // As on a replica that had not got the ending when it was promoted.
    await shared.redis.run('RENAME', 'app:copy', record);
    await forget();
    await shared.redis.run('CLIENT', 'KILL', 'TYPE', 'normal');
    await until(() =>
      sessions.check().then(
        () => true,
        () => false,
      ),
    );
    expect(await read(sessions, id)).toBeUndefined();
    expect(await shared.redis.run('EXISTS', record)).toBe(0);
  });

  it('leaves nothing half done where Redis is full', async () => {
    const full = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] });
    const { sessions: crowded } = await openAt(full);
    const since = await markSignIn(crowded);
    await full.run('CONFIG', 'SET', 'maxmemory', '1');
    const before = await full.run('KEYS', '*');
    await expect(crowded.answers.takeUp('a state', 60)).rejects.toThrow(/OOM/);
    const session = { cookie: { originalMaxAge: null }, user: { ...alice, expiresAt: Date.now() + hour } };
    crowded.createOnSave(session, { access_token: 'a token' });
    await expect(save(crowded, 'an-id', session as never)).rejects.toThrow(/OOM/);
    expect(await full.run('KEYS', '*')).toEqual(before);
    // The answer was not used up: there is room again, and the reload signs in.
    await full.run('CONFIG', 'SET', 'maxmemory', '0');
    expect(await crowded.answers.takeUp('a state', 60)).toBeGreaterThanOrEqual(since);
    await crowded.close();
    await full.stop();
  });
});

describeWithRedis('one address that hides a cluster', () => {
  it('refuses a step with keys of several slots, and is asked for each slot from then on', async () => {
    const cluster = await startRedis({ args: ['--cluster-enabled', 'yes'] });
    await cluster.run('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until(async () => /cluster_state:ok/.test(String(await cluster.run('CLUSTER', 'INFO'))));
    const { sessions, lines, events } = await openAt(cluster);
    const { id, entered } = await signIn(sessions);
    expect(entered).toBe('entered');
    expect((await sessions.list(alice)).map((session) => session.id)).toEqual([id]);
    const commands = await cluster.monitor(() => signIn(sessions));
    // The answer, the session with its tokens, one entry by sub and one by sid, and the ending of everybody.
    expect(commands.map((line) => line.split(' ')[0])).toEqual(Array(5).fill('"EVALSHA"'));
    const since = await markSignIn(sessions);
    expect(await sessions.endOwner({ iss: alice.iss, sid: alice.sid }, 'provider')).toBe(2);
    expect(await sessions.enter('an id', alice, Date.now() + hour, since)).toBe('ended');
    expect([lines, events.filter(({ event }) => event.startsWith('store'))]).toEqual([[], []]);
    await sessions.close();
    await cluster.stop();
  });
});

async function openAt(redis: RedisServer) {
  const seen = witness();
  const options = { secrets: [secret], idleSeconds: 1800, maxSeconds: 28_800, ...seen };
  return { ...seen, sessions: await openSessions({ redis: redisAt(redis.url), ...options }) };
}
