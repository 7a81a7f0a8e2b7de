import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { type Sessions, StoreError } from '../store/index.ts';
import {
  describeWithRedis,
  makeCertificates,
  type RedisOptions,
  type RedisServer,
  redisAt,
  startRedis,
  until,
} from './helpers/redis-server.ts';
import { type Network, startNetwork } from './helpers/slow-network.ts';
import {
  alice,
  hour,
  markSignIn,
  openWatched,
  read,
  save,
  secret,
  signIn,
} from './helpers/stored-sessions.ts';

/** Two seconds and less than that, with what a very busy machine adds to them. */
const patience = 5000;
const atOnce = 1500;

const cleaning: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

async function redisServer(options?: RedisOptions): Promise<RedisServer> {
  const redis = await startRedis(options);
  cleaning.push(() => redis.stop());
  return redis;
}

async function network(to: RedisServer): Promise<Network & { url: string }> {
  const made = await startNetwork(to.port);
  cleaning.push(() => made.stop());
  return Object.assign(made, { url: `redis://127.0.0.1:${made.port}` });
}

async function opened(url: string) {
  const made = await openWatched(redisAt(url));
  cleaning.push(() => made.sessions.close());
  return made;
}

/** It fails as a store fails, and soon: the error page can say so. */
async function expectAway(work: Promise<unknown>, within = patience): Promise<StoreError> {
  const start = performance.now();
  const outcome = await work.then(
    (value) => value,
    (error) => error,
  );
  expect(outcome).toBeInstanceOf(StoreError);
  expect(outcome).toMatchObject({ status: 503 });
  expect(performance.now() - start).toBeLessThan(within);
  return outcome;
}

const answers = (sessions: Sessions) => () =>
  sessions.check().then(
    () => true,
    () => false,
  );

