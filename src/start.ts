import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from './app.ts';
import { createProvider } from './auth/index.ts';
import type { Config } from './config.ts';
import { createAudit, type Log, requestLog } from './log.ts';
import { createSealer, openSessions } from './sessions/index.ts';
import { createTelemetry } from './telemetry.ts';

/** Running requests have this long to finish at a stop. */
const graceMs = 10_000;

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
    logRequests: (trusted) => requestLog(log, trusted),
    sealer: (use) => createSealer(secrets, use),
    stopping: () => stopping,
  });
  const server = createServer(app);
  server.listen(config.port, config.host);
  await once(server, 'listening').catch(async (error) => {
    await Promise.allSettled([sessions.close(), provider.close()]);
    throw error;
  });
  provider.load().catch(() => {}); // The first sign-in asks again.

  return {
    url: config.baseUrl,
    async stop() {
      stopping = true;
      await sleep(config.shutdownDelaySeconds * 1000);
      await finish(server);
      provider.close();
      await sessions.close();
    },
  };
}

/** Takes no new connection, closes idle ones, and waits for the running requests. */
async function finish(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
