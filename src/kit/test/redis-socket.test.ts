import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSessions, type Sessions } from '../store/index.ts';
import { startApp } from './helpers/app.ts';
import { about, examineStub, expectMasked } from './helpers/doctor-run.ts';
import { describeWithRedis, type RedisServer, redisAt, startRedis, until } from './helpers/redis-server.ts';
import { alice, read, secret, signIn, witness } from './helpers/stored-sessions.ts';

describeWithRedis('a Redis that is reached by a socket of this machine', () => {
  let folder: string;
  let redis: RedisServer;
  const word = 'a/p@ss w0rd: %?#,';
  const socket = () => join(folder, 'my redis.sock');
  const url = (credentials = '', database = '') =>
    `unix://${credentials}${socket().replaceAll(' ', '%20')}${database}`;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'redis-socket-'));
    redis = await startRedis({ args: ['--unixsocket', socket(), '--unixsocketperm', '700'] });
    await redis.run('ACL', 'SETUSER', 'app', 'on', `>${word}`, '~own:*', '+@all');
  });
  afterAll(async () => {
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const opened: Sessions[] = [];
  async function open(address: string, heard = witness()): Promise<Sessions> {
    const sessions = await openSessions({
      redis: { ...redisAt(address), keyPrefix: 'own:' },
      ...{ secrets: [secret], idleSeconds: 60, maxSeconds: 28_800, ...heard },
    });
    opened.push(sessions);
    return sessions;
  }
  afterAll(() => Promise.all(opened.map((sessions) => sessions.close())));

  test('keeps sessions, and is the same Redis as by its port', async () => {
    const [bySocket, byPort] = [await open(url()), await open(redis.url)];
    const { id } = await signIn(bySocket);
    expect(await read(byPort, id)).toMatchObject({ user: { sub: 'alice' } });
    expect(await bySocket.list(alice)).toHaveLength(1);
    expect(await byPort.endAll('operator')).toBe(1);
    expect(await read(bySocket, id)).toBeUndefined();
  });

  test('takes user, password and database number', async () => {
    const sessions = await open(url(`app:${encodeURIComponent(word)}@`, '?db=3'));
    await signIn(sessions);
    const operator = createClient({ url: `${redis.url}/3` });
    await operator.connect();
    expect(await operator.keys('own:session:*')).toHaveLength(1);
    operator.destroy();
    const wrong = witness();
    await expect((await open(url('app:another@'), wrong)).check()).rejects.toThrow(/WRONGPASS/);
    expect(JSON.stringify(wrong)).not.toContain('another');
  });

  test('is found again after it was away', async () => {
    const seen = witness();
    const sessions = await open(url(), seen);
    await sessions.check();
    await redis.kill();
    await expect(sessions.check()).rejects.toThrow(/^Redis /);
    await redis.restart();
    await until(() =>
      sessions.check().then(
        () => true,
        () => false,
      ),
    );
    expect(seen.events.map(({ event }) => event)).toEqual(['store.lost', 'store.found']);
    expect(seen.events[0]).toMatchObject({ hint: expect.stringContaining('REDIS_URL is its address') });
  });

  test('is enough for the whole app', async () => {
    const app = await startApp({
      ...{
        OIDC_ISSUER: 'http://127.0.0.1:9',
        OIDC_CLIENT_ID: 'app',
        OIDC_CLIENT_SECRET: 'a secret of the provider',
      },
      REDIS_URL: url(),
    });
    const storeAnswers = async () => {
      const { checks } = (await (await fetch(app.url('/readyz'))).json()) as { checks: { store: boolean } };
      return checks.store;
    };
    await until(storeAnswers);
    await app.stop();
  });

  test('is known to the doctor, who says what to do where it is not there or closed', async () => {
    const { found } = await examineStub({ env: { REDIS_URL: url() } });
    expect(about(found, 'Redis')).toMatchObject([
      { state: 'ok', text: `${socket()} answers. The app's keys there begin with "app:".` },
    ]);
    const none = await examineStub({ env: { REDIS_URL: `unix://:canary-w0rd-of-it@${folder}/none.sock` } });
    expect(about(none.found, 'Redis')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('Check the path in REDIS_URL') },
    ]);
    expectMasked(none.found, ['canary-w0rd-of-it']);
  });
});