describeWithRedis('a Redis that fails is never taken for "nobody is signed in" (R14)', () => {
  it('away at the start: the app starts, and finds it by itself when it comes', async () => {
    const redis = await redisServer();
    await redis.kill();
    const { sessions, names } = await opened(redis.url);
    await expectAway(read(sessions, 'an-id'));
    await expectAway(sessions.check());
    expect(names()).toEqual(['store.lost']);
    await redis.restart();
    await until(answers(sessions));
    expect(await signIn(sessions)).toMatchObject({ entered: 'entered' });
    expect(names()).toEqual(['store.lost', 'store.found']);
  });

  it('there at the start: who asks at once is answered', async () => {
    const redis = await redisServer();
    const { sessions, names } = await opened(redis.url);
    expect(await read(sessions, 'an-id')).toBeUndefined();
    expect(names()).toEqual([]);
  });

  it('killed: every use fails at once, with one line for all of them; restarted empty: everybody signs in anew', async () => {
    const redis = await redisServer();
    const { sessions, names, lines } = await opened(redis.url);
    const { id, session } = await signIn(sessions);
    const release = await sessions.tokens.lock(id);
    await redis.kill();
    // The lock ends by itself: the refresh that held it has succeeded all the same.
    await release?.();
    for (let count = 0; count < 30; count++) await expectAway(read(sessions, id), atOnce);
    await expectAway(save(sessions, id, { ...session, note: 'changed' }));
    await expectAway(sessions.tokens.read(id));
    await expectAway(sessions.tokens.replace(id, { access_token: 'fresh' }));
    await expectAway(sessions.tokens.lock(id));
    await expectAway(markSignIn(sessions));
    await expectAway(sessions.enter(id, alice, Date.now() + hour, 0));
    await expectAway(sessions.list(alice));
    await expectAway(sessions.end(id, 'signed-out'));
    await expectAway(sessions.endOwner({ iss: alice.iss, sub: 'alice' }, 'provider'));
    await expectAway(sessions.endAll('operator'));
    await expectAway(sessions.whyEnded(id));
    await expectAway(sessions.firstUse('a jti', 60));
    await expectAway(sessions.wasUsed('a jti'));
    expect(names()).toEqual(['store.lost']);
    expect(lines).toEqual([]);

    await redis.restart();
    await until(answers(sessions));
    expect(await read(sessions, id)).toBeUndefined();
    expect(await signIn(sessions)).toMatchObject({ entered: 'entered' });
    expect(names()).toEqual(['store.lost', 'store.found']);
  });

  it('frozen: nobody waits longer than two seconds; it recovers when it goes on', async () => {
    const redis = await redisServer();
    const { sessions, names } = await opened(redis.url);
    const { id } = await signIn(sessions);
    redis.freeze();
    await Promise.all(Array.from({ length: 20 }, () => expectAway(read(sessions, id))));
    await expectAway(read(sessions, id), atOnce);
    redis.thaw();
    await until(async () => (await read(sessions, id).catch(() => undefined)) !== undefined);
    expect(names()).toEqual(['store.lost', 'store.found']);
  });

  it('behind a network that fell silent without closing anything: a new connection takes over', async () => {
    const redis = await redisServer();
    const between = await network(redis);
    const { sessions, names } = await opened(between.url);
    const { id } = await signIn(sessions);
    between.silent = true;
    between.loseConnections();
    await expectAway(read(sessions, id));
    // New connections are accepted, and get no answer either.
    await delay(100);
    await expectAway(read(sessions, id), atOnce);
    between.silent = false;
    await until(async () => (await read(sessions, id).catch(() => undefined)) !== undefined);
    expect(names()).toEqual(['store.lost', 'store.found']);
  });

  it('slow, but in time: it is used; slower than two seconds: it is away', async () => {
    const redis = await redisServer();
    const between = await network(redis);
    between.delay = 150;
    const { sessions, names } = await opened(between.url);
    const { id } = await signIn(sessions);
    expect(await read(sessions, id)).toBeDefined();
    expect(names()).toEqual([]);
    between.delay = 6_000; // A process that stood still counts fewer ticks.
    await expectAway(read(sessions, id));
    expect(names()).toEqual(['store.lost']);
  });

  it('full: nobody new can sign in, but who is signed in stays so, and can sign out', async () => {
    const redis = await redisServer({ args: ['--maxmemory-policy', 'noeviction'] });
    const { sessions, names } = await opened(redis.url);
    const { id, session } = await signIn(sessions);
    const another = await signIn(sessions);
    await redis.run('CONFIG', 'SET', 'maxmemory', '1');
    for (const write of [() => signIn(sessions), () => save(sessions, id, { ...session, note: 'changed' })]) {
      expect(((await expectAway(write())).cause as Error).message).toMatch(/^OOM/);
    }
    expect(await read(sessions, id)).toBeDefined();
    expect(await sessions.tokens.read(id)).toBeDefined();
    expect(await sessions.list(alice)).toHaveLength(2);
    await sessions.check();
    expect(await sessions.end(id, 'signed-out')).toBe(true);
    // Not all of it can be done, so it says that it failed; but the session has ended.
    await expectAway(sessions.endOwner({ iss: alice.iss, sid: alice.sid }, 'provider'));
    expect(await read(sessions, another.id)).toBeUndefined();
    expect(names().filter((event) => event.startsWith('store'))).toEqual([]);
  });

  it('with another password: away, and the password is nowhere in what is said', async () => {
    const redis = await redisServer({ password: 'the-right-one' });
    const { sessions, names, lines, events } = await opened(
      redis.url.replace('the-right-one', 'the-wrong-one'),
    );
    const error = await expectAway(read(sessions, 'an-id'));
    expect(error.message).toContain('WRONGPASS');
    expect(`${error.stack}${JSON.stringify(events)}${lines}`).not.toContain('the-wrong');
    expect(names()).toEqual(['store.lost']);
    expect(events).toMatchObject([{ hint: 'Check user and password in REDIS_URL.' }]);
    const right = await opened(redis.url);
    await right.sessions.check();
  });

  it('become a replica (failing over): away until there is a master again', async () => {
    const redis = await redisServer();
    const { sessions, names } = await opened(redis.url);
    const { id } = await signIn(sessions);
    await redis.run('REPLICAOF', '127.0.0.1', '1');
    expect((await expectAway(read(sessions, id))).message).toContain('READONLY');
    await delay(200);
    await expectAway(read(sessions, id));
    expect(names()).toEqual(['store.lost']);
    await redis.run('REPLICAOF', 'NO', 'ONE');
    await until(answers(sessions));
    expect(await read(sessions, id)).toBeDefined();
    expect(names()).toEqual(['store.lost', 'store.found']);
  });

  it('loading its data: away until it has', async () => {
    const redis = await redisServer({ args: ['--enable-debug-command', 'yes', '--key-load-delay', '3000'] });
    const { sessions, names } = await opened(redis.url);
    const { id } = await signIn(sessions);
    await redis.run('CONFIG', 'SET', 'loading-process-events-interval-bytes', '1024');
    await redis.run('DEBUG', 'POPULATE', '300', 'ballast', '100');
    const reloaded = redis.run('DEBUG', 'RELOAD');
    await until(async () => names().length > 0 || (await answers(sessions)()) === false);
    await expectAway(read(sessions, id));
    await reloaded;
    await until(answers(sessions));
    expect(await read(sessions, id)).toBeDefined();
    expect(names()).toEqual(['store.lost', 'store.found']);
  });

  it('too old for a command: the error names no session id (R20)', async () => {
    const redis = await redisServer({ args: ['--rename-command', 'PTTL', ''] });
    const { sessions, names } = await opened(redis.url);
    const { id } = await signIn(sessions);
    const error = await expectAway(sessions.list(alice));
    expect(error.message).toContain('unknown command');
    expect(`${error.stack} ${(error.cause as Error).stack}`).not.toContain(id);
    expect(names()).toEqual([]);
  });

  it('behind TLS of a private authority: NODE_EXTRA_CA_CERTS lets it in, without it stays out', async () => {
    const certificates = await makeCertificates();
    cleaning.push(async () => certificates.remove());
    const redis = await redisServer({ tls: certificates, password: 'secret' });
    const { sessions } = await opened(redis.url);
    const error = await expectAway(sessions.check());
    expect(error.message).toContain('certificate');

    const module = new URL('../store/index.ts', import.meta.url).href;
    const program = `
      const { openSessions } = await import('${module}');
      const nothing = () => {};
      const log = { warn: nothing, info: nothing, error: nothing };
      const options = { secrets: ['${secret}'], idleSeconds: 60, maxSeconds: 60, log, audit: nothing };
      const sessions = await openSessions({ redis: { urls: ['${redis.url}'], keyPrefix: 'app:' }, ...options });
      await sessions.check();
      console.log(await sessions.firstUse('by TLS', 60));
      await sessions.close();`;
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificates.ca };
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env });
    expect((await run).stdout).toBe('true\n');
  });

  it('away when the app stops: closing does not wait for it', async () => {
    const redis = await redisServer();
    const { sessions } = await opened(redis.url);
    await signIn(sessions);
    redis.freeze();
    const pending = expectAway(read(sessions, 'an-id'));
    await sessions.close();
    await pending;
    await expectAway(read(sessions, 'an-id'), atOnce);
    redis.thaw();
  });
});
