import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import session from 'express-session';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Sessions } from '../store/index.ts';
import { until } from './helpers/redis-server.ts';
import {
  alice,
  hour,
  read,
  type Shared,
  type SignedIn,
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

  it('are counted, as they were a moment ago', async () => {
    await Promise.all([signIn(sessions, alice), signIn(sessions, bob), signIn(other, bob)]);
    await until(async () => (await sessions.count()) === 3 && (await other.count()) === 3);
    await sessions.endOwner(bob, 'operator');
    await until(async () => (await sessions.count()) === 1 && (await other.count()) === 1);
    if (!shared.redis) return;
    const ends = await Promise.all(
      ['app:count', 'app:counting'].map((key) => shared.redis?.run('PTTL', key)),
    );
    for (const end of ends) expect(end).not.toBe(-1);
  });

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
      await save(sessions, id, Object.assign(session, { note: 'changed' }));
      expect(await read(sessions, id)).toBeUndefined();
    });

    it('never replaces another of the same id', async () => {
      const { id } = await signIn(sessions, alice);
      const second = sessionOf(bob);
      sessions.createOnSave(second);
      await expect(save(sessions, id, second)).rejects.toThrow('exists already');
      expect((await read(sessions, id))?.user?.sub).toBe('alice');
    });

    it('needs an absolute end to be admitted (R9)', async () => {
      const endless = { cookie: { originalMaxAge: null } } as const;
      sessions.createOnSave(endless);
      await expect(save(sessions, randomUUID(), endless)).rejects.toThrow('expiresAt');
      const tooLong = sessionOf(alice, Date.now() + 9 * hour);
      sessions.createOnSave(tooLong);
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
      const { id } = await signIn(idle);
      await until(async () => (await idleLeft(idle)) === 2);
      // With a `touch`, express-session would call it at the end of each answer, and send that in two pieces.
      expect(idle.store.touch).toBeUndefined();
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

    it('are not moved by a save that says another one, or none', async () => {
      const { id, session } = await signIn(sessions);
      const end = session.user?.expiresAt;
      for (const user of [{ ...alice, expiresAt: Date.now() + 100 * hour }, { ...alice }, undefined]) {
        await save(sessions, id, { ...session, user, note: `${user}` } as typeof session);
        expect((await read(other, id))?.user?.expiresAt).toBe(end);
      }
    });
  });

  describe('who is signed in with it (R12)', () => {
    const { sub, iss, sid } = alice;
    const withRoles = (expiresAt: number, ...roles: string[]) => ({ iss, sub, sid, expiresAt, roles });
    const reread = async (id: string) => (await read(other, id)) as unknown as Record<string, unknown>;

    it.each([
      ['another user', { user: { ...bob, expiresAt: Date.now() + hour } }],
      ['more roles', { user: { ...alice, expiresAt: Date.now() + hour, roles: ['admin'] } }],
      ['nobody', { user: undefined }],
      ['no object', { user: 'mallory' }],
    ])('is not changed by a page that saves %s', async (_what, changed) => {
      const { id, session } = await signIn(sessions);
      await save(sessions, id, { ...session, ...changed, note: 'kept' } as typeof session);
      expect(await reread(id)).toEqual({ ...session, note: 'kept' });
    });

    it('is changed by an update, which leaves what pages keep and the idle end as they are', async () => {
      const idle = await shared.open({ idleSeconds: 3 });
      const { id, session } = await signIn(idle);
      await save(idle, id, { ...session, note: 'kept' });
      await until(async () => (await idle.list(alice))[0]?.idleSecondsLeft === 2);
      const user = withRoles(session.user?.expiresAt ?? 0, 'admin', 'a role with a much longer name');
      expect(await other.updateUser(id, () => user as never)).toMatchObject({ user, changed: true });
      expect((await idle.list(alice))[0]?.idleSecondsLeft).toBeLessThan(3);
      expect(await reread(id)).toMatchObject({ user, note: 'kept' });
      const fewer = withRoles(user.expiresAt);
      expect(await sessions.updateUser(id, () => fewer as never)).toMatchObject({ changed: true });
      expect(await reread(id)).toMatchObject({ user: fewer, note: 'kept' });
    });

    it('stays as updated when a page that read it before saves late, on another instance', async () => {
      const { id } = await signIn(sessions);
      const early = (await read(other, id)) as SignedIn;
      const user = withRoles(early.user?.expiresAt ?? 0);
      await sessions.updateUser(id, () => user as never);
      await save(other, id, Object.assign(early, { note: 'written late' }));
      expect(await reread(id)).toMatchObject({ user, note: 'written late' });
      await save(other, id, Object.assign(early, { note: undefined }));
      expect(await reread(id)).toEqual({ cookie: { originalMaxAge: null }, user });
    });

    it('is left as it is where a change wants nothing', async () => {
      const { id, session } = await signIn(sessions);
      const { user } = session;
      expect(await other.updateUser(id, () => undefined)).toEqual({ user, changed: false });
      expect(await reread(id)).toEqual(session);
    });

    it('gets each of the changes that are made at once, on two instances', async () => {
      const { id } = await signIn(sessions);
      const count = (each: Sessions) =>
        each.updateUser(id, (user) => ({ ...user, signedInAt: (user.signedInAt ?? 0) + 1 }));
      await Promise.all(Array.from({ length: 12 }, (_, index) => count(index % 2 ? sessions : other)));
      expect(await reread(id)).toMatchObject({ user: { signedInAt: 12 } });
    });

    it('is not written back once the session has ended (R10)', async () => {
      const { id, session } = await signIn(sessions);
      await other.end(id, 'operator');
      const user = withRoles(session.user?.expiresAt ?? 0);
      expect(await sessions.updateUser(id, () => user as never)).toBeUndefined();
      expect(await sessions.updateUser('a-session-that-never-was', () => user as never)).toBeUndefined();
      expect([await read(sessions, id), await sessions.list(alice)]).toEqual([undefined, []]);
    });

    it('is the same person until the same end, whatever an update says', async () => {
      const { id, session } = await signIn(sessions);
      const user = { ...alice, expiresAt: session.user?.expiresAt ?? 0 };
      for (const change of [{ sub: 'bob' }, { iss: 'https://other' }, { sid: 'x' }, { expiresAt: 1e15 }]) {
        const name = Object.keys(change)[0] ?? '';
        const changed = { ...user, ...change } as never;
        await expect(sessions.updateUser(id, () => changed)).rejects.toThrow(`the ${name} of`);
      }
      expect(await reread(id)).toEqual(session);
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
        store.createOnSave(req.session);
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

  it('answers a check', () => sessions.check());
});
