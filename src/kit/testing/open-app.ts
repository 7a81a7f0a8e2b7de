import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { assemble, type CheckedSite } from '../assembly.ts';
import { SiteError } from '../errors/site-error.ts';
import { whatItSays } from '../errors/what-it-says.ts';
import { listener } from '../http/listener.ts';
import { redirectUri } from '../provider/providers.ts';
import type { Sessions } from '../store/index.ts';
import type { AppProviders } from './app-provider.ts';
import { followers } from './clock.ts';
import { createDatabases, wantedDatabases } from './databases.ts';
import { createTestLog } from './log.ts';
import { type MemoryProvider, startProvider } from './provider.ts';
import { agingCommand, startTestRedis, type TestRedis } from './redis.ts';
import {
  checkForTest,
  providerNames,
  settingsOf,
  type TestAppOptions,
  type TestSettings,
} from './settings.ts';

/** The running parts of a test app. */
export interface OpenApp {
  checked: CheckedSite;
  /** The settings that it was started with. */
  env: TestSettings;
  providers: AppProviders;
  redis: TestRedis | undefined;
  sessions: Sessions;
  log: ReturnType<typeof createTestLog>;
  /** Where the app listens, whatever BASE_URL says. */
  port: number;
  close(): Promise<void>;
}

/**
 * Starts the providers, the server, Redis and databases where they are asked for, and the app.
 *
 * @param quiet prints no failures of the app
 */
export async function openApp(options: TestAppOptions, quiet: boolean): Promise<OpenApp> {
  const count = instancesOf(options);
  const shared = sharedWith(options);
  const stops: (() => Promise<unknown>)[] = [];
  // The last that was started first, as it may use the earlier.
  const close = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    const started = new Map<string, MemoryProvider>();
    for (const name of providerNames(options)) {
      const provider = shared?.providers.find((one) => one.name === name) ?? (await startProvider());
      if (shared?.providers.some((one) => one === provider)) await provider.share();
      stops.push(provider.stop);
      started.set(name, provider);
    }
    const redis = options.redis ? await startTestRedis() : undefined;
    if (redis) stops.push(redis.stop);
    const server = createServer();
    const port = await listen(server);
    stops.push(() => closeServer(server));
    const databases = await createDatabases(wantedDatabases(settingsOf(options)), shared?.env);
    const { checked, env } = checkForTest(options, { started, port, redisUrl: redis?.url, databases });
    const providers = registered(started, checked);
    const log = createTestLog({ print: options.env?.LOG_LEVEL !== undefined, quiet });
    const instances: Instance[] = [];
    for (let made = 0; made < count; made++) {
      const instance = await openInstance(checked, log.at(checked.config.logLevel));
      instances.push(instance);
      // Before what it listens at is closed, nothing of it may go.
      stops.splice(-1, 0, instance.close);
    }
    let requests = 0;
    server.on('request', (req, res) => instances[requests++ % count]?.listener(req, res));
    const [{ sessions }] = instances as [Instance];
    const age = async (milliseconds: number) =>
      void (await sessions.command?.(undefined, agingCommand(milliseconds)));
    // Not any Redis: what is in that of REDIS_URL may be somebody else's.
    if (redis) {
      followers.add(age);
      stops.push(async () => void followers.delete(age));
    }
    return { checked, env, providers, redis, sessions, log, port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What each test app consists of. */
export const openApps = new WeakMap<object, OpenApp>();

function sharedWith({ sharing }: TestAppOptions): OpenApp | undefined {
  const app = sharing && openApps.get(sharing);
  if (sharing !== undefined && !app)
    throw new TypeError('`sharing` takes what startTestApp returned for another app.');
  return app;
}

function instancesOf({ instances = 1, redis = false }: TestAppOptions): number {
  if (!Number.isInteger(instances) || instances < 1 || instances > 10)
    throw new TypeError(`startTestApp takes \`instances\` from 1 to 10, but it was given ${instances}.`);
  if (instances > 1 && !redis)
    throw new TypeError(
      'Several `instances` share their sessions in Redis: startTestApp needs `redis: true`.',
    );
  return instances;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Each knows the app by what the settings say, as at a registration. */
function registered(
  started: ReadonlyMap<string, MemoryProvider>,
  { config: { baseUrl, providers }, apis }: CheckedSite,
): AppProviders {
  const all = providers.map((settings) => {
    const { name, clientId, clientSecret = '' } = settings;
    const provider = started.get(name);
    if (!provider) throw new Error(`There is no provider in memory for ${name}.`);
    provider.register({
      ...{ clientId, clientSecret },
      redirectUri: redirectUri(baseUrl, settings),
      postLogoutRedirectUri: `${baseUrl}/signed-out`,
      apis: [...apis.values()].flatMap((api) => (api.token && api.providers.includes(name) ? api.token : [])),
    });
    return { ...provider, name, settings };
  });
  return all as unknown as AppProviders;
}

interface Instance {
  listener: RequestListener;
  sessions: Sessions;
  close(): Promise<void>;
}

async function openInstance(checked: CheckedSite, log: Parameters<typeof assemble>[1]): Promise<Instance> {
  try {
    const { app, sessions, close } = await assemble(checked, log);
    return { listener: listener(app, log), sessions, close };
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    const cause = error.cause === undefined ? '' : `: ${whatItSays(error.cause)}`;
    throw new Error(`The site does not start: ${error.message}${cause}.`, { cause: error.cause });
  }
}
