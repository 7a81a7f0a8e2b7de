import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSessions } from '../store/create-sessions.ts';
import { createKeys, openSessions, type Sessions } from '../store/index.ts';
import { createMemoryRecords, type MemoryEntry } from '../store/memory.ts';
import {
  hasRedis,
  type RedisServer,
  redisAt,
  startRedis,
  startRedisCluster,
} from './helpers/redis-server.ts';
import {
  alice,
  hour,
  markSignIn,
  read,
  save,
  secret,
  sessionOf,
  signIn,
  witness,
} from './helpers/stored-sessions.ts';

// Whoever can write to the store can take away what is there; but one value written once must neither let a sign-in
// survive that was ended (R15), nor keep anybody out for good.

const keys = createKeys('app:');

interface Spoilable {
  sessions: Sessions;
  /** Writes a text in the place of a number, without an end. */
  spoil(key: string, text: string): Promise<void>;
  keys(): Promise<string[]>;
  empty(): Promise<unknown>;
  /** Of a set: gives each of its names this end. */
  spoilEnds?(key: string, end: string): Promise<void>;
  msLeft?(key: string): Promise<number>;
}

const stops: (() => Promise<void>)[] = [];

const options = () => ({ secrets: [secret], idleSeconds: 1800, maxSeconds: 28_800, ...witness() });

async function inMemory(): Promise<Spoilable> {
  const entries = new Map<string, MemoryEntry>();
  const records = createMemoryRecords(witness().log, { entries });
  stops.push(() => records.close());
  return {
    sessions: createSessions(records, keys, options()),
    async spoil(key, text) {
      entries.set(key, { value: Buffer.from(text), endsAt: Number.POSITIVE_INFINITY, used: 0 });
    },
    keys: async () => [...entries.keys()],
    empty: async () => entries.clear(),
  };
}

type Run = (...args: string[]) => Promise<unknown>;

async function inRedisAt(nodes: readonly RedisServer[], run: Run): Promise<Spoilable> {
  const urls = nodes.map(({ url }) => url);
  const onEach: Run = async (...args) => (await Promise.all(nodes.map((node) => node.run(...args)))).flat();
  const sessions = await openSessions({ redis: redisAt(...urls), ...options() });
  stops.push(() => sessions.close());
  return {
    sessions,
    spoil: async (key, text) => void (await run('SET', key, text)),
    keys: async () => (await onEach('KEYS', '*')) as string[],
    empty: () => onEach('FLUSHALL'),
    async spoilEnds(key, end) {
      for (const name of (await run('ZRANGE', key, '0', '-1')) as string[]) await run('ZADD', key, end, name);
    },
    msLeft: async (key) => Number(await run('PTTL', key)),
  };
}

async function inRedis(): Promise<Spoilable> {
  const redis = await startRedis();
  stops.push(() => redis.stop());
  return inRedisAt([redis], redis.run);
}

async function inCluster(): Promise<Spoilable> {
  const cluster = await startRedisCluster();
  stops.push(() => cluster.stop());
  /** By whichever node has the key. */
  const run: Run = async (...args) => {
    for (const node of cluster.nodes) {
      try {
        return await node.run(...args);
      } catch (error) {
        if (!/^MOVED/.test((error as Error).message)) throw error;
      }
    }
    throw new Error('no node has it');
  };
  return inRedisAt(cluster.nodes, run);
}

const allTexts = [
  ...['nan', 'inf', '-inf', '1e300', '1e13', 'text', '', ' 7', '7 ', '007', '-5', '1.5', '0x10', '７', '1\n'],
  ...['9007199254740991', '9007199254740992', '9'.repeat(400)],
  ...['99999999999999', '100000000000000', '999999999999999', '1000000000000000'],
];
const someTexts = ['nan', '1e300', '9007199254740992', '99999999999999'];

const stores = [
  { store: 'memory', open: inMemory, texts: allTexts },
  ...(hasRedis
    ? [
        { store: 'Redis', open: inRedis, texts: allTexts },
        { store: 'a cluster', open: inCluster, texts: someTexts },
      ]
    : []),
];

/** A sign-in whose answer has come, and how it ends. */
async function begin(sessions: Sessions) {
  const since = await markSignIn(sessions);
  return async () => {
    const id = `id-${Math.random()}`;
    const session = sessionOf(alice);
    sessions.createOnSave(session);
    await save(sessions, id, session);
    const entered = await sessions.enter(id, alice, Date.now() + hour, since);
    return { entered, alive: (await read(sessions, id)) !== undefined };
  };
}

const gone = { entered: 'ended', alive: false };

