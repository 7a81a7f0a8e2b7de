import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { assemble, type CheckedSite, checkSiteAndSettings, OpenError } from '../assembly.ts';
import { ConfigError } from '../config/index.ts';
import { projectRoot } from '../folders.ts';
import { listener } from '../http/listener.ts';
import { createLog, type Log } from '../log/index.ts';
import type { AnySite } from '../site.ts';
import type { TestPage } from './page.ts';
import {
  createVisitor,
  type Person,
  type SignInOptions,
  type Visitor,
  type VisitorOptions,
} from './person.ts';
import { type MemoryProvider, startProvider } from './provider.ts';

export interface TestAppOptions {
  /** What src/site.ts exports. */
  site: AnySite;
  /**
   * Settings beside those that a test app has anyway, and those of `test/settings.env` where there is one. Neither .env
   * nor the environment of the tests is read.
   */
  env?: Readonly<Record<string, string | undefined>>;
  /** The folder that holds `views` and `public`; left out, that of the project. */
  root?: string;
}

/** One line of the app's log. */
export type LogLine = Readonly<Record<string, unknown>> & { msg: string };

export interface TestApp extends Pick<Visitor, 'get' | 'post' | 'fetch'> {
  /** What BASE_URL says. */
  url: string;
  /** Signs somebody in, in a browser of their own. Any name is an account. */
  signIn(account: string, options?: SignInOptions & VisitorOptions): Promise<Person>;
  /** A browser in which nobody has signed in yet. `get`, `post` and `fetch` of the app use a new one each time. */
  visitor(options?: VisitorOptions): Visitor;
  /** What the app has logged so far, from LOG_LEVEL `info` on. Printed only where LOG_LEVEL is set. */
  log: readonly LogLine[];
  /** Stops the app and closes what the site opened. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts the whole app for a test, on a port of its own, with an identity provider in memory:
 *
 *     await using app = await startTestApp({ site });
 *     const alice = await app.signIn('alice', { claims: { roles: ['admin'] } });
 *
 * @throws Error that says what is wrong with the site or its settings
 */
export async function startTestApp(options: TestAppOptions): Promise<TestApp> {
  return (await openTestApp(options)).app;
}

/** The same, with what `checkSite` needs. */
export async function openTestApp(
  options: TestAppOptions,
  { quiet = false } = {},
): Promise<{ app: TestApp; checked: CheckedSite }> {
  if (typeof options?.site !== 'object' || options.site === null) {
    throw new TypeError(
      'startTestApp needs the site: startTestApp({ site }), with what src/site.ts exports.',
    );
  }
  const provider = await startProvider();
  const server = createServer({ optimizeEmptyRequests: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const closeServer = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };

  const log: LogLine[] = [];
  let assembled: Awaited<ReturnType<typeof assembleFor>>;
  try {
    assembled = await assembleFor(options, provider, port, logInto(log, options, quiet));
  } catch (error) {
    await Promise.all([closeServer(), provider.stop()]);
    throw error;
  }
  const { close, checked } = assembled;
  server.on('request', assembled.listener);

  const surroundings = { origin: checked.config.baseUrl, port, provider };
  const visitor = ({ headers }: VisitorOptions = {}) => createVisitor(surroundings, headers);
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= closeServer().then(close).finally(provider.stop);
    return stopped;
  };
  const app: TestApp = {
    url: checked.config.baseUrl,
    log,
    visitor,
    get: (...given) => visitor().get(...given),
    post: (...given) => visitor().post(...given),
    fetch: (...given) => visitor().fetch(...given),
    async signIn(account, how) {
      const person = visitor(how);
      const page = await person.signIn(account, how);
      const session = await person.fetch('/auth/session');
      if (session.status !== 200) throw notSignedIn(account, page, log);
      return { ...person, page };
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return { app, checked };
}

async function assembleFor(
  options: TestAppOptions,
  provider: MemoryProvider,
  port: number,
  logAt: (level: string) => Log,
) {
  const checked = check(options, settings(provider, port));
  const { baseUrl, provider: client, logLevel } = checked.config;
  provider.register({
    clientId: client.clientId,
    clientSecret: client.clientSecret ?? '',
    redirectUri: `${baseUrl}/auth/callback`,
    postLogoutRedirectUri: `${baseUrl}/signed-out`,
  });
  const log = logAt(logLevel);
  try {
    const { app, close } = await assemble(checked, log);
    return { checked, close, listener: listener(app, log) };
  } catch (error) {
    if (!(error instanceof OpenError)) throw error;
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw new Error(`The site does not start: ${error.message}${cause}.`, { cause: error.cause });
  }
}

/** What every test app has. Nothing of it leaves this process. */
function settings(provider: MemoryProvider, port: number): Record<string, string> {
  return {
    BASE_URL: `http://127.0.0.1:${port}`,
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: 'test-app',
    OIDC_CLIENT_SECRET: randomBytes(32).toString('hex'),
    SESSION_SECRET: randomBytes(32).toString('hex'),
  };
}

function check({ site, env = {}, root }: TestAppOptions, usual: Record<string, string>): CheckedSite {
  if (env.OIDC_ISSUER !== undefined) {
    throw new Error('startTestApp brings an identity provider of its own: take OIDC_ISSUER out of `env`.');
  }
  try {
    return checkSiteAndSettings(site, { ...usual, ...settingsOfTests(root), ...env }, root);
  } catch (error) {
    if (error instanceof ConfigError && error.inSettings) error.message += `\n${whereToSet}`;
    throw error;
  }
}

/** What all tests of a site run with, written as in .env. */
function settingsOfTests(root: string = projectRoot): Record<string, string | undefined> {
  const file = join(root, 'test/settings.env');
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
}

const whereToSet =
  "A test sets what it needs by `env`: { site, env: { NAME: 'value' } }, or in test/settings.env. It reads no .env file.";

/** Kept for the test. What nobody foresaw is printed in any case, or nobody would know why a page is a 500. */
function logInto(lines: LogLine[], { env }: TestAppOptions, quiet: boolean): (level: string) => Log {
  const print = env?.LOG_LEVEL !== undefined;
  const write = (line: string) => {
    const entry = JSON.parse(line) as LogLine;
    lines.push(entry);
    if (print) process.stdout.write(line);
    else if (entry.status === 500 && entry.causes !== undefined && !quiet)
      console.error('The app failed:', entry.causes);
  };
  return (level) => createLog(print ? level : 'info', { write });
}

function notSignedIn(
  account: string,
  { status, path, heading, text }: TestPage,
  log: readonly LogLine[],
): Error {
  const hint = log.findLast((line) => line.event === 'sign_in.failed' || line.causes !== undefined);
  const why = hint ? ` The log says: ${JSON.stringify(hint)}` : '';
  return new Error(
    `signIn('${account}') did not sign in: ${path} answered ${status}, "${heading}". ${text.slice(0, 300)}${why}`,
  );
}
