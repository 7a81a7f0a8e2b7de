import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import { requireAuth } from '../guard/require-auth.ts';
import { endSessions, recheck } from '../session/by-owner.ts';
import { getUser } from '../session/user-session.ts';
import { StoreError } from '../store/index.ts';
import type { TestApp } from './helpers/app.ts';
import { createHook } from './helpers/asked.ts';
import { type Browser, createBrowser } from './helpers/browser.ts';
import {
  copyOf,
  createGate,
  type Instances,
  recordsIn,
  startInstances,
  textOf,
} from './helpers/instances.ts';
import { describeWithRedis } from './helpers/redis-server.ts';

// Rechecks of sessions that two instances share (R10, R12, R13, R14).

describeWithRedis('a recheck over two instances', () => {
  const hook = createHook();
  const page = createGate();
  const claims: Record<string, unknown> = { name: 'Alice Adams', roles: ['admin'] };
  let storeFails: 'updates' | 'locks' | undefined;
  /** What the second instance has done to users. */
  let updates = 0;
  let instances: Instances;
  let browser: Browser;

  beforeAll(async () => {
    instances = await startInstances({
      accounts: [{ sub: 'alice', purpose: '', claims }],
      parts: {
        signIn: hook.signIn,
        routes: (router) => {
          router.get('/who', (req, res) => {
            const { roles, member } = getUser(req) ?? {};
            res.json({ roles, member, note: (req.session as { note?: string }).note });
          });
        },
      },
      routes: {
        mount: (app) =>
          app.get('/late', requireAuth(), async (req, res) => {
            const session = req.session as { note?: string };
            await page.pass();
            session.note = 'written late';
            res.json(getUser(req)?.roles);
          }),
        wrap: (sessions) => ({
          ...sessions,
          updateUser: async (id, change) => {
            if (storeFails === 'updates') throw new StoreError('away');
            return sessions.updateUser(id, change).finally(() => updates++);
          },
          tokens: {
            ...sessions.tokens,
            lock: async (id) => {
              if (storeFails === 'locks') throw new StoreError('away');
              return sessions.tokens.lock(id);
            },
          },
        }),
      },
    });
  });
  afterAll(() => instances?.stop());

  beforeEach(async () => {
    await instances.redis.run('FLUSHALL');
    storeFails = undefined;
    Object.assign(claims, { roles: ['admin'] });
    hook.now(() => ({}));
    ({ browser } = await instances.signIn('alice'));
    hook.asked.length = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const owner = () => ({ iss: instances.provider.issuer, sub: 'alice' });
  const tokenCalls = () => instances.provider.requests.filter((line) => line === 'POST /token').length;
  const ask = (at: TestApp) => browser.get(at.url('/who'), { follow: false });
  const sessionId = async () => ((await instances.two.sessions.list(owner()))[0]?.id ?? '') as string;

  test('is made once, however many requests ask both at once, and all of them see what it says', async () => {
    const { one, two } = instances;
    Object.assign(claims, { roles: ['auditor'] });
    hook.now(({ roles }) => ({ roles: [...roles, 'new'], member: 7 }));
    const before = tokenCalls();
    await recheck(owner());
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(at % 2 ? one : two)));
    for (const { status, body } of answers) {
      expect([status, JSON.parse(body)]).toEqual([200, { roles: ['auditor', 'new'], member: 7 }]);
    }
    expect([tokenCalls() - before, hook.asked.length]).toEqual([1, 1]);
    const changed = [one, two].flatMap((each) => each.events('claims.changed'));
    expect(changed).toMatchObject([{ added: ['auditor', 'new'], removed: ['admin'] }]);
  });

  test('is shared by the requests of one instance: the store hears of it twice', async () => {
    await recheck(owner());
    updates = 0;
    await Promise.all(Array.from({ length: 20 }, () => ask(instances.two)));
    expect(updates).toBe(2);
  });

  test('that was asked for later counts, not the one that was under way then, also in one millisecond', async () => {
    const { one, two } = instances;
    vi.useFakeTimers({ toFake: ['Date'] });
    const says = [Promise.withResolvers<string>(), Promise.withResolvers<string>()] as const;
    const reached = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    let calls = 0;
    hook.now(async () => {
      const call = calls++ as 0 | 1;
      reached[call].resolve();
      return { member: await says[call].promise };
    });
    await recheck(owner());
    const first = ask(two);
    await reached[0].promise;
    await recheck(owner());
    const second = ask(one);
    await reached[1].promise;
    updates = 0;
    says[0].resolve('asked too early');
    await expect.poll(() => updates).toBeGreaterThan(0);
    const stored = (await two.sessions.list(owner()))[0]?.data.user;
    expect(stored?.member).toBeUndefined();
    says[1].resolve('asked later');
    for (const { body } of await Promise.all([first, second])) {
      expect(JSON.parse(body).member).toBe('asked later');
    }
  });

  test('that refuses ends the session at both, and the other one says why', async () => {
    const { one, two } = instances;
    const { reached, goOn } = hook.hold(() => {
      throw refuse('No more.');
    });
    await recheck(owner());
    const other = copyOf(browser);
    const first = ask(one);
    await reached;
    const second = other.get(two.url('/who'), { follow: false });
    goOn();
    expect((await first).status).toBe(403);
    const { status, location } = await second;
    expect([status, location]).toEqual([302, two.url('/signed-out?returnTo=%2Fwho')]);
    expect(await recordsIn(instances.redis)).toEqual([]);
    const ended = [one, two].flatMap((each) => each.events('session.ended'));
    expect(ended.at(-1)).toMatchObject({ reason: 'not_admitted', sub: 'alice' });
    expect(textOf(await other.get(location ?? ''))).toContain("isn't allowed to use this app");
  });

  test('is not undone by a page of the other instance that read the session before and writes it late (R12)', async () => {
    const { one, two } = instances;
    const { arrived } = page.close();
    const late = browser.get(two.url('/late'));
    await arrived;
    hook.now(() => ({ roles: ['new'], member: 2 }));
    await recheck(owner());
    expect(JSON.parse((await ask(one)).body).roles).toEqual(['new']);
    page.open();
    expect(JSON.parse((await late).body)).toEqual(['admin']);
    for (const each of [one, two]) {
      expect(JSON.parse((await ask(each)).body)).toEqual({ roles: ['new'], member: 2, note: 'written late' });
    }
  });

  test('puts nothing back where the session is ended meanwhile, at the other one (R10)', async () => {
    const { one, two } = instances;
    const { reached, goOn } = hook.hold(() => ({ roles: ['admin'] }));
    await recheck(owner());
    const asked = ask(one);
    await reached;
    expect(await two.sessions.endOwner(owner(), 'operator')).toBe(1);
    goOn();
    expect((await asked).location).toMatch('/signed-out');
    expect(await recordsIn(instances.redis)).toEqual([]);
    expect((await browser.get(two.url('/auth/session'))).status).toBe(401);
  });

  test('that an instance has begun and never ended holds nobody up for longer than 3 seconds', async () => {
    const id = await sessionId();
    const beganAt = Date.now();
    await instances.two.sessions.updateUser(id, (user) => ({
      ...user,
      recheck: { beganAt, dueAt: beganAt + 60_000 },
    }));
    expect((await ask(instances.one)).status).toBe(200);
    expect(Date.now() - beganAt).toBeGreaterThan(2_900);
    const then = performance.now();
    expect((await ask(instances.two)).status).toBe(200);
    expect(performance.now() - then).toBeLessThan(1_000);
    expect(hook.asked).toEqual([]);
  }, 20_000);

  test('that an instance whose clock is an hour ahead has begun holds nobody up', async () => {
    const beganAt = Date.now() + 3_600_000;
    await instances.two.sessions.updateUser(await sessionId(), (user) => ({
      ...user,
      recheck: { beganAt, dueAt: beganAt + 60_000 },
    }));
    const then = performance.now();
    expect((await ask(instances.one)).status).toBe(200);
    expect(performance.now() - then).toBeLessThan(1_000);
  });

  test('is a 503 where the store does not take it, and works when it does again (R14)', async () => {
    const { two } = instances;
    await recheck(owner());
    for (const what of ['updates', 'locks'] as const) {
      storeFails = what;
      const answer = await ask(two);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
      expect((await browser.get(two.url('/'))).status).toBe(200);
      expect(hook.asked).toEqual([]);
    }
    storeFails = undefined;
    await recheck(owner());
    hook.now(() => ({ member: 'healed' }));
    expect(JSON.parse((await ask(two)).body).member).toBe('healed');
  });

  test('costs a page nothing while it is not due: one command, as ever (R9)', async () => {
    const commands = await instances.redis.monitor(async () => {
      for (let count = 0; count < 5; count++) await browser.get(instances.one.url('/profile'));
    });
    expect(commands).toEqual(Array(5).fill(expect.stringMatching(/^"GETEX" "app:session:/)));
    expect(hook.asked).toEqual([]);
  });

  test('of a new person who comes in at both at once: both are asked about, and both land', async () => {
    const { one, two, provider } = instances;
    const both = Promise.withResolvers<void>();
    hook.now(async () => {
      if (hook.asked.length === 2) both.resolve();
      await both.promise;
      return { member: 'made' };
    });
    const landed = [one, two].map(async (at) => {
      const own = createBrowser();
      const sent = await own.get(at.url('/auth/login?returnTo=/who'), { follow: false });
      const callback = await provider.signIn(own, sent.location ?? '', 'alice');
      const page = await own.get(callback.replace(one.origin, at.origin), { follow: false });
      expect(page.status).toBe(303);
      return JSON.parse((await own.get(at.url('/who'))).body).member;
    });
    expect(await Promise.all(landed)).toEqual(['made', 'made']);
    expect(await endSessions(owner())).toBe(3);
  });
});
