import { describe, expect, it } from 'vitest';
import { tagOf } from '../store/cluster-slot.ts';
import { createSessions } from '../store/create-sessions.ts';
import { createKeys, type Sessions } from '../store/index.ts';
import { createMemoryRecords } from '../store/memory.ts';
import type { Records } from '../store/records.ts';
import { until } from './helpers/redis-server.ts';
import { alice, markSignIn, read, secret, signIn, witness } from './helpers/stored-sessions.ts';

const keys = createKeys('app:');

/**
 * What is one step on one server is several in a cluster, one for each hash tag, and they come in an order that nobody
 * knows.
 */
const servers = {
  'one server': (records: Records) => records,
  'a cluster': (records: Records) => inSteps(records, (steps) => steps),
  'a cluster, the other way round': (records: Records) => inSteps(records, (steps) => steps.reverse()),
};
type Server = keyof typeof servers;
const eachServer = Object.keys(servers) as Server[];

function inSteps(records: Records, inOrder: (steps: string[][]) => string[][]): Records {
  return new Proxy(records, {
    get(target, name: keyof Records) {
      if (name !== 'addMember') return target[name];
      const addMember: Records['addMember'] = async (sets, member, endsAt, numbers = []) => {
        const found = new Map<string, number | undefined>();
        for (const keys of inOrder([...Map.groupBy([...sets, ...numbers], tagOf).values()])) {
          const [here, beside] = [sets, numbers].map((all) => all.filter((key) => keys.includes(key)));
          const values = await target.addMember(here ?? [], member, endsAt, beside);
          for (const [index, key] of (beside ?? []).entries()) found.set(key, values[index]);
        }
        return numbers.map((key) => found.get(key) ?? 0);
      };
      return addMember;
    },
  });
}

/**
 * Two instances on one store, and every way in which one's work can fall between two commands of the other:
 * the work of `second` runs as a whole just before the n-th command of `first`, for each n there is.
 * Somebody is signed in already.
 */
async function everyInterleaving(
  first: (sessions: Sessions) => Promise<unknown>,
  second: (sessions: Sessions, records: Records) => Promise<unknown>,
  holds: (outcome: { first: unknown; second: unknown; sessions: Sessions; at: number }) => Promise<void>,
  server: Server = 'one server',
) {
  for (let at = 1; ; at++) {
    const records = createMemoryRecords(witness().log);
    const options = { secrets: [secret], idleSeconds: 60, maxSeconds: 28_800, ...witness() };
    const sessions = createSessions(records, keys, options);
    await signIn(sessions);
    let count = 0;
    let between: unknown;
    const due = async () => {
      if (++count === at) between = await second(sessions, records);
    };
    const interrupted = new Proxy(records, {
      get: (target, name: keyof Records) => {
        const run = target[name] as undefined | ((...args: unknown[]) => never);
        if (!run) return undefined;
        if (name !== 'scan') return async (...args: unknown[]) => due().then(() => run(...args));
        return async function* (prefix: string) {
          await due();
          for await (const page of target.scan(prefix)) {
            yield page;
            await due();
          }
        };
      },
    });
    const outcome = await first(createSessions(servers[server](interrupted), keys, options));
    if (count < at) {
      expect(at).toBeGreaterThan(3);
      return;
    }
    await holds({ first: outcome, second: between, sessions, at });
    await records.close();
  }
}

const { iss, sub, sid } = alice;
const endings = [
  ['by sub', (sessions: Sessions) => sessions.endOwner({ iss, sub }, 'provider')],
  ['by sid', (sessions: Sessions) => sessions.endOwner({ iss, sid }, 'provider')],
  ['with all', (sessions: Sessions) => sessions.endAll('operator')],
] as const;

describe.each(endings)('a sign-in that finishes while its session is ended %s (R15)', (_how, end) => {
  it.each(eachServer)('does not survive, wherever the ending falls: on %s', async (server) => {
    const holds: Parameters<typeof everyInterleaving>[2] = async ({ first, sessions, at }) => {
      const { id } = first as Awaited<ReturnType<typeof signIn>>;
      // Before its first command the sign-in has not begun: that one is not meant.
      if (at === 1) return expect(await read(sessions, id)).toBeDefined();
      expect(await read(sessions, id), `command ${at}`).toBeUndefined();
      expect(await sessions.tokens.read(id), `command ${at}`).toBeUndefined();
      expect(
        (await sessions.list(alice)).map((each) => each.id),
        `command ${at}`,
      ).not.toContain(id);
    };
    await everyInterleaving(signIn, end, holds, server);
  });

  it('either does not survive or began after it, wherever the sign-in falls', async () => {
    await everyInterleaving(
      end,
      (sessions) => signIn(sessions),
      async ({ second, sessions }) => {
        const { id, entered } = second as Awaited<ReturnType<typeof signIn>>;
        const alive = (await read(sessions, id)) !== undefined;
        const listed = (await sessions.list(alice)).length;
        // The session that was there before is gone in any case.
        const tokens = (await sessions.tokens.read(id)) !== undefined;
        // All of it or nothing of it: no session that cannot be found, no tokens without a session.
        expect({ listed, tokens }).toEqual({ listed: alive ? 1 : 0, tokens: alive });
        if (alive) expect(entered).toBe('entered');
      },
    );
  });
});

