import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aspNetProgram } from './aspnet.ts';
import { type Browser, signInWithAuthJs } from './browser.ts';
import { freePort, type Program, type Server, startServer, until } from './processes.ts';

/** A server that takes part: how it is started, and what is particular about it. */
export interface Contestant {
  readonly title: string;
  readonly file: string;
  /** Written for .NET, not for Node. */
  readonly dotnet?: boolean;
  /** As many processes as the machine has cores. */
  readonly workers?: boolean;
  /** Keeps its sessions in the bench's Redis. */
  readonly redis?: boolean;
  /** The yardstick has no users. */
  readonly anonymous?: boolean;
  /** Two providers instead of one: the bench's, and one that nobody signs in at. */
  readonly twoProviders?: boolean;
  /** Starts as in a read-only container whose image has V8's compile cache. */
  readonly container?: boolean;
  /** Hands calls on to the bench's API. */
  readonly api?: boolean;
  /** Settings beside those that all have. */
  readonly settings?: Record<string, string>;
  /** Opening the page leads to the provider and back; anything else is told here. */
  readonly signIn?: (browser: Browser, origin: string) => Promise<unknown>;
}

export type Name =
  | 'bare'
  | 'bareCompiled'
  | 'bareInContainer'
  | 'app'
  | 'appInContainer'
  | 'before'
  | 'appUncounted'
  | 'appLogging'
  | 'appUnescaped'
  | 'appTwo'
  | 'appMemory'
  | 'appNotes'
  | 'eoc'
  | 'eocRedis'
  | 'authJs'
  | 'aspCookie'
  | 'aspRedis'
  | 'appWorkers'
  | 'appProxy'
  | 'byHand';

/** With a file, as everybody has; notes.ts deletes it. */
export const notesFile = join(tmpdir(), `bench-notes-${process.pid}.sqlite`);

export const contestants: Record<Name, Contestant> = {
  bare: { title: 'bare Express, no sign-in', file: 'servers/bare.js', anonymous: true },
  bareCompiled: {
    title: 'bare Express, views compiled as here',
    file: 'servers/bare.js',
    anonymous: true,
    settings: { COMPILED_VIEWS: 'yes' },
  },
  bareInContainer: {
    title: 'bare Express, in a container',
    file: 'servers/bare.js',
    anonymous: true,
    container: true,
  },
  app: { title: 'this app, Redis', file: '../src/server.ts', redis: true },
  appInContainer: {
    title: 'this app, Redis, in a container',
    file: '../src/server.ts',
    redis: true,
    container: true,
  },
  before: { title: 'this app before, Redis', file: '../src/server.ts', redis: true },
  appUncounted: {
    title: 'this app, Redis, counting no requests of a connection',
    file: '../src/server.ts',
    redis: true,
    settings: without('counting'),
  },
  appLogging: {
    title: 'this app, Redis, with its log',
    file: '../src/server.ts',
    redis: true,
    settings: { LOG_LEVEL: 'info' },
  },
  appUnescaped: {
    title: 'this app, Redis, with its log as it is',
    file: '../src/server.ts',
    redis: true,
    settings: { LOG_LEVEL: 'info', ...without('escaping') },
  },
  appTwo: {
    title: 'this app, Redis, two providers',
    file: '../src/server.ts',
    redis: true,
    twoProviders: true,
    signIn: (browser, origin) => browser.open(`${origin}/auth/login/work?returnTo=/profile`),
  },
  appMemory: { title: 'this app, memory', file: '../src/server.ts' },
  appNotes: {
    title: 'this app, Redis, the notes page',
    file: '../src/server.ts',
    redis: true,
    settings: { DATABASE_FILE: notesFile },
  },
  eoc: { title: 'express-openid-connect, cookie', file: 'servers/express-openid-connect.js' },
  eocRedis: {
    title: 'express-openid-connect, Redis',
    file: 'servers/express-openid-connect.js',
    redis: true,
  },
  authJs: { title: 'Auth.js, cookie', file: 'servers/auth-js.js', signIn: signInWithAuthJs },
  aspCookie: { title: 'ASP.NET Core, cookie', file: 'servers/aspnet', dotnet: true },
  aspRedis: { title: 'ASP.NET Core, Redis', file: 'servers/aspnet', dotnet: true, redis: true },
  appWorkers: {
    title: 'this app, Redis, a process for each core',
    file: '../src/server.ts',
    redis: true,
    workers: true,
    settings: { WORKERS: String(availableParallelism()) },
  },
  appProxy: { title: 'this app, `proxy`', file: 'servers/proxy-here.js', redis: true, api: true },
  byHand: { title: 'by hand, httpxy', file: 'servers/proxy-by-hand.js', redis: true, api: true },
};

