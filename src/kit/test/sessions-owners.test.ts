import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKeys, type Sessions } from '../store/index.ts';
import { until } from './helpers/redis-server.ts';
import {
  alice,
  hour,
  markSignIn,
  read,
  type Shared,
  save,
  secret,
  sessionOf,
  signIn,
  stores,
  witness,
} from './helpers/stored-sessions.ts';

const bob = { iss: alice.iss, sub: 'bob', sid: 'provider-session-2' };

describe.each(stores)('tokens and owners kept in $store', ({ share }) => {
  let shared: Shared;
  let sessions: Sessions;
  let other: Sessions;

  beforeAll(async () => {
    shared = await share();
    sessions = await shared.open();
    other = await shared.open();
  });
  afterAll(() => shared.stop());
  beforeEach(() => sessions.endAll('operator'));

  describe('tokens', () => {
    it('stand beside the session: a page that saves it puts back no old ones (R12)', async () => {
      const { id, session } = await signIn(sessions);
      expect(await other.tokens.replace(id, { access_token: 'fresh', refresh_token: 'rotated' })).toBe(true);
      await save(sessions, id, { ...session, note: 'changed' });
      expect(await sessions.tokens.read(id)).toEqual({ access_token: 'fresh', refresh_token: 'rotated' });
    });

    it('of any size come back as they were', async () => {
      const { id } = await signIn(sessions);
      for (const size of [0, 1, 50, 5000]) {
        const tokens = { access_token: 'é'.repeat(size), expires_at: 17, dpop_key: { kty: 'EC' } };
        await sessions.tokens.replace(id, tokens);
        expect(await other.tokens.read(id)).toEqual(tokens);
      }
    });

    it('end with the session', async () => {
      const { id } = await signIn(sessions, alice, Date.now() + 900);
      await sessions.tokens.replace(id, { access_token: 'fresh' });
      await until(async () => (await sessions.tokens.read(id)) === undefined);
    });

    it('are refreshed by one at a time, over all instances (R13)', async () => {
      const { id } = await signIn(sessions);
      const tries = Array.from({ length: 20 }, (_, n) => (n % 2 ? other : sessions).tokens.lock(id));
      const held = (await Promise.all(tries)).filter((release) => release !== undefined);
      expect(held).toHaveLength(1);
      await held[0]?.();
      expect(await other.tokens.lock(id)).toBeTypeOf('function');
    });

    it('keep their lock for as long as a refresh takes, and not for ever if it never ends', async () => {
      const { id } = await signIn(sessions);
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
      try {
        const release = await sessions.tokens.lock(id);
        if (sessions.command) {
          const lock = createKeys('app:').lock(id);
          const left = async () => Number(await sessions.command?.(lock, ['PTTL', lock]));
          await until(async () => (await left()) < 14_900);
          await vi.advanceTimersByTimeAsync(5_001);
          await until(async () => (await left()) > 14_900);
        } else {
          await vi.advanceTimersByTimeAsync(40_000);
          expect(await other.tokens.lock(id)).toBeUndefined();
          await vi.advanceTimersByTimeAsync(40_000);
          expect(await other.tokens.lock(id)).toBeTypeOf('function');
        }
        await release?.();
      } finally {
        vi.useRealTimers();
      }
    });

    it('keep the lock of a later holder when an earlier one comes to release his', async () => {
      const { id } = await signIn(sessions);
      const early = await sessions.tokens.lock(id);
      await sessions.end(id, 'provider');
      const late = await other.tokens.lock(id);
      expect(late).toBeTypeOf('function');
      await early?.();
      expect(await sessions.tokens.lock(id)).toBeUndefined();
      await late?.();
    });
  });

  describe("one user's sessions (R15)", () => {
    it("are not somebody else's, whose entry stands among them: it is not shown, and goes", async () => {
      const own = await signIn(sessions);
      const foreign = await signIn(sessions, bob);
      // As somebody could who can write to Redis: entries are not sealed.
      await sessions.enter(foreign.id, alice, Date.now() + hour, await markSignIn(sessions));
      expect((await other.list(alice)).map(({ id }) => id)).toEqual([own.id]);
      await sessions.enter(foreign.id, alice, Date.now() + hour, await markSignIn(sessions));
      expect((await other.newest(alice, 10)).sessions.map(({ id }) => id)).toEqual([own.id]);
      await sessions.enter(foreign.id, alice, Date.now() + hour, await markSignIn(sessions));
      expect(await other.find(alice, (id) => id === foreign.id)).toBeUndefined();
      expect((await other.newest(alice, 10)).older).toBe(0);
      expect((await other.list(bob)).map(({ id }) => id)).toEqual([foreign.id]);
      expect(await other.tokens.read(foreign.id)).toMatchObject({ access_token: 'an access token' });
    });

    it('are listed with their idle time, without sliding it', async () => {
      const first = await signIn(sessions, alice);
      const second = await signIn(other, { ...alice, sid: 'elsewhere' });
      await signIn(sessions, bob);
      const listed = await sessions.list({ iss: alice.iss, sub: 'alice' });
      expect(listed.map(({ id }) => id).sort()).toEqual([first.id, second.id].sort());
      expect(listed[0]).toMatchObject({
        idleSecondsLeft: expect.toSatisfy((left: number) => left > 1790 && left <= 1800),
        data: { user: { sub: 'alice' } },
      });
    });

    it('end one by one, with tokens and entries', async () => {
      const { id } = await signIn(sessions);
      const kept = await signIn(sessions);
      expect(await other.end(id, 'other-device')).toBe(true);
      expect(await other.end(id, 'other-device')).toBe(false);
      expect(await sessions.tokens.read(id)).toBeUndefined();
      expect((await sessions.list(alice)).map((each) => each.id)).toEqual([kept.id]);
    });

    it('end all by sub, those of others stay', async () => {
      await signIn(sessions, alice);
      await signIn(sessions, { ...alice, sid: undefined });
      const { id } = await signIn(sessions, bob);
      const namesake = await signIn(sessions, { iss: 'https://elsewhere.example', sub: 'alice' });
      expect(await other.endOwner({ iss: alice.iss, sub: 'alice' }, 'provider')).toBe(2);
      expect(await sessions.list(alice)).toEqual([]);
      expect(await read(sessions, id)).toBeDefined();
      expect(await read(sessions, namesake.id)).toBeDefined();
    });

    it('end one by sid', async () => {
      const { id } = await signIn(sessions, alice);
      const kept = await signIn(sessions, { ...alice, sid: 'elsewhere' });
      const { iss, sub, sid } = alice;
      expect(await other.endOwner({ iss, sub, sid }, 'provider')).toBe(1);
      expect(await read(sessions, id)).toBeUndefined();
      expect(await read(sessions, kept.id)).toBeDefined();
      expect(await other.endOwner({ iss, sid: 'unknown' }, 'provider')).toBe(0);
    });

    it('end by sub and sid: those of the sid, and those of the sub that bear none', async () => {
      const { iss, sub, sid } = alice;
      const ofSid = await signIn(sessions, alice);
      const bearsNone = await signIn(sessions, { iss, sub });
      const ofAnother = await signIn(sessions, { ...alice, sid: 'elsewhere' });
      const ofBob = await signIn(sessions, { ...bob, sid: undefined });
      expect(await other.endOwner({ iss, sub, sid }, 'provider')).toBe(2);
      for (const { id } of [ofSid, bearsNone]) expect(await read(sessions, id)).toBeUndefined();
      for (const { id } of [ofAnother, ofBob]) expect(await read(sessions, id)).toBeDefined();
    });

    it.each([
      ['none', undefined, false],
      ['another', 'elsewhere', true],
    ])('end by sub and sid while a sign-in is on its way that bears %s', async (_which, sid, survives) => {
      const owner = { iss: alice.iss, sub: alice.sub, sid };
      const since = await markSignIn(sessions);
      const id = randomUUID();
      const session = sessionOf(owner);
      sessions.createOnSave(session);
      await save(sessions, id, session);
      await other.endOwner({ ...owner, sid: 'of the logout token' }, 'provider');
      expect(await sessions.enter(id, owner, Date.now() + hour, since)).toBe(survives ? 'entered' : 'ended');
    });

    it('end but for this one', async () => {
      const here = await signIn(sessions);
      await signIn(other);
      expect(await sessions.endOwner({ iss: alice.iss, sub: 'alice' }, 'other-device', here.id)).toBe(1);
      expect((await sessions.list(alice)).map(({ id }) => id)).toEqual([here.id]);
    });

    it('cannot be ended without saying whose', async () => {
      await expect(sessions.endOwner({ iss: alice.iss }, 'provider')).rejects.toThrow(TypeError);
    });

    it('all end at once, whoever they are', async () => {
      for (const owner of [alice, alice, bob]) await signIn(sessions, owner);
      expect(await other.endAll('operator')).toBe(3);
      expect(await sessions.list(alice)).toEqual([]);
      expect(await sessions.list(bob)).toEqual([]);
    });

    it.each([
      ['sub', { iss: alice.iss, sub: 'alice' }],
      ['sid', { iss: alice.iss, sid: alice.sid }],
    ])('end by %s also where a sign-in is on its way: it does not survive', async (_by, owner) => {
      const since = await markSignIn(sessions);
      const id = randomUUID();
      const session = sessionOf();
      sessions.createOnSave(session, { access_token: 'a token' });
      await save(sessions, id, session);
      expect(await other.endOwner(owner, 'provider')).toBe(0);
      expect(await sessions.enter(id, alice, Date.now() + hour, since)).toBe('ended');
      expect(await read(sessions, id)).toBeUndefined();
      expect(await sessions.tokens.read(id)).toBeUndefined();
      expect(await sessions.list(alice)).toEqual([]);
    });

    it('end all, and no sign-in on its way survives', async () => {
      const since = await markSignIn(sessions);
      await other.endAll('operator');
      expect(await sessions.enter(randomUUID(), alice, Date.now() + hour, since)).toBe('ended');
    });

    it('survive doubts about a sign-in that is on its way, and know of them', async () => {
      const before = await markSignIn(sessions);
      await other.doubtSignIns({ iss: alice.iss, sub: 'alice' });
      const enter = (owner: typeof alice, since: number) =>
        sessions.enter(randomUUID(), owner, Date.now() + hour, since);
      expect(await enter(alice, before)).toBe('doubted');
      expect(await enter(bob, before)).toBe('entered');
      expect(await enter(alice, await markSignIn(sessions))).toBe('entered');
    });

    it('begin again after an ending', async () => {
      await other.endOwner({ iss: alice.iss, sub: 'alice' }, 'provider');
      await other.endAll('operator');
      expect(await signIn(sessions)).toMatchObject({ entered: 'entered' });
    });
  });

  describe('the reason of an end', () => {
    it.each(['other-device', 'provider', 'operator', 'account'] as const)(
      '%s is told, and audited',
      async (why) => {
        const seen = witness();
        const watched = await shared.open(seen);
        const { id } = await signIn(watched);
        await watched.end(id, why);
        expect(await other.whyEnded(id)).toBe(why);
        expect(seen.events).toMatchObject([{ event: 'session.ended', reason: why, sub: 'alice' }]);
      },
    );

    it.each(['signed-out', 'replaced'] as const)('%s needs none', async (why) => {
      const { id } = await signIn(sessions);
      await sessions.end(id, why);
      expect(await sessions.whyEnded(id)).toBeUndefined();
    });

    it('is unknown for a session that never was', async () => {
      expect(await sessions.end('never-was', 'provider')).toBe(false);
      expect(await sessions.whyEnded('never-was')).toBeUndefined();
    });
  });

  describe('a session that another one of its browser replaces', () => {
    it('is gone, and each of several that replace it at once learns that nobody ended it', async () => {
      const former = await signIn(sessions);
      const tabs = [await signIn(sessions), await signIn(other), await signIn(sessions)];
      const replaced = await Promise.all(
        tabs.map(({ id }, turn) => (turn % 2 ? other : sessions).replace(former.id, id)),
      );
      expect(replaced).toEqual([true, true, true]);
      expect(await read(other, former.id)).toBeUndefined();
      expect(await sessions.tokens.read(former.id)).toBeUndefined();
      expect(await other.whyEnded(former.id)).toBe('replaced');
    });

    it('and replaced again is still no ending by somebody', async () => {
      const [first, second, third, late] = await Promise.all([1, 2, 3, 4].map(() => signIn(sessions)));
      await sessions.replace(first?.id as string, second?.id as string);
      await other.replace(second?.id as string, third?.id as string);
      expect(await sessions.replace(first?.id as string, late?.id as string)).toBe(true);
    });

    it.each(['signed-out', 'provider', 'operator', 'other-device', 'account'] as const)(
      'is no ending that somebody meant: after one by %s the next is refused',
      async (why) => {
        const [former, next] = [await signIn(sessions), await signIn(sessions)];
        await other.end(former.id, why);
        expect(await sessions.replace(former.id, next.id)).toBe(false);
      },
    );

    it.each(['signed-out', 'provider', 'operator', 'other-device'] as const)(
      'passes an ending of its successor on: %s',
      async (why) => {
        const [former, next, late] = [await signIn(sessions), await signIn(sessions), await signIn(sessions)];
        await sessions.replace(former.id, next.id);
        await other.end(next.id, why);
        expect(await sessions.replace(former.id, late.id)).toBe(false);
      },
    );

    it('is audited as no ending', async () => {
      const seen = witness();
      const watched = await shared.open(seen);
      const [former, next] = [await signIn(watched), await signIn(watched)];
      await watched.replace(former.id, next.id);
      expect(seen.events).toEqual([]);
    });
  });

  it('a name is used for the first time once, over all instances', async () => {
    const name = `jti ${randomUUID()}`;
    expect(await other.wasUsed(name)).toBe(false);
    expect(await sessions.firstUse(name, 1)).toBe(true);
    expect(await other.wasUsed(name)).toBe(true);
    expect(await other.firstUse(name, 1)).toBe(false);
    expect(await other.firstUse(`${name}'`, 1)).toBe(true);
    await until(() => sessions.firstUse(name, 1));
  });

  describe('a new SESSION_SECRET, the old one being SESSION_SECRET_PREVIOUS (R11)', () => {
    const newer = 'another secret of thirty-two chars';

    it('signs nobody out, and their sessions can be listed and ended', async () => {
      const { id } = await signIn(sessions);
      const changed = await shared.open({ secrets: [newer, secret] });
      expect(await read(changed, id)).toMatchObject({ user: { sub: 'alice' } });
      expect(await changed.tokens.read(id)).toMatchObject({ access_token: 'an access token' });
      expect(await changed.list(alice)).toHaveLength(1);
      expect(await changed.endOwner({ iss: alice.iss, sid: alice.sid }, 'provider')).toBe(1);
      expect(await sessions.list(alice)).toEqual([]);
    });

    it('stops a sign-in on its way at an instance that still has only the old one', async () => {
      const changed = await shared.open({ secrets: [newer, secret] });
      const since = await markSignIn(sessions);
      await changed.endOwner({ iss: alice.iss, sub: 'alice' }, 'provider');
      expect(await sessions.enter(randomUUID(), alice, Date.now() + hour, since)).toBe('ended');
    });

    it('without the old one, nothing opens: no session, a line in the log, no crash', async () => {
      const { id } = await signIn(sessions);
      const seen = witness();
      const stranger = await shared.open({ ...seen, secrets: [newer] });
      expect(await read(stranger, id)).toBeUndefined();
      expect(await stranger.tokens.read(id)).toBeUndefined();
      expect(seen.lines).toHaveLength(2);
      expect(seen.lines.join()).not.toContain(id);
      expect(await read(sessions, id)).toBeDefined();
    });
  });
});
