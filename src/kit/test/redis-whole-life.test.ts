import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { examine } from '../doctor/examine.ts';
import { checkRedis } from '../doctor/redis.ts';
import { requireAuth } from '../guard/require-auth.ts';
import { recheck } from '../session/by-owner.ts';
import { openSessions } from '../store/index.ts';
import { getAccessToken } from '../tokens/access-token.ts';
import type { AppWithRoutes, MoreRoutes } from './helpers/app-with-routes.ts';
import type { Browser } from './helpers/browser.ts';
import { kitDoc } from './helpers/docs.ts';
import { about, sessionSecret } from './helpers/doctor-run.ts';
import { clientId, clientSecret } from './helpers/identity-provider.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { hasRedis, type RedisServer, startRedis, startRedisCluster } from './helpers/redis-server.ts';
import { secret, signIn, witness } from './helpers/stored-sessions.ts';

const docs = kitDoc('docs/reference.md');
const line = /^ *(ACL SETUSER app on >password .*)$/m.exec(docs ?? '')?.[1] ?? '';
const rights = line.split(' ').filter((word) => word.startsWith('+'));

/** Rights in the line that one server without replicas does not need, and what the doctor asks. */
const forOthers = ['+role', '+wait', '+cluster|slots', '+cluster|info', '+asking', '+info', '+client|info'];

/** So short that every use of a token refreshes it first. */
const accounts = [{ sub: 'alice', purpose: '', claims: { name: 'Alice Adams' }, accessTokenSeconds: 1 }];

const routes: MoreRoutes = {
  mount(app) {
    app.get('/token', requireAuth(), async (req, res) => void res.send(await getAccessToken(req)));
    app.get(
      '/api-token',
      requireAuth(),
      async (req, res) => void res.send(await getAccessToken(req, 'mail' as never)),
    );
    app.get('/keep', requireAuth(), (req, res) => {
      Object.assign(req.session, { kept: 'by a page' });
      res.send('kept');
    });
  },
};
const parts = { apis: () => ({ mail: { url: 'https://mail.example', scope: 'email' } }) } as never;

/**
 * A user of Redis with the rights that docs/reference.md names and no others, in a database of its own, goes through
 * the whole life of sessions. Redis itself sees that every key begins with the prefix: the user may use no other.
 */