/** Settings of an app that lacks one part (leave-out.js). */
function without(part: string): Record<string, string> {
  const hooks = new URL('leave-out.js', import.meta.url).href;
  return { LEAVE_OUT: part, NODE_OPTIONS: `--import=${hooks}` };
}

/** Where the sign-ins go to, the sessions are kept and the API is; the same for every contestant. */
export interface Surroundings {
  readonly issuer: string;
  readonly redisUrl: string;
  readonly apiUrl: string;
  /** The folder of another checkout of this app, which is `before`. */
  readonly against?: string;
  /** The servers share all cores with the load, instead of having one of their own. */
  readonly free?: boolean;
}

/** A contestant that is up. */
export interface Running extends Contestant {
  readonly name: Name;
  readonly origin: string;
  readonly server: Server;
  readonly page: string;
}

/**
 * @param also.isUp resolves once it is; by a request for its page, unless the first request is to be somebody else's
 * @param also.settings beside its own
 * @throws where it does not come up
 */
export async function start(
  name: Name,
  around: Surroundings,
  { isUp = openPage, settings = {} }: { isUp?: typeof openPage; settings?: Record<string, string> } = {},
): Promise<Running> {
  const contestant = contestants[name];
  const port = await freePort();
  const checkout = name === 'before' ? around.against : undefined;
  const program = programOf(contestant, port, around, checkout);
  const server = startServer({ ...program, env: { ...program.env, ...settings } }, around);
  const origin = `http://127.0.0.1:${port}`;
  const page = `${origin}/profile`;
  await until(contestant.title, () => isUp(page));
  return { ...contestant, name, origin, server, page };
}

const openPage = (page: string): Promise<unknown> => fetch(page, { redirect: 'manual' });

/** @param checkout the folder of the project, where it is another than this */
export function programOf(
  contestant: Contestant,
  port: number,
  around: Surroundings,
  checkout = fileURLToPath(new URL('..', import.meta.url)),
): Program {
  const env = settingsOf(contestant, port, around);
  if (contestant.dotnet) {
    const program = aspNetProgram();
    return { ...program, env: { ...env, ...program.env } };
  }
  const args = [join(checkout, 'bench', contestant.file)];
  // The probe of a process tells nothing of those that it has started.
  return { command: process.execPath, args, env, probed: !contestant.workers };
}

export const sessionSecret = 'another-secret-that-only-the-bench-uses-0123456789';

/** The project's own settings; the other servers read what they need of them. */
export function settingsOf(
  { redis, api, settings, twoProviders }: Contestant,
  port: number,
  around: Surroundings,
): Record<string, string> {
  return {
    BASE_URL: `http://127.0.0.1:${port}`,
    PORT: String(port),
    HOST: '127.0.0.1',
    ...(twoProviders
      ? {
          OIDC_PROVIDERS: 'work,social',
          ...client('OIDC_WORK', around.issuer),
          ...client('OIDC_SOCIAL', 'http://127.0.0.1:9'),
        }
      : client('OIDC', around.issuer)),
    SESSION_SECRET: sessionSecret,
    // The bench is a thousand people behind one proxy: each is counted for itself, as in production.
    TRUST_PROXY_HOPS: '1',
    // The example's notes.
    DATABASE_FILE: ':memory:',
    // The others log no requests.
    LOG_LEVEL: 'warn',
    ...(redis && { REDIS_URL: around.redisUrl }),
    ...(api && { API_URL: around.apiUrl }),
    ...settings,
  };
}

function client(prefix: string, issuer: string): Record<string, string> {
  return {
    [`${prefix}_ISSUER`]: issuer,
    [`${prefix}_CLIENT_ID`]: 'bench',
    [`${prefix}_CLIENT_SECRET`]: 'a-secret-that-only-the-bench-uses-0123456789',
  };
}