/** Nobody is kept out: of three attempts the last succeeds, also after a further ending. */
async function expectHealed(sessions: Sessions) {
  for (const ending of ['the first', 'the second']) {
    const tries = [];
    for (let count = 0; count < 3; count++) tries.push((await signIn(sessions)).entered);
    expect(tries.at(-1), `after ${ending} ending`).toBe('entered');
    await sessions.endOwner({ iss: alice.iss, sub: alice.sub }, 'provider');
  }
  const late = await begin(sessions);
  await sessions.endOwner({ iss: alice.iss, sub: alice.sub }, 'provider');
  expect(await late()).toEqual(gone);
}

describe.each(stores)('what is no number of ours, in $store', ({ store, open, texts }) => {
  let it: Spoilable;
  beforeAll(async () => {
    it = await open();
  });
  afterAll(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });
  beforeEach(() => it.empty());

  const endings: [string, (sessions: Sessions) => Promise<unknown>][] = [
    ['by sub', ({ endOwner }) => endOwner({ iss: alice.iss, sub: alice.sub }, 'provider')],
    ['by sid', ({ endOwner }) => endOwner({ iss: alice.iss, sid: alice.sid }, 'provider')],
    ['with all', ({ endAll }) => endAll('operator')],
  ];

  test.each(endings)(
    'in the place of the row lets no sign-in survive that is ended %s, whenever it was written',
    async (_how, end) => {
      const { sessions, spoil } = it;
      for (const text of texts) {
        await spoil(keys.order, text);
        const after = await begin(sessions);
        await end(sessions);
        // Of somebody else's.
        await sessions.endOwner({ iss: alice.iss, sub: 'bob' }, 'provider');
        await end(sessions);
        expect(await after(), `${text}, written before the answer came`).toEqual(gone);

        const before = await begin(sessions);
        await spoil(keys.order, text);
        await end(sessions);
        expect(await before(), `${text}, written after the answer came`).toEqual(gone);
        await expectHealed(sessions);
      }
    },
  );

  test('in the place of an ending is one, and is forgotten', async () => {
    const { sessions, spoil, keys: allKeys } = it;
    await sessions.endOwner({ iss: alice.iss, sub: alice.sub }, 'provider');
    await sessions.endOwner({ iss: alice.iss, sid: alice.sid }, 'provider');
    await sessions.endAll('operator');
    const written = (await allKeys()).filter((key) => key.startsWith('app:ended:'));
    expect(written).toHaveLength(3);
    for (const text of texts) {
      for (const key of written) {
        const finish = await begin(sessions);
        await spoil(key, text);
        expect(await finish(), `${text} in ${key}`).toEqual(gone);
        await expectHealed(sessions);
      }
    }
  });

  test('in the place of a doubt is one, and is forgotten', async () => {
    const { sessions, spoil, keys: allKeys } = it;
    await sessions.doubtSignIns(alice);
    const [doubt = ''] = (await allKeys()).filter((key) => key.startsWith('app:doubted:'));
    for (const text of ['nan', 'inf', '1e300', '9007199254740992', '']) {
      const finish = await begin(sessions);
      await spoil(doubt, text);
      expect(await finish(), text).toEqual({ entered: 'doubted', alive: true });
      expect((await signIn(sessions)).entered, text).toBe('entered');
    }
  });

  test('in the place of how many sessions there are is counted anew', async () => {
    const { sessions, spoil } = it;
    await signIn(sessions);
    for (const text of texts.filter((each) => !/^[1-9]\d{0,13}$/.test(each))) {
      await spoil(keys.count, text);
      expect(await sessions.count(), text).toBe(1);
    }
  });

  // In memory ends are no texts, which somebody could have written.
  if (store === 'memory') return;

  test('in the place of when a session ends keeps nobody from signing in, and hides no session', async () => {
    const { sessions, keys: allKeys, spoilEnds, msLeft } = it as Required<Spoilable>;
    const { id } = await signIn(sessions);
    for (const end of ['inf', '1e300', '9007199254740992', '100000000000000']) {
      const sets = (await allKeys()).filter((key) => key.startsWith('app:owner:'));
      for (const key of sets) await spoilEnds(key, end);
      expect((await signIn(sessions)).entered, end).toBe('entered');
      for (const key of sets) expect(await msLeft(key), end).toBeLessThanOrEqual(hour);
    }
    expect((await sessions.list(alice)).map((session) => session.id)).toContain(id);
    expect(await sessions.endOwner({ iss: alice.iss, sub: alice.sub }, 'provider')).toBe(5);
  });
});
