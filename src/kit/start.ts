import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp, listener } from './app.ts';
import { createProvider, type Provider } from './auth.ts';
import type { Config } from './config/index.ts';
import { createAudit, type Log, requestLog } from './log/index.ts';
import { createNamer, createSealer, openSessions } from './store/index.ts';
import { createTelemetry } from './telemetry.ts';

/** Running requests have this long to finish at a stop. */
const graceMs = 10_000;

/** Longer than proxies keep theirs (60 s is usual): whoever closes first may cut off a request on its way. */
const keepAliveMs = 65_000;

export interface RunningApp {
  /** The address that users see. */
  url: string;
  /** Says "not ready", waits as configured, lets running requests finish, then closes the stores (R22). */
  stop(): Promise<void>;
}

/**
 * Opens the stores, connects the provider and listens. Waits for neither Redis nor the provider: while one is away,
 * what needs it answers 503, and it heals by itself (R14, R21).
 *
 * @throws the listen error, such as EADDRINUSE
 */
export async function start(config: Config, log: Log): Promise<RunningApp> {
  const telemetry = createTelemetry();
  const audit = telemetry.measuredAudit(createAudit(log));
  const { secrets, idleMinutes, maxHours } = config.session;
  const opened = await openSessions({
    redisUrls: config.redisUrls,
    secrets,
    idleSeconds: idleMinutes * 60,
    maxSeconds: maxHours * 3600,
    log,
    audit,
  });
  const sessions = telemetry.measuredSessions(opened);
  const redirectUri = `${config.baseUrl}/auth/callback`;
  const onCall = telemetry.providerCall;
  const provider = telemetry.tracedProvider(
    createProvider(config.provider, { redirectUri, log, audit, onCall }),
  );
  let stopping = false;

  const app = createApp({
    config,
    log,
    audit,
    provider,
    sessions,
    logRequests: (app, trusted) => requestLog(log, app, trusted),
    sealer: (use) => createSealer(secrets, use),
    namer: (use) => createNamer(secrets, use),
    stopping: () => stopping,
  });
  const options = { keepAliveTimeout: keepAliveMs, optimizeEmptyRequests: true };
  const server = createServer(options, listener(app, log));
  server.listen(config.port, config.host);
  await once(server, 'listening').catch(async (error) => {
    await Promise.allSettled([sessions.close(), provider.close()]);
    throw error;
  });
  meetProvider(provider, () => stopping);

  return {
    url: config.baseUrl,
    async stop() {
      stopping = true;
      await sleep(config.shutdownDelaySeconds * 1000);
      await finish(server, config.shutdownDelaySeconds > 0 ? 1_000 : 0);
      await provider.close();
      await sessions.close();
    },
  };
}

/**
 * Asks the provider until it has answered once. A load balancer sends nobody to an instance that is not ready, so
 * it must not take a sign-in to become so.
 */
async function meetProvider(provider: Provider, enough: () => boolean): Promise<void> {
  for (let pauseMs = 1_000; !enough(); pauseMs = Math.min(2 * pauseMs, 30_000)) {
    const met = await provider.load().then(
      () => true,
      () => false, // It said so in the log itself.
    );
    if (met) return;
    await sleep(pauseMs, undefined, { ref: false });
  }
}

/**
 * Takes no new connection and waits for the running requests. A proxy may be sending on a connection that it kept
 * just when we close it, and must not repeat a form: so each gets one answer more, which says that it is the last,
 * and only those that nobody uses for `idleMs` are closed without.
 */
async function finish(server: Server, idleMs: number): Promise<void> {
  server.prependListener('request', (_req, res) => void res.setHeader('Connection', 'close'));
  const closed = once(server, 'close');
  NetServer.prototype.close.call(server); // The one of http closes idle connections at once.
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await Promise.race([closed, sleep(idleMs)]);
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
