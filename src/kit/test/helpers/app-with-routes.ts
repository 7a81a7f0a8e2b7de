import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Express } from 'express';
import { assemble } from '../../assembly.ts';
import { noSuchAddress } from '../../pages/error-pages.ts';
import type { Providers } from '../../provider/providers.ts';
import type { AnySite } from '../../site.ts';
import type { Sessions } from '../../store/index.ts';
import { prepareApp, type TestApp } from './app.ts';

export interface AppWithRoutes extends TestApp {
  express: Express;
  sessions: Sessions;
  providers: Providers;
}

export interface MoreRoutes {
  /** What the test site is to have besides, or instead. */
  site?: Partial<AnySite>;
  /** Adds routes; they stand behind the app's own, before its 404. */
  mount?(app: Express): void;
  /** Puts something between the app and its sessions, to watch or to fail. */
  wrap?(sessions: Sessions): Sessions;
}

/** The app's whole pipeline with a few routes more, as somebody who copied the template would add them. */
export async function startAppWithRoutes(
  env: Record<string, string | undefined>,
  { site, mount, wrap }: MoreRoutes,
  port?: number,
): Promise<AppWithRoutes> {
  const { origin, listenOn, lines, checked, log, expectSoundLog } = await prepareApp(env, port, site);
  const { app, providers, sessions, close } = await assemble(checked, log, {
    replacements: wrap ? { sessions: wrap } : {},
  });
  const { stack } = app.router;
  const last = stack.splice(stack.findIndex(({ handle }) => (handle as unknown) === noSuchAddress));
  mount?.(app);
  stack.push(...last);
  const server = createServer(app).listen(listenOn, '127.0.0.1');
  await once(server, 'listening');
  for (const provider of providers.all) provider.load().catch(() => {});

  return {
    origin,
    url: (path) => origin + path,
    lines,
    events: (name) => lines.filter((line) => line.event === name),
    express: app,
    sessions,
    providers,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await close();
      expectSoundLog();
    },
  };
}
