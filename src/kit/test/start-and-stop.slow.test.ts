import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../testing/processes.ts';
import { createBrowser } from './helpers/browser.ts';
import { type IdentityProvider, startIdentityProvider } from './helpers/identity-provider.ts';
import { startLoad } from './helpers/load.ts';
import { hasNginx, startNginx } from './helpers/nginx.ts';
import { accepts, sendHalf } from './helpers/raw-requests.ts';
import { describeWithRedis, hasRedis, startRedis, until } from './helpers/redis-server.ts';
import { launchServer, type ServerProcess, startServer } from './helpers/server-process.ts';

let provider: IdentityProvider;
beforeAll(async () => {
  provider = await startIdentityProvider();
});
afterAll(() => provider?.stop());

/** It has no signals: a process that is sent one is ended at once. */
const windows = process.platform === 'win32';

describe('the start', () => {
  test('tells all wrong settings at once, each with what to do, and ends with code 78', async () => {
    const server = await launchServer({ OIDC_ISSUER: undefined, SESSION_SECRET: 'short', PORT: 'many' });
    expect(await server.ended).toEqual({ code: 78, signal: null });
    expect(server.complaints).toMatch(/^The app cannot start:\n(- .+\n){3}$/);
    for (const name of ['OIDC_ISSUER', 'SESSION_SECRET', 'PORT']) expect(server.complaints).toContain(name);
    expect(server.complaints).not.toMatch(/^\s+at |short/m);
    expect(server.lines).toEqual([]);
  });

  test('says in one line that its port is in use, and ends with code 1', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as { port: number };
    const server = await launchServer({}, { port });
    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(server.complaints).toBe(
      `Port ${port} is in use. Stop what uses it, or set PORT (and BASE_URL) to another.\n`,
    );
    occupant.close();
  });

  test('says in one line that it may not listen there, and ends with code 1', async () => {
    // An address that is kept for documents (RFC 5737), so no machine has it.
    const server = await launchServer({ HOST: '192.0.2.1' });
    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(server.complaints).toMatch(/^The app cannot listen on 192\.0\.2\.1:\d+ \(EADDRNOTAVAIL\)\. .+\n$/);
  });
});

describeWithRedis('a start while Redis and the provider are away', () => {
  test('works as far as neither is needed, and recovers on its own when they come', async () => {
    const providerPort = await freePort();
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    await redis.kill();
    const server = await startHere({
      OIDC_ISSUER: `http://localhost:${providerPort}`,
      REDIS_URL: redis.url,
    });
    const ready = async () => (await fetch(`${server.origin}/readyz`)).json();
    expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
    expect((await fetch(server.origin)).status).toBe(200);
    const profile = await createBrowser().get(`${server.origin}/profile`);
    expect(profile.status).toBe(503);
    expect(await ready()).toMatchObject({ checks: { store: false, provider: false } });

    await redis.restart();
    const late = await startIdentityProvider({ port: providerPort, redirectOrigin: server.origin });
    onTestFinished(() => late.stop());
    // Nobody has to sign in first: a load balancer sends nobody to an instance that is not ready.
    await expect.poll(ready, { timeout: 15_000, interval: 200 }).toMatchObject({ status: 'ok' });
    const browser = createBrowser();
    const { location = '' } = await browser.get(`${server.origin}/profile`, { follow: false });
    const page = await browser.get(await late.signIn(browser, location, 'alice'));
    expect(page.body).toContain('Alice Adams');
  });
});

describe.skipIf(windows)('the last resort', () => {
  test.each([
    ['uncaughtException', 'throw new Error("nobody caught this")'],
    ['unhandledRejection', 'Promise.reject(new Error("nobody caught this"))'],
  ])('an %s is logged as fatal and ends the process with code 1', async (name, code) => {
    const preload = `data:text/javascript,process.on('SIGUSR2', () => { ${code} })`;
    const server = await startServer({}, { nodeArguments: ['--import', preload] });
    server.kill('SIGUSR2');
    expect(await server.ended).toEqual({ code: 1, signal: null });
    expect(server.lines.at(-1)).toMatchObject({
      level: 'fatal',
      msg: name,
      err: { message: 'nobody caught this', stack: expect.stringContaining('at ') },
    });
    expect(server.complaints).toBe('');
  });
});

