import type { IncomingMessage } from 'node:http';
import express, { type Express, type RequestHandler } from 'express';
import type { Config } from './config/index.ts';
import type { Folders } from './folders.ts';
import { createAssets } from './http/assets.ts';
import { useClientAddress } from './http/client-address.ts';
import { health } from './http/health.ts';
import { hostAndExpect } from './http/host-and-expect.ts';
import { knownMethods } from './http/methods.ts';
import { rateLimits } from './http/rate-limits.ts';
import { useLanguages } from './http/request-language.ts';
import { sameOrigin } from './http/same-origin.ts';
import { frameable, securityHeaders } from './http/security-headers.ts';
import { useSiteWords } from './http/site-words.ts';
import { useViews } from './http/views.ts';
import type { Asker, Audit, Log } from './log/index.ts';
import { isProbe } from './log/route.ts';
import { errorPages, noSuchAddress } from './pages/error-pages.ts';
import { layout } from './pages/layout.ts';
import { leadBack } from './pages/lead-back.ts';
import { mountPages } from './pages/mount.ts';
import type { Page } from './pages/page.ts';
import type { Apis } from './provider/index.ts';
import type { Providers } from './provider/providers.ts';
import { askerOf } from './session/asker.ts';
import { createContext } from './session/context.ts';
import { loginParameters } from './session/login-parameters.ts';
import { readSession } from './session/read-session.ts';
import { sessionRoutes } from './session/routes.ts';
import { startLogin } from './sign-in/login.ts';
import { postedFromElsewhere, signInRoutes } from './sign-in/routes.ts';
import { logoutTokensTo, signOutRoutes } from './sign-out/routes.ts';
import type { AnySite } from './site.ts';
import { mountRoutes } from './site-routes.ts';
import { createKeys, type Sealer, type Sessions } from './store/index.ts';
import type { Telemetry } from './telemetry/index.ts';
import { fetchApi } from './tokens/fetch-api.ts';
import { hookToken } from './tokens/hook-token.ts';
import { createEventStreams } from './tokens/proxy/events.ts';
import { apiProxies } from './tokens/proxy/index.ts';
import { refreshNow } from './tokens/token-refresh.ts';

/** What the app is made of; `assemble` makes each once. */
export interface Parts {
  config: Config;
  site: AnySite;
  /** The site's pages and the kit's own. */
  pages: readonly Page[];
  folders: Folders;
  /** What the site's `open` gave. */
  data: unknown;
  apis: Apis;
  log: Log;
  audit: Audit;
  logRequests: (
    app: Express,
    trusted: (req: IncomingMessage) => boolean,
    askerOf: (req: IncomingMessage) => Asker | undefined,
  ) => RequestHandler;
  /** Where an SDK is attached. */
  requestTelemetry?: Telemetry['requests'];
  providers: Providers;
  sessions: Sessions;
  sealer: (use: string) => Sealer;
  namer: (use: string) => (...parts: string[]) => string[];
  /** True while the process is on its way out. */
  stopping: () => boolean;
  /** With several processes: have all started? */
  workersStarted: (() => boolean) | undefined;
  /** Aborted when running requests have to finish. */
  finishing: AbortSignal;
}

/** The whole pipeline, top to bottom. Does no I/O but for reading views and files. */
export function createApp(parts: Parts): Express {
  const { config, site, pages, folders, log, audit, providers, sessions } = parts;
  const { baseUrl, development } = config;

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag'); // Pages are never kept; static files have their own.
  app.set('trust proxy', config.trustProxyHops || false);
  useClientAddress(app);
  useLanguages(app, site.texts, config.providers);
  useViews(app, folders.views, { development });
  const assets = createAssets(folders.public, { development });
  useSiteWords(app, site, { development });
  app.locals.asset = assets.href;
  app.set('read asset', assets.read);

  // What every answer has, and what needs no session.
  const believes = app.get('trust proxy fn') as (address: string, hop: number) => boolean;
  const trusted = (req: IncomingMessage) => believes(req.socket.remoteAddress ?? '', 0);
  if (parts.requestTelemetry)
    app.use(parts.requestTelemetry({ trusted, untraced: (path) => assets.has(path) || isProbe(path) }));
  app.use(parts.logRequests(app, trusted, askerOf));
  app.use(securityHeaders({ baseUrl, additions: site.contentSecurityPolicy }));
  app.use(hostAndExpect);
  app.use(assets.handler);
  const probes = health({
    store: () => sessions.check(),
    providers: () => Object.fromEntries(providers.all.map(checkOf)),
    stopping: parts.stopping,
    workers: parts.workersStarted,
  });
  app.get('/healthz', probes.healthz);
  app.get('/readyz', probes.readyz);
  const proxies = apiProxies(parts.apis, createEventStreams(sessions, parts.finishing, log));
  app.use(proxies.prepare);
  app.use(knownMethods(app, proxies.isProxied));
  const exempt = [logoutTokensTo, ...postedFromElsewhere(providers)];
  app.use(sameOrigin({ baseUrl, exempt: (path) => exempt.includes(path), audit }));

  // Who is asking.
  const siteParts = { data: parts.data, settings: config.own };
  app.use('/auth', rateLimits({ audit, log, shared: countsIn(sessions, config.redis) }));
  const { secrets, idleMinutes, maxHours, recheckMinutes } = config.session;
  const context = createContext({
    ...{ baseUrl, providers, sessions, secrets, idleMinutes, maxHours, recheckMinutes, log, audit },
    ...{ startLogin, refreshTokens: refreshNow, hookToken, fetchApi, apis: parts.apis },
    site: { signIn: site.signIn, place: site.place, ...siteParts },
    ...{ sealer: parts.sealer, namer: parts.namer },
    loginParameters: loginParameters(site.loginParameters),
    explain: development,
  });
  app.use(readSession(context, app));

  // What can be seen.
  app.use(layout(pages));
  const frame = frameable(config.providers.map(({ issuer }) => new URL(issuer).origin));
  app.use('/auth', signInRoutes(), signOutRoutes({ frameable: frame }), sessionRoutes());
  app.use(proxies.pass);
  mountPages(app, pages);
  mountRoutes(app, site, { ...siteParts, log, providers: providers.names });

  app.use(noSuchAddress);
  app.use(leadBack);
  app.use(errorPages({ log, development }));
  return app;
}

/** The one without a name is called what it is. */
function checkOf({ name, settings, loaded }: Providers['all'][number]): [string, boolean] {
  return [settings.named ? name : 'provider', loaded()];
}

/** The rate limits count where the sessions are, so that all instances count together. */
function countsIn({ command }: Sessions, { keyPrefix }: Config['redis']) {
  if (!command) return undefined;
  return {
    send: async (details: { key?: string; command: string[] }) =>
      (await command(details.key, details.command)) as number,
    prefix: createKeys(keyPrefix).limit,
  };
}