describe('a user who is doubted while they sign in', () => {
  it.each(eachServer)('is found by whoever doubts, or knows it: on %s', async (server) => {
    const doubt = async (sessions: Sessions) => {
      await sessions.doubtSignIns({ iss, sub });
      return (await sessions.list({ iss, sub })).map(({ id }) => id);
    };
    const holds: Parameters<typeof everyInterleaving>[2] = async ({ first, second, at }) => {
      const { id, entered } = first as Awaited<ReturnType<typeof signIn>>;
      // Before its first command the sign-in has not begun: what it finds out is new.
      if (at === 1) return expect(entered).toBe('entered');
      const known = (second as string[]).includes(id);
      expect({ known, entered }).not.toEqual({ known: false, entered: 'entered' });
      expect(entered).not.toBe('ended');
    };
    await everyInterleaving(signIn, doubt, holds, server);
  });
});

it('a session and its tokens are made in one step: there are never tokens without their session', async () => {
  const idsOf = async (records: Records, of: (id: string) => string) => {
    const [before = '', after = ''] = of('|').split('|');
    const ids: string[] = [];
    for await (const page of records.scan(before)) {
      ids.push(...page.map((key) => key.slice(before.length, -after.length)));
    }
    return ids.sort();
  };
  await everyInterleaving(
    signIn,
    async (_sessions, records) => [await idsOf(records, keys.session), await idsOf(records, keys.tokens)],
    async ({ second, at }) => {
      const [sessions, tokens] = second as [string[], string[]];
      expect(tokens).toEqual(sessions);
      // The last command of a sign-in comes after both.
      expect(sessions).toHaveLength(at < 3 ? 1 : 2);
    },
  );
});

it('a save, a refresh and an ending leave nothing behind, wherever the ending falls', async () => {
  for (const write of [
    async (sessions: Sessions, id: string) => {
      const data = await read(sessions, id);
      if (data) await new Promise((done) => sessions.store.set(id, { ...data, note: 'late' } as never, done));
    },
    async (sessions: Sessions, id: string) => {
      const release = await sessions.tokens.lock(id);
      const tokens = await sessions.tokens.read(id);
      if (tokens) await sessions.tokens.replace(id, { ...tokens, access_token: 'late' });
      await release?.();
    },
    async (sessions: Sessions, id: string) => {
      await sessions.updateUser(id, (user) => ({ ...user }));
    },
  ]) {
    let id = '';
    const before = async (sessions: Sessions) => {
      ({ id } = await signIn(sessions));
      await write(sessions, id);
    };
    await everyInterleaving(
      before,
      (sessions) => sessions.end(id, 'provider'),
      async ({ sessions, second }) => {
        if (!second) return;
        expect(await read(sessions, id)).toBeUndefined();
        expect(await sessions.tokens.read(id)).toBeUndefined();
      },
    );
  }
});

it('a save never undoes an update of the user, nor the update a save, wherever one falls into the other (R12)', async () => {
  let id = '';
  const save = async (sessions: Sessions) => {
    const data = await read(sessions, id);
    await new Promise((done) => sessions.store.set(id, { ...data, note: 'a page' } as never, done));
  };
  const update = (sessions: Sessions) => sessions.updateUser(id, (user) => ({ ...user, device: 'updated' }));
  for (const [first, second] of [
    [save, update],
    [update, save],
  ] as const) {
    const begin = async (sessions: Sessions) => {
      ({ id } = await signIn(sessions));
      await first(sessions);
    };
    await everyInterleaving(
      begin,
      async (sessions) => {
        // Before there is a session, there is nothing to write.
        if (id === '' || !(await read(sessions, id))) return false;
        await second(sessions);
        return true;
      },
      async ({ sessions, second: happened }) => {
        if (happened) {
          expect(await read(sessions, id)).toMatchObject({ user: { device: 'updated' }, note: 'a page' });
        }
        id = '';
      },
    );
  }
});

describe('a store that lost the order of endings', () => {
  async function open() {
    const records = createMemoryRecords(witness().log);
    const options = { secrets: [secret], idleSeconds: 60, maxSeconds: 28_800, ...witness() };
    return { records, sessions: createSessions(records, keys, options) };
  }

  it('lets sign-ins begin again, though old endings are still known', async () => {
    const { records, sessions } = await open();
    await sessions.endAll('operator');
    await records.del(keys.order);
    expect(await signIn(sessions)).toMatchObject({ entered: 'entered' });
  });

  it('still ends a sign-in that began before an ending', async () => {
    const { records, sessions } = await open();
    await sessions.endAll('operator');
    const since = await markSignIn(sessions);
    await records.del(keys.order);
    await until(() => Date.now() > since);
    await sessions.endOwner({ iss, sub }, 'provider');
    expect(await sessions.enter('an-id', alice, Date.now() + 60_000, since)).toBe('ended');
  });
});
