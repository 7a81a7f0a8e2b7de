import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { assemble, type CheckedSite, checkSiteAndSettings, type Replacements } from './assembly.ts';
import { type Config, ConfigError } from './config/index.ts';
import { hidingSecrets, ownSecrets } from './config/own-settings.ts';
import { loggedCauses, redact } from './errors/error-cause.ts';
import { SiteError } from './errors/site-error.ts';
import { whatItSays } from './errors/what-it-says.ts';
import { leftToUs, passOnExpectations } from './http/host-and-expect.ts';
import { listener } from './http/listener.ts';
import { boundPipelines } from './http/pipelines.ts';
import { createRefusals } from './http/refusals.ts';
import { createLog, type Log } from './log/index.ts';
import { closeInTime, longestStopMs } from './process/closing.ts';
import { finish, listen } from './process/connections.ts';
import { type FirstProcess, firstProcess, isForeignWorker } from './process/worker.ts';
import { supervise } from './process/workers.ts';
import type { Provider } from './provider/index.ts';
import type { AnySite } from './site.ts';
import { attachTelemetry } from './telemetry/index.ts';

/** Longer than proxies keep theirs (60 s is usual): whoever closes first may cut off a request on its way. */
const keepAliveMs = 65_000;

/** EX_CONFIG of sysexits.h: a supervisor need not start us again before somebody fixes the settings. */
const exitConfig = 78;

export interface RunningApp {
  /** The address that users see. */
  url: string;
  /** Says "not ready", waits as configured, lets running requests finish, then closes what is open (R22). */
  stop(): Promise<void>;
}

/**
 * The whole life of the process: reads the settings, starts the site, and stops it on SIGTERM or SIGINT. What keeps it
 * from starting is printed in sentences: exit code 78 for settings and site.ts, 1 for all else.
 *
 * @param options.root the folder with the site's `views` and `public`; where package.json is by default
 */
export async function run(
  site: AnySite,
  { root, replacements }: { root?: string; replacements?: Replacements } = {},
): Promise<void> {
  const checked = checkedOrExit(site, root);
  const { config } = checked;
  const several = config.workers > 1 && !config.development && !isForeignWorker(process.env);
  const first = several ? firstProcess() : undefined;
  const supervises = several && !first;
  const telemetry = supervises
    ? undefined
    : await attachTelemetry(process.env, process.argv.includes('--otel'));
  const hiding = (shortest: number) => hidingSecrets(ownSecrets(site.settings, config.own), shortest);
  const hide = hiding(4);
  const log = createLog(config.logLevel, undefined, {
    mixin: telemetry?.logFields,
    // A shorter one could be part of what each line says.
    hide: hiding(8),
  });
  telemetry?.sayIn(log);

  // The last resort: whatever nobody caught leaves the process in a state that nobody knows.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      log.fatal({ err: error }, event);
      process.exit(1);
    });
  }

  if (supervises) return serveFromWorkers(config, log);
  const starting = start(checked, log, { replacements, first });
  const stop = async (code: number) => {
    await (await starting).stop();
    await telemetry?.stop();
    process.exit(code);
  };
  if (first) {
    first.finish.then((why) => {
      if (why === 'finish') return stop(0);
      log.error('the first process has died: stopping');
      // Come what may: nobody is left who could kill us.
      setTimeout(() => process.exit(1), longestStopMs).unref();
      return stop(1);
    });
  } else {
    onSignal(log, () => stop(0));
  }

  try {
    const app = await starting;
    if (!first) log.info(`listening on ${app.url}`);
  } catch (error) {
    if (error instanceof ConfigError) exitFor(error);
    const sentence = whyNotStarted(error, config, hide);
    if (sentence === undefined) throw error;
    if (error instanceof SiteError) {
      const causes = loggedCauses(error.cause ?? error, { stack: true });
      for (const one of causes) {
        one.message = hide(one.message);
        if (one.stack) one.stack = hide(one.stack);
      }
      log.fatal({ causes }, error.message);
    }
    console.error(sentence);
    process.exit(1);
  }
}

