import { describe, expect, it } from 'vitest';
import { createSessions } from '../store/create-sessions.ts';
import { createKeys, type Sessions } from '../store/index.ts';
import { createMemoryRecords } from '../store/memory.ts';
import type { Records } from '../store/records.ts';
import { until } from './helpers/redis-server.ts';
import { alice, read, secret, signIn, witness } from './helpers/stored-sessions.ts';

const keys = createKeys('app:');

/**
 * Two instances on one store, and every way in which one's work can fall between two commands of the other:
 * the work of `second` runs as a whole just before the n-th command of `first`, for each n there is.
 * Somebody is signed in already.
 */
async function everyInterleaving(
  first: (sessions: Sessions) => Promise<unknown>,
  second: (sessions: Sessions) => Promise<unknown>,
  holds: (outcome: { first: unknown; second: unknown; sessions: Sessions; at: number }) => Promise<void>,
) {
  for (let at = 1; ; at++) {
    const records = createMemoryRecords(witness().log);
    const options = { secrets: [secret], idleSeconds: 60, maxSeconds: 28_800, ...witness() };
    const sessions = createSessions(records, keys, options);
    await signIn(sessions);
    let count = 0;
    let between: unknown;
    const due = async () => {
      if (++count === at) between = await second(sessions);
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
    const outcome = await first(createSessions(interrupted, keys, options));
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
  it('does not survive, wherever the ending falls', async () => {
    await everyInterleaving(signIn, end, async ({ first, sessions, at }) => {
      const { id } = first as Awaited<ReturnType<typeof signIn>>;
      // Before its first command the sign-in has not begun: that one is not meant.
      if (at === 1) return expect(await read(sessions, id)).toBeDefined();
      expect(await read(sessions, id), `command ${at}`).toBeUndefined();
      expect(await sessions.tokens.read(id), `command ${at}`).toBeUndefined();
      expect(
        (await sessions.list(alice)).map((each) => each.id),
        `command ${at}`,
      ).not.toContain(id);
    });
  });

  it('either does not survive or began after it, wherever the sign-in falls', async () => {
    await everyInterleaving(end, signIn, async ({ second, sessions }) => {
      const { id, entered } = second as Awaited<ReturnType<typeof signIn>>;
      const alive = (await read(sessions, id)) !== undefined;
      const listed = (await sessions.list(alice)).length;
      // The session that was there before is gone in any case.
      const tokens = (await sessions.tokens.read(id)) !== undefined;
      // All of it or nothing of it: no session that cannot be found, no tokens without a session.
      expect({ listed, tokens }).toEqual({ listed: alive ? 1 : 0, tokens: alive });
      if (alive) expect(entered).toBe(true);
    });
  });
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
    expect(await signIn(sessions)).toMatchObject({ entered: true });
  });

  it('still ends a sign-in that began before an ending', async () => {
    const { records, sessions } = await open();
    await sessions.endAll('operator');
    const since = await sessions.markSignIn();
    await records.del(keys.order);
    await until(() => Date.now() > since);
    await sessions.endOwner({ iss, sub }, 'provider');
    expect(await sessions.enter('an-id', alice, Date.now() + 60_000, since)).toBe(false);
  });
});