describe.skipIf(!hasRedis || !docs)('everything that the app keeps in Redis', () => {
  let redis: RedisServer;
  let pair: Pair;
  let app: AppWithRoutes;
  let operator: ReturnType<typeof createClient>;
  const REDIS_URL = () => `redis://app:password@localhost:${redis.port}/1`;

  beforeAll(async () => {
    redis = await startRedis();
    await redis.run(...line.split(' '));
    operator = createClient({ url: `${redis.url}/1` });
    await operator.connect();
    pair = await startPair({ accounts, routes, parts, env: { REDIS_URL: REDIS_URL() } });
    app = pair.app as AppWithRoutes;
  });
  afterAll(async () => {
    await pair?.stop();
    operator?.destroy();
    await redis?.stop();
  });

  /** All that were there at some time. */
  const kinds = new Set<string>();

  async function expectEnds(): Promise<void> {
    const keys = await operator.keys('*');
    for (const key of keys) {
      expect(key).toMatch(/^app:/);
      kinds.add(key.split(':', 2)[1] as string);
      const seconds = await operator.ttl(key);
      // -2: it has ended since the keys were listed.
      if (seconds !== -2) expect(seconds, `seconds until the end of ${key}`).toBeGreaterThan(0);
    }
  }

  async function refusals(): Promise<unknown[]> {
    const log = (await operator.sendCommand(['ACL', 'LOG'])) as (Record<string, unknown> | unknown[])[];
    return log.map((entry) => (Array.isArray(entry) ? entry[entry.indexOf('object') + 1] : entry.object));
  }

  async function get(browser: Browser, path: string): Promise<void> {
    const { status, body } = await browser.get(app.url(path), { follow: false });
    expect([path, status], body.slice(0, 300)).toEqual([path, 200]);
    await expectEnds();
  }

  const steps: Record<string, () => Promise<unknown>> = {
    async 'a sign-in, pages, tokens and a recheck'() {
      const { browser } = await pair.signIn('alice');
      for (const path of ['/profile', '/keep', '/token', '/api-token']) await get(browser, path);
      const owner = { iss: pair.provider.issuer, sub: 'alice' };
      expect(await recheck(owner)).toBe(1);
      await get(browser, '/profile');
      expect(await app.sessions.list(owner)).toHaveLength(1);
      expect(await app.sessions.newest(owner, 1)).toMatchObject({ sessions: [{}], older: 0 });
    },
    async 'a refresh that takes long'() {
      const { id } = await aSession();
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      const release = await app.sessions.tokens.lock(id).finally(() => vi.advanceTimersByTime(5_001));
      vi.useRealTimers();
      await app.sessions.check();
      await expectEnds();
      await release?.();
    },
    async 'a logout'() {
      const { browser, page } = await pair.signIn('alice');
      await browser.submit(page);
      expect(app.events('sign_out')).toHaveLength(1);
    },
    async 'a back-channel logout, once'() {
      await pair.signIn('alice');
      const seen = (await operator.keys('app:seen:*')).length;
      expect(await pair.provider.sendLogoutToken(clientId, { sub: 'alice' })).toMatchObject({ status: 200 });
      expect(await operator.keys('app:seen:*')).toHaveLength(seen + 1);
    },
    async 'an ending of all, by an operator'() {
      await pair.signIn('alice');
      expect(await app.sessions.endAll('operator')).toBeGreaterThan(0);
      await app.sessions.operatorNotes.leave({ at: Date.now(), sessions: 1, endings: [] });
      await expectEnds();
      expect(await app.sessions.operatorNotes.take()).toHaveLength(1);
    },
  };

  async function aSession(): Promise<{ id: string }> {
    const [session] = await app.sessions.list({ iss: pair.provider.issuer, sub: 'alice' });
    return { id: session?.id ?? '' };
  }

  test('ends, and needs the rights in the docs and no others', { timeout: 60_000 }, async () => {
    for (const step of Object.values(steps)) {
      await step();
      await expectEnds();
    }
    expect([...kinds].sort()).toEqual(
      [
        'answer',
        'operator-notes',
        'ended',
        'limit',
        'order',
        'owner',
        'seen',
        'session',
        'tokens',
        'why',
        'doubted',
        'lock',
      ].sort(),
    );
    expect(await refusals()).toEqual([]);
    expect(app.events('store.lost')).toEqual([]);
    const used: string[] = String(await operator.info('commandstats')).match(/(?<=^cmdstat_)[^:]+/gm) ?? [];
    // The operator's own commands were none of the app's.
    const unused = rights.filter((right) => /^.(keys|ttl)$/.test(right) || !used.includes(right.slice(1)));
    expect(unused.sort()).toEqual([...forOthers].sort());
  });

  const env = () => ({
    ...{ BASE_URL: app.origin, SESSION_SECRET: sessionSecret, REDIS_URL: REDIS_URL() },
    ...{ OIDC_ISSUER: pair.provider.issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret },
  });
  const doctor = () => checkRedis(loadConfig(env()));

  test('is allowed, says the doctor, who leaves nothing there and shows no password', async () => {
    const before = await operator.keys('*');
    const found = await doctor();
    for (const check of ['Redis', 'Redis write', 'Redis rights', 'Redis eviction'])
      expect(about(found, check)).toMatchObject([{ state: 'ok' }]);
    expect((await operator.keys('*')).filter((key) => !before.includes(key))).toEqual([]);
    const [line] = about(await examine(env()), 'Redis');
    expect(line?.text).toMatch(/^localhost:\d+ answers\. The app's keys there begin with "app:"\.$/);
  });

  test.each(rights.filter((right) => !forOthers.includes(right)))(
    'without %s is not, and the doctor says the line to set',
    async (right) => {
      const missing = right.slice(1);
      await redis.run('ACL', 'SETUSER', 'app', `-${missing}`);
      const failures = (await doctor()).filter(
        ({ check, state }) => /^Redis/.test(check) && state === 'failed',
      );
      const fix = failures.map(({ hint = '' }) => /ACL SETUSER app .*/.exec(hint)?.[0] ?? '');
      expect(fix.length).toBeGreaterThan(0);
      for (const command of fix) {
        expect(command).toContain(right);
        await redis.run(...command.split(' '));
      }
      expect(about(await doctor(), 'Redis rights')).toMatchObject([{ state: 'ok' }]);
    },
  );

  test('needs its own keys: the doctor names the pattern', async () => {
    await redis.run('ACL', 'SETUSER', 'app', 'resetkeys', '~other:*');
    const [found] = about(await doctor(), 'Redis');
    expect(found).toMatchObject({ state: 'failed', hint: expect.stringContaining('ACL SETUSER app ~app:*') });
    await redis.run(...line.split(' '));
  });

  test('is allowed in a cluster too, where the doctor looks for more rights', {
    timeout: 60_000,
  }, async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    const onEach = (...args: string[]) => Promise.all(cluster.nodes.map((node) => node.run(...args)));
    await onEach(...line.split(' '));
    const urls = cluster.urls.map((url) => url.replace('://', '://app:password@'));
    const { redis: at, ...config } = loadConfig({ ...env(), REDIS_URL: urls.join() });
    const look = () => checkRedis({ ...config, redis: at });
    const sessions = await openSessions({
      ...{ redis: at, secrets: [secret], idleSeconds: 60, maxSeconds: 28_800, ...witness() },
    });
    await signIn(sessions);
    expect(await sessions.endAll('operator')).toBe(1);
    await sessions.close();
    for (const node of cluster.nodes) expect(await node.run('ACL', 'LOG')).toEqual([]);
    for (const check of ['Redis', 'Redis write', 'Redis rights'])
      expect(about(await look(), check)).toMatchObject([{ state: 'ok' }]);
    for (const right of ['role', 'wait', 'cluster|info', 'asking']) {
      await onEach('ACL', 'SETUSER', 'app', `-${right}`);
      const hints = (await look()).filter(({ state }) => state === 'failed').map(({ hint }) => hint);
      expect(hints, right).toEqual([
        expect.stringMatching(new RegExp(`ACL SETUSER app .*\\+${right.replace('|', '\\|')}`)),
      ]);
      await onEach('ACL', 'SETUSER', 'app', `+${right}`);
    }
  });
});
