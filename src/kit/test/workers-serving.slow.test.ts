import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { pauseAfter } from '../process/workers.ts';
import { createBrowser } from './helpers/browser.ts';
import { type IdentityProvider, startIdentityProvider } from './helpers/identity-provider.ts';
import { accepts, sendHalf } from './helpers/raw-requests.ts';
import { describeWithRedis, type RedisServer, startRedis, until } from './helpers/redis-server.ts';
import { launchServer, type ServerProcess } from './helpers/server-process.ts';
import {
  ask,
  endGroup,
  launchWorkers,
  pidsOfAnswers,
  ready,
  signal,
  startClients,
  workerPids,
} from './helpers/workers.ts';

let redis: RedisServer;

describeWithRedis('with WORKERS=2', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  describe('the app', () => {
    const folder = mkdtempSync(join(tmpdir(), 'workers '));
    const goAhead = join(folder, 'go ahead');
    let provider: IdentityProvider;
    let server: ServerProcess;
    beforeAll(async () => {
      provider = await startIdentityProvider();
      server = await launchWorkers(
        {
          ...{ OIDC_ISSUER: provider.issuer, REDIS_URL: redis.url },
          ...{ SHUTDOWN_DELAY_SECONDS: '3', GO_AHEAD: goAhead },
        },
        `if (cluster.worker?.id === 2) while (!existsSync(process.env.GO_AHEAD)) await sleep(20);`,
      );
      provider.registerApp(server.origin);
      await server.logs(/^listening on /);
    }, 60_000);
    afterAll(async () => {
      rmSync(folder, { recursive: true });
      await endGroup(server);
      await provider.stop();
    });

    const bothStart = () => {
      writeFileSync(goAhead, '');
      return server.logs('all 2 workers have started');
    };

    test('is ready when both workers have started, and answers before', async () => {
      await until(async () => (await ready(server)).body.checks.provider === true);
      const unready = { store: true, stopping: false, workers: false };
      expect(await ready(server)).toMatchObject({ status: 503, body: { checks: unready } });
      expect((await ask(server)).status).toBe(200);
      await bothStart();
      // Each has to meet the provider too.
      await until(async () => (await readyFourTimes(server)).every(({ status }) => status === 200));
      expect((await ready(server)).body).toMatchObject({ status: 'ok', checks: { workers: true } });
    });

    test('answers from both, never from the first process', async () => {
      await bothStart();
      expect(await pidsOfAnswers(server, 8)).toEqual(new Set(workerPids(server)));
      expect(workerPids(server)).not.toContain(server.child.pid);
    });

    test('knows a session in each worker', async () => {
      await bothStart();
      const browser = createBrowser();
      const { location = '' } = await browser.get(`${server.origin}/profile`, { follow: false });
      await browser.get(await provider.signIn(browser, location, 'alice'));
      const headers = { Cookie: browser.cookieHeader(server.origin) };
      const pids = new Set<number>();
      for (let turn = 0; turn < 6; turn++) {
        const { status, pid } = await ask(server, { path: '/auth/session', headers });
        expect(status).toBe(200);
        pids.add(pid);
      }
      expect(pids.size).toBe(2);
    });

    test('replaces a worker that was killed, and clients of another notice nothing', async () => {
      await bothStart();
      const pids = workerPids(server);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const { pid } = await ask(server, { agent });
      const victim = pids.find((each) => each !== pid);
      signal(victim, 'SIGKILL');
      expect(await server.logs('worker died')).toMatchObject({
        ...{ level: 'error', pid: victim, exit_code: null, signal: 'SIGKILL', restart_in_ms: 100 },
        hint: expect.stringContaining('memory'),
      });
      expect(await ask(server, { agent, path: '/readyz' })).toMatchObject({ status: 200, pid });
      await until(() => workerPids(server).length === pids.length + 1);
      expect(await ask(server, { agent })).toMatchObject({ status: 200, pid });
      expect(await pidsOfAnswers(server, 8)).toEqual(new Set([pid, workerPids(server).at(-1)]));
      agent.destroy();
    });

    test('replaces one that ended on an error that nobody caught', async () => {
      await bothStart();
      const before = workerPids(server).length;
      const victim = (await ask(server)).pid;
      signal(victim, 'SIGUSR2');
      await until(() => workerPids(server).length === before + 1);
      expect(server.lines).toContainEqual(
        expect.objectContaining({ level: 'fatal', msg: 'uncaughtException' }),
      );
      const died = server.lines.filter(({ msg }) => msg === 'worker died');
      expect(died.at(-1)).toMatchObject({ pid: victim, exit_code: 1, signal: null });
    });

    test('lets nobody wait whose connection was on its way to a worker that was killed', async () => {
      await bothStart();
      const failures: string[] = [];
      let going = true;
      const visits = Array.from({ length: 30 }, async () => {
        while (going)
          await ask(server, { patienceMs: 5_000 }).catch(({ name, code }) => failures.push(code ?? name));
      });
      const before = workerPids(server).length;
      signal((await ask(server)).pid, 'SIGKILL');
      await until(() => workerPids(server).length === before + 1);
      going = false;
      await Promise.all(visits);
      // Whom it was answering is cut off, and may ask again.
      expect(failures.filter((failure) => failure !== 'ECONNRESET')).toEqual([]);
    });

    test('is stopped by its first process only', async () => {
      await bothStart();
      const pids = new Set(workerPids(server).filter((pid) => isAlive(pid)));
      for (const pid of pids) signal(pid, 'SIGTERM');
      expect(await pidsOfAnswers(server, 8)).toEqual(pids);
    });

    test('says in each worker that it stops, goes on serving as configured, and cuts off nobody', async () => {
      await bothStart();
      const clients = startClients(server, 10);
      await clients.reached(50);
      const before = server.lines.filter(({ msg }) => msg === 'worker died').length;
      server.kill('SIGTERM');
      await server.logs('SIGTERM: stopping');
      for (const { status, body } of await readyFourTimes(server)) {
        expect([status, body.checks.stopping]).toEqual([503, true]);
      }
      expect((await pidsOfAnswers(server, 6)).size).toBe(2);
      expect(await server.ended).toEqual({ code: 0, signal: null });
      expect(await clients.failures()).toEqual([]);
      expect(server.lines.filter(({ msg }) => msg === 'worker died')).toHaveLength(before);
      expect(server.complaints).toBe('');
    });
  });

  describe('the start', () => {
    test('tells wrong settings once, and ends with code 78', async () => {
      const server = await launchServer({ WORKERS: '2', SESSION_SECRET: 'short' });
      expect(await server.ended).toEqual({ code: 78, signal: null });
      expect(server.complaints).toMatch(/^The app cannot start:\n(- .+\n){2}$/);
      expect(server.complaints).toMatch(/^- WORKERS=2 needs REDIS_URL: /m);
    });

    test('in development is that of one process', async () => {
      const server = await launchServer({ WORKERS: '2', NODE_ENV: 'development' });
      onTestFinished(() => server.stop());
      await server.logs(/^listening on /);
      expect(workerPids(server)).toEqual([]);
      expect(JSON.parse((await ask(server, { path: '/readyz' })).body).checks).not.toHaveProperty('workers');
    });

    test('runs on its own as a worker of another supervisor, such as pm2, which shares the port', async () => {
      const foreign = `import cluster from 'node:cluster';
        if (cluster.isPrimary) { cluster.fork(); await new Promise(() => {}); }`;
      const server = await launchServer(
        { WORKERS: '2', REDIS_URL: redis.url },
        {
          nodeArguments: ['--import', `data:text/javascript,${encodeURIComponent(foreign)}`],
          ownGroup: true,
        },
      );
      onTestFinished(() => endGroup(server));
      await server.logs(/^listening on /);
      expect((await ask(server, { path: '/healthz', patienceMs: 5_000 })).status).toBe(200);
    });

    test('says once that the port is in use, and ends with code 1', async () => {
      const occupant = createServer().listen(0, '127.0.0.1');
      onTestFinished(() => void occupant.close());
      await once(occupant, 'listening');
      const { port } = occupant.address() as { port: number };
      const server = await launchServer({ WORKERS: '3', REDIS_URL: redis.url }, { port });
      expect(await server.ended).toEqual({ code: 1, signal: null });
      expect(server.complaints).toBe(
        `Port ${port} is in use. Stop what uses it, or set PORT (and BASE_URL) to another.\n`,
      );
      expect(workerPids(server)).toHaveLength(1);
    });

    test.each([1, 2])('ends with the code of worker %i if that cannot start', async (id) => {
      const server = await launchHere(`if (cluster.worker?.id === ${id}) process.exit(3);`);
      expect(await server.ended).toEqual({ code: 3, signal: null });
      expect(workerPids(server)).toHaveLength(id - 1);
    });

    test('of a worker later on that exits with 78 ends all: another try makes no settings right', async () => {
      const server = await launchHere('if (cluster.worker?.id === 3) process.exit(78);');
      await server.logs('all 2 workers have started');
      signal(workerPids(server)[0], 'SIGKILL');
      expect(await server.ended).toEqual({ code: 78, signal: null });
    });
  });

  describe('the stop', () => {
    test('by Ctrl-C, which reaches all processes, and twice, is clean and starts nobody anew', async () => {
      const server = await launchHere('', { SHUTDOWN_DELAY_SECONDS: '1' });
      await server.logs('all 2 workers have started');
      const group = () => process.kill(-(server.child.pid as number), 'SIGINT');
      group();
      await server.logs('SIGINT: stopping');
      group();
      expect(await server.ended).toEqual({ code: 0, signal: null });
      expect(server.lines.filter(({ msg }) => /stopping$/.test(msg))).toHaveLength(1);
      expect(server.lines.filter(({ msg }) => msg === 'worker died')).toEqual([]);
    });

    test('answers those too whose connections no worker had taken yet', async () => {
      const server = await launchHere(
        `process.on('SIGHUP', () => { for (const end = Date.now() + 700; Date.now() < end; ); });`,
      );
      await server.logs('all 2 workers have started');
      for (const pid of workerPids(server)) signal(pid, 'SIGHUP');
      const agent = new Agent({ maxSockets: 8 });
      const asked = Array.from({ length: 8 }, () => ask(server, { agent }));
      const connected = once(Object.values(agent.sockets)[0]?.at(-1) as Socket, 'connect');
      await connected;
      server.kill('SIGTERM');
      expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(8).fill(200));
      expect(await server.ended).toEqual({ code: 0, signal: null });
    });

    test('of a first process that was killed leaves nobody behind, and running requests get their answers', async () => {
      const server = await launchHere();
      await server.logs('all 2 workers have started');
      const running = await sendHalf(server);
      server.kill('SIGKILL');
      await until(async () => !(await accepts(server.port)));
      await until(() => server.lines.filter(({ msg }) => /first process has died/.test(msg)).length === 2);
      running.finish();
      expect(await running.answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*invalid_request/);
      // Its standard output ends with the last process that writes there.
      expect(await server.ended).toEqual({ code: null, signal: 'SIGKILL' });
    });
  });
});

test('a worker that dies again and again is started after a pause that grows to half a minute', () => {
  const pauses = [100];
  while (pauses.length < 11) pauses.push(pauseAfter(0, pauses.at(-1) as number));
  expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  expect(pauseAfter(5_000, 0), 'the first time').toBe(100);
  expect(pauseAfter(5_000, 800), 'it served for five seconds').toBe(1_600);
  expect(pauseAfter(60_000, 30_000), 'it served for a minute').toBe(100);
});

/** For the length of this test. */
async function launchHere(preload = '', settings: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await launchWorkers({ REDIS_URL: redis.url, ...settings }, preload);
  onTestFinished(() => endGroup(server));
  return server;
}

/** Of both workers: they take turns. */
function readyFourTimes(server: ServerProcess) {
  return Promise.all([1, 2, 3, 4].map(() => ready(server)));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
