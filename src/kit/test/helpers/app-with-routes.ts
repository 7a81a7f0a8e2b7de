import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Express } from 'express';
import { createApp } from '../../app.ts';
import { createProvider } from '../../auth.ts';
import { notFound } from '../../pages/error-pages.ts';
import { createAudit, requestLog } from '../../log/index.ts';
import { createNamer, createSealer, openSessions, type Sessions } from '../../store/index.ts';
import { expectNoSecrets, prepareApp, type TestApp } from './app.ts';

export interface AppWithRoutes extends TestApp {
  express: Express;
  sessions: Sessions;
}

export interface MoreRoutes {
  /** Adds routes; they stand behind the app's own, before its 404. */
  mount?(app: Express): void;
  /** Puts something between the app and its sessions, to watch or to fail. */
  wrap?(sessions: Sessions): Sessions;
}

/** The app's whole pipeline with a few routes more, as somebody who copied the template would add them. */
export async function startAppWithRoutes(
  env: Record<string, string | undefined>,
  { mount, wrap = (sessions) => sessions }: MoreRoutes,
  port?: number,
): Promise<AppWithRoutes> {
  const { origin, listenOn, lines, config, log } = await prepareApp(env, port);
  const audit = createAudit(log);
  const { secrets, idleMinutes, maxHours } = config.session;
  const sessions = wrap(
    await openSessions({
      redisUrls: config.redisUrls,
      secrets,
      idleSeconds: idleMinutes * 60,
      maxSeconds: maxHours * 3600,
      log,
      audit,
    }),
  );
  const redirectUri = `${config.baseUrl}/auth/callback`;
  const provider = createProvider(config.provider, { redirectUri, log, audit });
  const app = createApp({
    ...{ config, log, audit, provider, sessions },
    logRequests: (app, trusted) => requestLog(log, app, trusted),
    sealer: (use) => createSealer(secrets, use),
    namer: (use) => createNamer(secrets, use),
    stopping: () => false,
  });
  const { stack } = app.router;
  const last = stack.splice(stack.findIndex(({ handle }) => (handle as unknown) === notFound));
  mount?.(app);
  stack.push(...last);
  const server = createServer(app).listen(listenOn, '127.0.0.1');
  await once(server, 'listening');
  provider.load().catch(() => {});

  return {
    origin,
    url: (path) => origin + path,
    lines,
    events: (name) => lines.filter((line) => line.event === name),
    express: app,
    sessions,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await provider.close();
      await sessions.close();
      expectNoSecrets(lines, config);
    },
  };
}
