import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { longestStopMs } from '../process/closing.ts';
import { describeWithRedis, type RedisServer, startRedis } from './helpers/redis-server.ts';
import { ask, endGroup, launchWorkers, pidsOfAnswers, signal, workerPids } from './helpers/workers.ts';

describeWithRedis('with WORKERS=2', { timeout: 60_000 }, () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  test('a client that is too slow is cut off, and a worker that hangs holds up neither the others nor the stop', async () => {
    const server = await launchWorkers(
      { REDIS_URL: redis.url },
      `Server.prototype.emit = (emit => function (event) {
         if (event === 'listening') Object.assign(this, { headersTimeout: 2_000, connectionsCheckingInterval: 100 });
         return Reflect.apply(emit, this, arguments);
       })(Server.prototype.emit);
       process.on('SIGHUP', () => { writeSync(1, '{"msg":"hangs"}\\n'); while (true); });
       // What the first process waits for here is not more than two seconds.
       const { setTimeout: real } = globalThis;
       if (cluster.isPrimary) globalThis.setTimeout = (what, ms) => real(what, ms === ${longestStopMs} ? 2_000 : ms);`,
    );
    onTestFinished(() => endGroup(server));
    await server.logs('all 2 workers have started');

    const slow = connect(server.port, '127.0.0.1').setEncoding('utf8');
    slow.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
    expect((await once(slow, 'data'))[0]).toMatch(/^HTTP\/1\.1 408 /);

    const [hanging, other] = workerPids(server);
    signal(hanging, 'SIGHUP');
    await server.logs('hangs');
    // One connection at most is on its way to it.
    await ask(server, { patienceMs: 1_000 }).catch(() => {});
    await ask(server, { patienceMs: 1_000 }).catch(() => {});
    expect(await pidsOfAnswers(server, 8)).toEqual(new Set([other]));
    const begun = performance.now();
    server.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(performance.now() - begun).toBeGreaterThan(1_900);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(server.lines.filter(({ msg }) => msg === 'worker did not stop in time: killed')).toEqual([
      expect.objectContaining({ pid: hanging }),
    ]);
  });
});
