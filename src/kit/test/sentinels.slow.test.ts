import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Config, RedisConfig } from '../config/index.ts';
import { checkRedis } from '../doctor/redis.ts';
import { slotOf } from '../store/cluster-slot.ts';
import { StoreError } from '../store/index.ts';
import { primaryName, redisUser, startWatched, type Watched } from './helpers/redis-sentinels.ts';
import { describeWithRedis, makeCertificates, startRedis, until } from './helpers/redis-server.ts';
import { alice, markSignIn, openWatched, read, save, secret, signIn } from './helpers/stored-sessions.ts';
import { type Says, startStubSentinel } from './helpers/stub-sentinel.ts';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 30_000 });

const cleaning: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

async function opened(redis: RedisConfig) {
  const made = await openWatched(redis);
  cleaning.push(() => made.sessions.close());
  return made;
}

async function stub(says: Says) {
  const made = await startStubSentinel(says);
  cleaning.push(() => made.stop());
  return made;
}

/** What the log says of a Redis that cannot be used, and what the caller gets. */
async function lost(redis: RedisConfig) {
  const { sessions, events } = await opened(redis);
  const error: Error = await sessions.check().then(
    () => expect.unreachable('it is used'),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(StoreError);
  const [event] = events as { event: string; reason?: string; hint?: string }[];
  expect(event?.event).toBe('store.lost');
  expect(`${error.stack}${JSON.stringify(events)}`).not.toMatch(/the-password|a-wrong-one/);
  return { reason: event?.reason ?? '', hint: event?.hint ?? '', message: error.message };
}

describeWithRedis('the primary that three Sentinels watch over', () => {
  let watched: Watched;
  beforeAll(async () => {
    watched = await startWatched({ replicas: 2 });
  });
  afterAll(() => watched?.stop());

  const withSentinel = (changes: object): RedisConfig => ({
    ...watched.config,
    sentinel: { ...(watched.config.sentinel as NonNullable<RedisConfig['sentinel']>), ...changes },
  });
  const withUrls = (...urls: string[]): RedisConfig => ({ ...watched.config, urls });
  const login = `${redisUser.username}:${redisUser.password}@`;
  const asUser = (url: string) => url.replace('//', `//${login}`);

  it('keeps all rules: read, save, refresh, list, end', async () => {
    const { sessions, names, lines } = await opened(watched.config);
    const { id, entered, session } = await signIn(sessions);
    expect(entered).toBe('entered');
    await save(sessions, id, { ...session, note: 'saved again' });
    expect(await read(sessions, id)).toMatchObject({ note: 'saved again' });
    expect(await sessions.tokens.replace(id, { access_token: 'fresh' })).toBe(true);
    expect(await sessions.list(alice)).toHaveLength(1);
    expect(await sessions.endOwner({ iss: alice.iss, sid: alice.sid }, 'provider')).toBe(1);
    expect(await sessions.whyEnded(id)).toBe('provider');
    expect(await sessions.command?.(undefined, ['PING'])).toBe('PONG');
    expect(names()).toEqual(['session.ended']);
    expect(lines).toEqual([]);
  });

  it('satisfies the doctor, with a user that has the rights of docs/reference.md and no other', async () => {
    const session = { secrets: [secret], idleMinutes: 30, maxHours: 8 };
    const findings = await checkRedis({ redis: watched.config, session } as unknown as Config);
    expect(findings.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(findings[0]?.text).toContain(primaryName);
  });

  it('costs a page one command, as without Sentinels; only an ending waits for the replicas', async () => {
    const { sessions } = await opened(watched.config);
    const { id } = await signIn(sessions);
    const [primary] = watched.servers;
    const commands = await primary.monitor(() => read(sessions, id));
    const ours = (all: string[]) => all.filter((text) => !/"(PING|INFO|REPLCONF|PUBLISH|ROLE)"/i.test(text));
    expect(ours(commands)).toEqual([`"GETEX" "app:session:{${id}}" "EX" "1800"`]);
    const ending = await primary.monitor(() => sessions.end(id, 'provider'));
    expect(ending.filter((text) => text.startsWith('"WAIT"'))).toEqual(['"WAIT" "2" "500"']);
  });

  it('is waited for in one go, however many sessions end at once', async () => {
    const { sessions } = await opened(watched.config);
    for (let count = 0; count < 40; count++) await signIn(sessions);
    const commands = await watched.servers[0].monitor(() =>
      sessions.endOwner({ iss: alice.iss, sid: alice.sid }, 'provider'),
    );
    const waits = commands.filter((text) => text.startsWith('"WAIT"')).length;
    expect(waits).toBeGreaterThan(0);
    expect(waits).toBeLessThanOrEqual(5);
  });

  it('is found at once when the first Sentinel is silent and the second is gone', async () => {
    const silent = await stub('nothing');
    const [, , third] = watched.config.urls as [string, string, string];
    const start = performance.now();
    const { sessions, names } = await opened(withUrls(asUser(silent.url), 'redis://127.0.0.1:1', third));
    await sessions.check();
    expect(performance.now() - start).toBeLessThan(1000);
    expect(names()).toEqual([]);
  });

  it('is found when one Sentinel of three names a replica', async () => {
    const liar = await stub({ port: watched.servers[1].port });
    const [one, two] = watched.config.urls as [string, string];
    const { sessions, names } = await opened(withUrls(asUser(liar.url), one, two));
    await sessions.check();
    expect(names()).toEqual([]);
  });

  it('is found when the one Sentinel that others do not outvote names a replica', async () => {
    const liar = await stub({ port: watched.servers[1].port });
    const [one] = watched.config.urls as [string];
    const { sessions } = await opened(withUrls(asUser(liar.url), one));
    await sessions.check();
  });

  it('is away while all name a replica, and says so', async () => {
    const liar = await stub({ port: watched.servers[1].port });
    const { reason, hint } = await lost(withUrls(asUser(liar.url)));
    expect(reason).toBe(`the primary 127.0.0.1:${watched.servers[1].port} cannot be used: it is a replica`);
    expect(hint).toContain('SENTINEL MASTER');
  });

  it.each<[string, (all: Watched) => RedisConfig, RegExp, RegExp]>([
    [
      'a wrong name',
      () => withSentinel({ name: 'another' }),
      /^no Sentinel knows a primary named another$/,
      /REDIS_SENTINEL_NAME/,
    ],
    [
      'a wrong password for the Sentinels',
      () => withSentinel({ password: 'a-wrong-one' }),
      /^no Sentinel answers \(127\.0\.0\.1:\d+: WRONGPASS/,
      /REDIS_SENTINEL_PASSWORD/,
    ],
    [
      'no password for the Sentinels',
      () => withSentinel({ username: undefined, password: undefined }),
      /^no Sentinel answers \(127\.0\.0\.1:\d+: NOAUTH/,
      /REDIS_SENTINEL_PASSWORD/,
    ],
    [
      'a wrong password for Redis',
      ({ config }) => withUrls(...config.urls.map((url) => url.replace(redisUser.password, 'a-wrong-one'))),
      /^the primary 127\.0\.0\.1:\d+ cannot be used: WRONGPASS/,
      /Redis' own user and password into REDIS_URL/,
    ],
    [
      'the address of Redis in place of a Sentinel',
      ({ servers }) => ({
        ...withSentinel({ ...redisUser }),
        urls: [`redis://127.0.0.1:${servers[0].port}`],
      }),
      /^no Sentinel answers \(127\.0\.0\.1:\d+: ERR unknown command/,
      /names Sentinels \(port 26379/,
    ],
    [
      'addresses where nothing is',
      () => withUrls('redis://127.0.0.1:1', 'redis://127.0.0.1:2'),
      /^no Sentinel answers \(127\.0\.0\.1:1: .*ECONNREFUSED.*; 127\.0\.0\.1:2: .*ECONNREFUSED/,
      /hosts and ports in REDIS_URL/,
    ],
  ])(
    'with %s: away, and the log and the doctor say what to do',
    async (_what, configOf, expected, hinted) => {
      const { reason, hint, message } = await lost(configOf(watched));
      expect(reason).toMatch(expected);
      expect(hint).toMatch(hinted);
      expect(message).toContain(reason);
      const session = { secrets: [secret], idleMinutes: 30, maxHours: 8 };
      const [finding] = await checkRedis({ redis: configOf(watched), session } as unknown as Config);
      expect(finding).toMatchObject({ state: 'failed', hint });
    },
  );
});

describeWithRedis('a primary and Sentinels behind TLS', () => {
  it('are used once their CA is trusted; until then the hint names the setting', async () => {
    const certificates = await makeCertificates();
    const watched = await startWatched({ tls: certificates });
    cleaning.push(
      () => certificates.remove(),
      () => watched.stop(),
    );
    const { reason, hint } = await lost(watched.config);
    expect(reason).toMatch(/^no Sentinel answers \(.*certificate/);
    expect(hint).toContain('EXTRA_CA_FILE');
    const trusted = getCACertificates('default');
    cleaning.push(() => setDefaultCACertificates(trusted));
    setDefaultCACertificates([...trusted, certificates.caText]);
    const { sessions, lines } = await opened(watched.config);
    const { id } = await signIn(sessions);
    expect(await sessions.end(id, 'signed-out')).toBe(true);
    expect(lines).toEqual([]);
  });
});

describeWithRedis('Sentinels that change their mind', () => {
  async function twoPrimaries() {
    const servers = await Promise.all(
      [1, 2].map(() => startRedis({ args: ['--repl-diskless-sync-delay', '0'] })),
    );
    cleaning.push(...servers.map((server) => () => server.stop()));
    return servers as [(typeof servers)[0], (typeof servers)[0]];
  }
  const config = (...urls: string[]): RedisConfig => ({
    urls,
    sentinel: { name: primaryName, username: undefined, password: undefined },
    keyPrefix: 'app:',
  });

  it('a primary that they have replaced is left within two seconds, though it still answers', async () => {
    const [old, next] = await twoPrimaries();
    const stubs = await Promise.all([1, 2, 3].map(() => stub({ port: old.port })));
    const { sessions, events } = await opened(config(...stubs.map(({ url }) => url)));
    const { id } = await signIn(sessions);
    for (const each of stubs) each.says = { port: next.port };
    const start = performance.now();
    await until(async () => (await read(sessions, id).catch(() => 'away')) === undefined);
    expect(performance.now() - start).toBeLessThan(2500);
    expect(events).toMatchObject([
      { event: 'store.lost', reason: `the Sentinels name another primary: 127.0.0.1:${next.port}` },
      { event: 'store.found' },
    ]);
  });

  it('one of three that names another changes nothing', async () => {
    const [old, next] = await twoPrimaries();
    const stubs = await Promise.all([1, 2, 3].map(() => stub({ port: old.port })));
    const { sessions, names } = await opened(config(...stubs.map(({ url }) => url)));
    await sessions.check();
    const [liar] = stubs as [(typeof stubs)[0]];
    liar.says = { port: next.port };
    const before = liar.asked;
    await until(() => liar.asked >= before + 2);
    await sessions.check();
    expect(names()).toEqual([]);
  });

  it('a primary that only the first of them names yet is used, and kept while the others still name a dead one', async () => {
    const [next] = await twoPrimaries();
    const ahead = await stub({ host: 'localhost', port: next.port });
    const behind = await Promise.all([1, 2].map(() => stub({ port: 1 })));
    const { sessions, names } = await opened(config(...[...behind, ahead].map(({ url }) => url)));
    await sessions.check();
    const before = ahead.asked;
    await until(() => ahead.asked >= before + 2);
    await sessions.check();
    expect(names()).toEqual([]);
  });

  it('an ending is carried out again where the new primary had not got it', async () => {
    const [old, next] = await twoPrimaries();
    const one = await stub({ port: old.port });
    const { sessions } = await opened(config(one.url));
    const { id } = await signIn(sessions);
    const key = `app:session:{${id}}`;
    // As on a replica that lagged: all but the ending has arrived there.
    await next.run('REPLICAOF', '127.0.0.1', String(old.port));
    await until(async () => (await next.run('EXISTS', key)) === 1);
    await next.run('REPLICAOF', 'NO', 'ONE');
    await sessions.end(id, 'provider');
    expect(await next.run('EXISTS', key)).toBe(1);

    one.says = { port: next.port };
    await until(async () => (await next.run('EXISTS', key)) === 0);
    await sessions.check();
    expect(await read(sessions, id)).toBeUndefined();
    expect(await sessions.tokens.read(id)).toBeUndefined();
    expect(await sessions.whyEnded(id)).toBe('provider');
  });

  it('an ending that is carried out again ends no sign-in that begins afterwards', async () => {
    const [old, next] = await twoPrimaries();
    const one = await stub({ port: old.port });
    const { sessions, names } = await opened(config(one.url));
    // A row of numbers that the replica gets, and an ending that it does not.
    await sessions.endOwner({ iss: alice.iss, sub: 'somebody else' }, 'provider');
    await next.run('REPLICAOF', '127.0.0.1', String(old.port));
    await until(async () => (await next.run('EXISTS', 'app:order')) === 1);
    await next.run('REPLICAOF', 'NO', 'ONE');
    const before = await markSignIn(sessions);
    await sessions.endOwner(alice, 'provider');

    one.says = { port: next.port };
    await until(() => names().includes('store.found'));
    expect((await signIn(sessions)).entered).toBe('entered');
    expect(await sessions.enter('from-before', alice, Date.now() + 60_000, before)).toBe('ended');
  });

  it('a primary that demands replicas and has none is away: it may be the one that was left behind', async () => {
    const [only] = await twoPrimaries();
    const one = await stub({ port: only.port });
    const { sessions, names, events } = await opened(config(one.url));
    const { id } = await signIn(sessions);
    await only.run('CONFIG', 'SET', 'min-replicas-to-write', '1');
    await expect(read(sessions, id)).rejects.toThrow(StoreError);
    expect(events).toMatchObject([{ reason: expect.stringMatching(/^NOREPLICAS/) }]);
    await only.run('CONFIG', 'SET', 'min-replicas-to-write', '0');
    await until(async () => (await read(sessions, id).catch(() => undefined)) !== undefined);
    expect(names()).toEqual(['store.lost', 'store.found']);
  });

  it('an ending that no replica acknowledges has ended all the same, and the log says so once', async () => {
    const [only] = await twoPrimaries();
    const one = await stub({ port: only.port });
    const { sessions, lines } = await opened(config(one.url));
    for (let count = 0; count < 3; count++) {
      const { id } = await signIn(sessions);
      expect(await sessions.end(id, 'signed-out')).toBe(true);
      expect(await read(sessions, id)).toBeUndefined();
    }
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('no replica is connected');
  });
});

describe('the slot of a key in a cluster', () => {
  it.each([
    ['123456789', 0x31c3],
    ['app:session:{user1000}', slotOf('user1000')],
    ['{}', slotOf('{}')],
    ['foo{}{bar}', slotOf('foo{}{bar}')],
    ['foo{{bar}}zap', slotOf('{bar')],
  ])('of %s is %i', (key, slot) => expect(slotOf(key)).toBe(slot));
});