/** The first process of several opens nothing but the port: neither the site's data, nor Redis, nor the provider. */
async function serveFromWorkers(config: Config, log: Log): Promise<void> {
  const supervisor = supervise(config, log);
  onSignal(log, () => supervisor.stop(0));
  await supervisor.listening.catch((error) => {
    const sentence = whyNotStarted(error, config, String);
    if (sentence === undefined) throw error;
    console.error(sentence);
    return supervisor.stop(1);
  });
}

/** Once: npm passes a Ctrl-C on that the terminal has sent to us already. */
function onSignal(log: Log, stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      log.info(`${signal}: stopping`);
      return stop();
    });
  }
}

interface StartOptions {
  replacements?: Replacements | undefined;
  /** Where this is one of several processes: then that one listens, and says when to stop. */
  first?: FirstProcess | undefined;
}

/**
 * Assembles the app and listens.
 *
 * @throws the listen error, such as EADDRINUSE, or SiteError
 */
export async function start(
  checked: CheckedSite,
  log: Log,
  { replacements, first }: StartOptions = {},
): Promise<RunningApp> {
  const { config } = checked;
  let stopping = false;
  const finishing = new AbortController();
  const { app, providers, close } = await assemble(checked, log, {
    stopping: () => stopping || first?.stopping() === true,
    ...(first && { workersStarted: first.allStarted }),
    finishing: finishing.signal,
    ...(replacements && { replacements }),
  });
  const options = { ...leftToUs, keepAliveTimeout: keepAliveMs };
  const additions = checked.site.contentSecurityPolicy;
  const refusals = createRefusals(app, log, { baseUrl: config.baseUrl, additions });
  const handle = listener(app, log, refusals.answer);
  const server = createServer(options, handle);
  passOnExpectations(server, handle);
  boundPipelines(server);
  refusals.watch(server);
  const { allClosed } =
    first?.serve(server) ??
    (await listen(server, config).catch(async (error) => {
      await Promise.allSettled([close()]);
      throw error;
    }));
  for (const provider of providers.all) meetProvider(provider, () => stopping);

  return {
    url: config.baseUrl,
    async stop() {
      stopping = true;
      if (!first) await sleep(config.shutdownDelaySeconds * 1000);
      finishing.abort();
      await finish(server, allClosed, idleBeforeCut(config));
      await closeInTime(close, log);
    },
  };
}

/**
 * How long a kept connection has to be unused before it is closed without a last answer. Whoever waits before a stop has
 * a proxy in front, which may be sending just now; in development nobody wants to wait for an open browser.
 */
function idleBeforeCut({ shutdownDelaySeconds, development }: Config): number {
  if (shutdownDelaySeconds > 0) return 1_000;
  return development ? 0 : 500;
}

function checkedOrExit(site: AnySite, root: string | undefined): CheckedSite {
  try {
    return checkSiteAndSettings(site, process.env, root);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return exitFor(error);
  }
}

function exitFor({ forOperators }: ConfigError): never {
  console.error(['The app cannot start:', ...forOperators.map((problem) => `- ${problem}`)].join('\n'));
  process.exit(exitConfig);
}

/** A sentence with what to do; undefined for what nobody foresaw. */
function whyNotStarted(
  error: unknown,
  { host = '', port }: Config,
  hide: (text: string) => string,
): string | undefined {
  if (error instanceof SiteError) {
    const why = error.cause === undefined ? '' : ` (${hide(redact(whatItSays(error.cause)))})`;
    return `The app cannot start: ${error.message}${why}. Its log line says where in your code.`;
  }
  const { syscall, code } = error as { syscall?: string; code?: string };
  if (syscall !== 'listen') return undefined;
  return code === 'EADDRINUSE'
    ? `Port ${port} is in use. Stop what uses it, or set PORT (and BASE_URL) to another.`
    : `The app cannot listen on ${host}:${port} (${code}). Set HOST and PORT to an address that this machine and user may use.`;
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
