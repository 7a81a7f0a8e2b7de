import type { CheckedSite } from '../assembly.ts';
import { type AppProvider, providerNamed } from './app-provider.ts';
import type { Surroundings } from './browser.ts';
import { createClock, millisecondsOf } from './clock.ts';
import type { LogLine } from './log.ts';
import { notSignedIn } from './not-signed-in.ts';
import { type OpenApp, openApp, openApps } from './open-app.ts';
import {
  createVisitor,
  type Person,
  type SignInOptions,
  type Visitor,
  type VisitorOptions,
} from './person.ts';
import type { TestAppOptions, TestSettings } from './settings.ts';
import { appWithoutPostgres } from './without-postgres.ts';

export type { TestAppOptions };

/** An identity provider of a test app. */
export interface TestProvider {
  issuer: string;
  /** From now on connections are refused. */
  goAway(): Promise<void>;
  /** From now on requests are taken and never answered. */
  hang(): Promise<void>;
  comeBack(): Promise<void>;
}

/**
 * @template Name the names in OIDC_PROVIDERS, where a test writes them into `env`
 */
export interface TestApp<Name extends string = string> extends Pick<Visitor, 'get' | 'post' | 'fetch'> {
  /** What BASE_URL says. */
  url: string;
  /** The settings that it was started with: `app.env.DATABASE_URL` is the address of its database. */
  env: TestSettings;
  /** The only provider; the first where there are several. */
  provider: TestProvider;
  /** All providers, by their names in OIDC_PROVIDERS: `app.providers.google.goAway()`. */
  providers: Readonly<Record<Name, TestProvider>>;
  /** Signs somebody in, in a browser of their own. Any name is an account. */
  signIn(account: string, options?: SignInOptions<Name> & VisitorOptions): Promise<Person>;
  /** A browser in which nobody has signed in yet. `get`, `post` and `fetch` of the app use a new one each time. */
  visitor(options?: VisitorOptions): Visitor;
  /** What the app has logged so far, from LOG_LEVEL `info` on. Printed only where LOG_LEVEL is set. */
  log: readonly LogLine[];
  /**
   * The latest line of the log that is this event and has these fields. Waits for it, five seconds at most:
   * `await app.logged('session.ended', { sub: 'alice' })`.
   */
  logged(event: string, fields?: Readonly<Record<string, unknown>>): Promise<LogLine>;
  /**
   * Lets time pass for everything in this process that asks `Date`, until the app stops: `'90s'`, `'31m'`, `'1h'`, `'2d'`
   * or milliseconds.
   */
  passTime(time: string | number): Promise<void>;
  /**
   * Ends all sessions of an account, as an operator does. Returns how many.
   *
   * @param options.provider whose account that is; left out, that of each provider
   */
  endSessions(account: string, options?: { provider?: Name }): Promise<number>;
  /** Stops the app and closes what the site opened. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts the whole app for a test, on a port of its own, with an identity provider in memory:
 *
 *     await using app = await startTestApp({ site });
 *     const alice = await app.signIn('alice', { roles: ['admin'] });
 *
 * With `env: { OIDC_PROVIDERS: 'work,google' }` there are two of them: `app.signIn('alice', { provider: 'google' })`.
 *
 * @throws Error that says what is wrong with the site or its settings
 */
export async function startTestApp<const Names extends string = string>(
  options: TestAppOptions & { env?: { OIDC_PROVIDERS?: Names | undefined } },
): Promise<TestApp<NamesIn<Names>>> {
  if (typeof options?.site !== 'object' || options.site === null) {
    throw new TypeError(
      'startTestApp needs the site: startTestApp({ site }), with what src/site.ts exports.',
    );
  }
  return (await appWithoutPostgres<TestApp>(options)) ?? (await openTestApp(options)).app;
}

/** `'work,google'` holds `'work' | 'google'`; what is only known to be a text, any. */
type NamesIn<List extends string> = List extends `${infer First},${infer Rest}`
  ? NamesIn<First> | NamesIn<Rest>
  : List extends ` ${infer Name}` | `${infer Name} `
    ? NamesIn<Name>
    : List;

/** The same, with what `checkSite` needs. */
export async function openTestApp(
  options: TestAppOptions,
  { quiet = false } = {},
): Promise<{ app: TestApp; checked: CheckedSite }> {
  const opened = await openApp(options, quiet);
  const app = createTestApp(opened);
  openApps.set(app, opened);
  return { app, checked: opened.checked };
}

function createTestApp(opened: OpenApp): TestApp {
  const { checked, env, providers, redis, sessions, log, close } = opened;
  const {
    baseUrl,
    redis: { urls: redisUrls },
  } = checked.config;
  const clock = createClock();
  let stopped: Promise<void> | undefined;
  const stop = () => {
    clock.reset();
    stopped ??= close();
    return stopped;
  };
  const demandRunning = () => {
    if (stopped) throw new Error(wasStopped);
  };
  const visitor = ({ headers }: VisitorOptions = {}) =>
    createVisitor(surroundingsOf(opened, demandRunning), headers);

  const first = testProvider(providers[0], demandRunning);
  const others = providers.slice(1).map((one) => [one.name, testProvider(one, demandRunning)]);

  return {
    url: baseUrl,
    env,
    provider: first,
    providers: { [providers[0].name]: first, ...Object.fromEntries(others) },
    log: log.lines,
    logged: log.logged,
    visitor,
    get: (...given) => visitor().get(...given),
    post: (...given) => visitor().post(...given),
    fetch: (...given) => visitor().fetch(...given),
    async signIn(account, how) {
      const person = visitor(how);
      const before = log.lines.length;
      const page = await person.signIn(account, how);
      const lines = log.lines.slice(before);
      const session = await person.fetch('/auth/session');
      if (session.status === 200) return { ...person, page };
      const provider = providerNamed(providers, how?.provider, 'signIn');
      throw notSignedIn(account, provider, page, lines);
    },
    async passTime(time) {
      demandRunning();
      const milliseconds = millisecondsOf(time);
      if (redisUrls.length > 0 && !redis) throw new Error(foreignRedis);
      await clock.pass(milliseconds);
    },
    async endSessions(account, { provider } = {}) {
      demandRunning();
      const asked = provider === undefined ? providers : [providerNamed(providers, provider, 'endSessions')];
      const ended = asked.flatMap(({ issuer: iss, accounts }) =>
        accounts.subsOf(account).map((sub) => sessions.endOwner({ iss, sub }, 'operator')),
      );
      return (await Promise.all(ended)).reduce((sum, count) => sum + count);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** @param demandRunning throws where the app has been stopped */
function surroundingsOf(
  { checked, providers, sessions, port }: OpenApp,
  demandRunning: () => void,
): Surroundings {
  return {
    ...{ origin: checked.config.baseUrl, port, providers },
    async endSession(id) {
      demandRunning();
      return id !== undefined && (await sessions.end(id, 'operator'));
    },
    explain(cause) {
      try {
        demandRunning();
        return cause;
      } catch {
        return new Error(`${wasStopped} ${cause.message}.`, { cause });
      }
    },
  };
}

function testProvider({ issuer, reach }: AppProvider, demandRunning: () => void): TestProvider {
  return {
    issuer,
    goAway: steered(reach.close, demandRunning),
    hang: steered(reach.hang, demandRunning),
    comeBack: steered(reach.comeBack, demandRunning),
  };
}

/** A provider that came back after its app has been stopped would be there for ever. */
function steered(work: () => Promise<void>, demandRunning: () => void): () => Promise<void> {
  return async () => {
    demandRunning();
    await work();
  };
}

const wasStopped = 'This test app has been stopped, so nothing answers any more.';

const foreignRedis =
  'passTime cannot move the time of the Redis at REDIS_URL. It can with `redis: true`, which starts one for the test.';
