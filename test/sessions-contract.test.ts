import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import session, { type SessionData } from 'express-session';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Sessions } from '../src/sessions/index.ts';
import { until } from './helpers/redis-server.ts';
import {
  alice,
  hour,
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

describe.each(stores)('sessions kept in $store', ({ share }) => {
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

  describe('a session', () => {
    it('is read by every instance as it was saved', async () => {
      const { id } = await signIn(sessions);
      expect(await read(other, id)).toMatchObject({ user: { iss: alice.iss, sub: 'alice' } });
    });

    it('is made only by a sign-in: an id the server did not issue is never adopted (R5)', async () => {
      await save(sessions, 'an-id-from-a-stranger', sessionOf());
      expect(await read(sessions, 'an-id-from-a-stranger')).toBeUndefined();
    });

    it('is created by one save of what was admitted, not by a later one', async () => {
      const { id, session } = await signIn(sessions);
      await sessions.end(id, 'signed-out');
      await save(sessions, id, session);
      expect(await read(sessions, id)).toBeUndefined();
    });

    it('never replaces another of the same id', async () => {
      const { id } = await signIn(sessions, alice);
      const second = sessionOf(bob);
      sessions.admit(second);
      await expect(save(sessions, id, second)).rejects.toThrow('exists already');
      expect((await read(sessions, id))?.user?.sub).toBe('alice');
    });

    it('needs an absolute end to be admitted (R9)', async () => {
      const endless = { cookie: { originalMaxAge: null } } as const;
      sessions.admit(endless);
      await expect(save(sessions, randomUUID(), endless)).rejects.toThrow('expiresAt');
      const tooLong = sessionOf(alice, Date.now() + 9 * hour);
      sessions.admit(tooLong);
      await expect(save(sessions, randomUUID(), tooLong)).rejects.toThrow('expiresAt');
    });

    it('has an id of at most 128 characters, longer ones are unknown', async () => {
      expect(await read(sessions, 'x'.repeat(129))).toBeUndefined();
      expect(await sessions.end('x'.repeat(129), 'provider')).toBe(false);
      expect(await sessions.whyEnded('x'.repeat(129))).toBeUndefined();
    });
  });

  describe('its ends (R9)', () => {
    const idleLeft = async (from: Sessions) => (await from.list(alice))[0]?.idleSecondsLeft;

    it('come after so many seconds without a request, and tokens cannot be used then', async () => {
      const idle = await shared.open({ idleSeconds: 1 });
      const { id } = await signIn(idle);
      await until(async () => (await idle.list(alice)).length === 0);
      expect(await read(idle, id)).toBeUndefined();
      expect(await sessions.tokens.read(id)).toBeUndefined();
    });

    it('move with each reading, and only with reading', async () => {
      const idle = await shared.open({ idleSeconds: 3 });
      const { id, session } = await signIn(idle);
      await until(async () => (await idleLeft(idle)) === 2);
      await new Promise((done) =>
        idle.store.touch?.(id, session as unknown as SessionData, () => done(undefined)),
      );
      expect(await idleLeft(idle)).toBe(2);
      await read(idle, id);
      expect(await idleLeft(idle)).toBe(3);
    });

    it('come at the absolute end however busy the session is, and it says why', async () => {
      const seen = witness();
      const watched = await shared.open(seen);
      const { id } = await signIn(watched, alice, Date.now() + 300);
      await until(async () => (await read(watched, id)) === undefined);
      expect(await watched.whyEnded(id)).toBe('expired');
      expect(seen.events).toMatchObject([{ event: 'session.ended', reason: 'expired', session: id }]);
      expect(await watched.list(alice)).toEqual([]);
    });

    it('are not moved by a save that changes the absolute end into the past', async () => {
      const { id, session } = await signIn(sessions);
      await save(sessions, id, { ...session, ...sessionOf(alice, Date.now() - 1) });
      expect(await read(other, id)).toBeUndefined();
    });

    it('have come for a session that says none', async () => {
      const { id } = await signIn(sessions);
      await save(sessions, id, { cookie: { originalMaxAge: null } });
      expect(await read(sessions, id)).toBeUndefined();
    });
  });

  describe('a session that was ended stays ended (R10)', () => {
    async function serve(app: Express) {
      const server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
    }

    function instance(store: Sessions, slow?: { reached(): void; wait: Promise<void> }) {
      const app = express();
      const genid = () => randomUUID();
      app.use(session({ store: store.store, secret, genid, resave: false, saveUninitialized: false }));
      app.get('/in', async (req, res) => {
        Object.assign(req.session, sessionOf());
        store.admit(req.session);
        req.session.save(() => res.send(req.sessionID));
      });
      app.get('/slow', async (req, res) => {
        slow?.reached();
        await slow?.wait;
        Object.assign(req.session, { note: 'written late' });
        res.send('done');
      });
      app.get('/who', (req, res) => {
        res.send((req.session as { user?: { sub: string } }).user?.sub ?? 'nobody');
      });
      return app;
    }

    it('by a slow request of another instance that saves it afterwards', async () => {
      const reached = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      const one = await serve(instance(sessions));
      const two = await serve(instance(other, { reached: reached.resolve, wait: goOn.promise }));
      const signedIn = await fetch(`${one.url}/in`);
      const headers = { cookie: signedIn.headers.get('set-cookie')?.split(';')[0] ?? '' };
      const id = await signedIn.text();
      expect(await (await fetch(`${two.url}/who`, { headers })).text()).toBe('alice');

      const slow = fetch(`${two.url}/slow`, { headers });
      await reached.promise;
      expect(await sessions.end(id, 'signed-out')).toBe(true);
      goOn.resolve();
      expect((await slow).status).toBe(200);

      expect(await (await fetch(`${one.url}/who`, { headers })).text()).toBe('nobody');
      expect(await (await fetch(`${two.url}/who`, { headers })).text()).toBe('nobody');
      one.server.close();
      two.server.close();
    });

    it('by a refresh that comes back afterwards', async () => {
      const { id } = await signIn(sessions);
      await other.end(id, 'provider');
      expect(await sessions.tokens.replace(id, { access_token: 'a new one' })).toBe(false);
      expect(await sessions.tokens.read(id)).toBeUndefined();
    });

    it('once: of several who end it, one is told that it did', async () => {
      const { id } = await signIn(sessions);
      const ends = [sessions, other, sessions, other].map((each) => each.end(id, 'provider'));
      expect((await Promise.all(ends)).filter(Boolean)).toHaveLength(1);
    });

    it('by destroying it, as express-session does', async () => {
      const { id } = await signIn(sessions);
      await new Promise((done) => sessions.store.destroy(id, done));
      expect(await read(other, id)).toBeUndefined();
      expect(await sessions.tokens.read(id)).toBeUndefined();
      expect(await sessions.list(alice)).toEqual([]);
    });
  });

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

    it('end with the session, and are not made for one that has ended', async () => {
      const { id } = await signIn(sessions, alice, Date.now() + 900);
      await sessions.tokens.replace(id, { access_token: 'fresh' });
      await until(async () => (await sessions.tokens.read(id)) === undefined);
      await sessions.tokens.create(id, { access_token: 'late' }, Date.now() - 1);
      expect(await sessions.tokens.read(id)).toBeUndefined();
    });

    it('are refreshed by one at a time, over all instances (R13)', async () => {
      const { id } = await signIn(sessions);
      const tries = Array.from({ length: 20 }, (_, n) => (n % 2 ? other : sessions).tokens.lock(id));
      const held = (await Promise.all(tries)).filter((release) => release !== undefined);
      expect(held).toHaveLength(1);
      await held[0]?.();
      expect(await other.tokens.lock(id)).toBeTypeOf('function');
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
    it('are listed with their idle time, without sliding it', async () => {
      const first = await signIn(sessions, alice);
      const second = await signIn(other, { ...alice, sid: 'elsewhere' });
      await signIn(sessions, bob);
      const listed = await sessions.list({ iss: alice.iss, sub: 'alice' });
      expect(listed.map(({ id }) => id).sort()).toEqual([first.id, second.id].sort());
      expect(listed[0]).toMatchObject({ idleSecondsLeft: 1800, data: { user: { sub: 'alice' } } });
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
      const since = await sessions.markSignIn();
      const id = randomUUID();
      const session = sessionOf();
      sessions.admit(session);
      await save(sessions, id, session);
      await sessions.tokens.create(id, { access_token: 'a token' }, Date.now() + hour);
      expect(await other.endOwner(owner, 'provider')).toBe(0);
      expect(await sessions.enter(id, alice, Date.now() + hour, since)).toBe(false);
      expect(await read(sessions, id)).toBeUndefined();
      expect(await sessions.tokens.read(id)).toBeUndefined();
      expect(await sessions.list(alice)).toEqual([]);
    });

    it('end all, and no sign-in on its way survives', async () => {
      const since = await sessions.markSignIn();
      await other.endAll('operator');
      expect(await sessions.enter(randomUUID(), alice, Date.now() + hour, since)).toBe(false);
    });

    it('begin again after an ending', async () => {
      await other.endOwner({ iss: alice.iss, sub: 'alice' }, 'provider');
      await other.endAll('operator');
      expect(await signIn(sessions)).toMatchObject({ entered: true });
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

  it('a name is used for the first time once, over all instances', async () => {
    const name = `jti ${randomUUID()}`;
    expect(await sessions.firstUse(name, 1)).toBe(true);
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
      const since = await sessions.markSignIn();
      await changed.endOwner({ iss: alice.iss, sub: 'alice' }, 'provider');
      expect(await sessions.enter(randomUUID(), alice, Date.now() + hour, since)).toBe(false);
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

  it('answers a check', () => sessions.check());
});