describe.skipIf(windows)('the stop', { concurrent: true }, () => {
  test('/readyz says no at once, and everything else goes on for as long as configured', async () => {
    const settings = { OIDC_ISSUER: provider.issuer, SHUTDOWN_DELAY_SECONDS: '1' };
    const server = await startServer(settings);
    const open = (path: string) => fetch(server.origin + path);
    await until(async () => (await open('/readyz')).status === 200);
    const begun = performance.now();
    server.kill('SIGTERM');
    await server.logs('SIGTERM: stopping');
    const refused = await open('/readyz');
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ checks: { store: true, provider: true, stopping: true } });
    expect((await open('/healthz')).status).toBe(200);
    expect((await open('/')).status).toBe(200);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeGreaterThan(990);
  });

  test('a running request gets its answer first', async () => {
    const server = await startServer({});
    const { socket, finish, answer } = await sendHalf(server);
    server.kill('SIGTERM');
    await server.logs('SIGTERM: stopping');
    await until(async () => !(await accepts(server.port)));
    expect(server.child.exitCode).toBeNull();
    finish();
    expect(await answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*invalid_request/);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    socket.destroy();
  });

  test('a connection that is kept for later does not hold it up', async () => {
    const server = await startServer({});
    expect(await ask(server, new Agent({ keepAlive: true }))).toBe('keep-alive');
    const begun = performance.now();
    server.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeLessThan(2_000);
  });

  test('a kept connection gets one answer more, which says that it is the last', async () => {
    // A proxy may be sending on it just now, and cannot repeat a form that was cut off.
    const server = await startServer({ SHUTDOWN_DELAY_SECONDS: '1' });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await ask(server, agent)).toBe('keep-alive');
    server.kill('SIGTERM');
    await until(async () => !(await accepts(server.port)));
    expect(await ask(server, agent)).toBe('close');
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });

  test('a request that never ends is cut after ten seconds', { timeout: 60_000 }, async () => {
    const server = await startServer({});
    const { answer } = await sendHalf(server);
    const begun = performance.now();
    server.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    const took = performance.now() - begun;
    expect(took).toBeGreaterThan(9_500);
    expect(took).toBeLessThan(12_000);
    expect(await answer).toBe('');
  });

  test('Ctrl-C on npm start, which reaches the app twice, is a clean end too', async () => {
    const server = await startServer({ SHUTDOWN_DELAY_SECONDS: '1' });
    server.kill('SIGINT');
    await server.logs('SIGINT: stopping');
    server.kill('SIGINT');
    server.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.lines.filter(({ msg }) => /stopping$/.test(msg))).toHaveLength(1);
  });

  test('connections are kept for longer than a proxy keeps them', async () => {
    const server = await startServer({});
    // nginx and most load balancers: 60 seconds. Who closes first may cut off a request on its way.
    const seconds = /timeout=(\d+)/.exec(
      (await fetch(`${server.origin}/healthz`)).headers.get('keep-alive') ?? '',
    );
    expect(Number(seconds?.[1])).toBeGreaterThan(60);
    await server.stop();
  });
});

describe.skipIf(!hasNginx || !hasRedis)('two instances behind nginx, restarted one after the other', () => {
  test('fail no request, be it a page or a form', async () => {
    const port = await freePort();
    const ports = [await freePort(), await freePort()] as const;
    const origin = `https://127.0.0.1:${port}`;
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    provider.registerApp(origin);
    const settings = {
      ...{ BASE_URL: origin, TRUST_PROXY_HOPS: '1', REDIS_URL: redis.url, OIDC_ISSUER: provider.issuer },
      ...{ SESSION_SECRET: 'the same secret for both instances', SHUTDOWN_DELAY_SECONDS: '1' },
    };
    const instances = await Promise.all(ports.map((one) => startServer(settings, { port: one })));
    onTestFinished(async () => void (await Promise.all(instances.map((one) => one.stop()))));
    const proxy = await startNginx(ports, { port });
    onTestFinished(() => proxy.stop());

    const browser = createBrowser({ ca: proxy.ca });
    const { location = '' } = await browser.get(`${origin}/profile`, { follow: false });
    const page = await browser.get(await provider.signIn(browser, location, 'alice'));
    const cookie = browser.cookieHeader(origin);

    const load = startLoad(origin, { ca: proxy.ca, connections: 12, cookie, page });
    await load.reached(100);
    for (const [index, instance] of instances.entries()) {
      instance.kill('SIGTERM');
      expect(await instance.ended).toEqual({ code: 0, signal: null });
      await load.reached(load.count + 100);
      instances[index] = await startServer(settings, { port: instance.port });
      await load.reached(load.count + 100);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    for (const { lines } of instances) {
      expect(lines.filter(({ msg }) => msg === 'request').length, 'both served').toBeGreaterThan(20);
    }
  });
});

async function startHere(...args: Parameters<typeof startServer>): Promise<ServerProcess> {
  const server = await startServer(...args);
  onTestFinished(() => server.stop());
  return server;
}

/** Asks for a page; what the answer says about the connection. */
async function ask({ origin }: ServerProcess, agent: Agent): Promise<string | undefined> {
  const [res] = (await once(get(origin, { agent }), 'response')) as [IncomingMessage];
  res.resume();
  await once(res, 'end');
  return res.headers.connection;
}
