import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { freePort } from '../../testing/processes.ts';
import type { LogLine } from './app.ts';
import { bareEnv } from './bare-env.ts';
import { clientId, clientSecret } from './identity-provider.ts';

export interface ServerProcess {
  child: ChildProcess;
  port: number;
  /** Where it listens; users may see another address (BASE_URL). */
  origin: string;
  /** Its log so far. */
  lines: LogLine[];
  /** Everything that it wrote to standard error so far. */
  readonly complaints: string;
  /** Waits for a line of the log. */
  logs(what: string | RegExp): Promise<LogLine>;
  /** Settles when the process has ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
  /** Ends it the polite way, and waits. */
  stop(): Promise<void>;
}

interface Launch {
  port?: number;
  /** The folder that holds `src`; this checkout by default. */
  cwd?: string;
  /** Before the script's name, such as `--import`. */
  nodeArguments?: string[];
  /** As a group of processes of its own, so that a signal can be sent to it and all that it starts: to `-child.pid`. */
  ownGroup?: boolean;
  /** Behind the script's name. */
  arguments?: string[];
}

/** The test site in a process of its own, as `npm start` runs an app. A setting of `undefined` is left out. */
export async function launchServer(
  settings: Record<string, string | undefined>,
  { port, cwd, nodeArguments = [], arguments: more = [], ownGroup = false }: Launch = {},
): Promise<ServerProcess> {
  const listenOn = port ?? (await freePort());
  const origin = `http://127.0.0.1:${listenOn}`;
  const env = {
    ...bareEnv,
    ...{ BASE_URL: origin, HOST: '127.0.0.1', PORT: String(listenOn) },
    ...{ OIDC_ISSUER: 'http://localhost:9', OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret },
    SESSION_SECRET: randomBytes(32).toString('hex'),
    ...settings,
  };
  const child = spawn(process.execPath, [...nodeArguments, 'src/kit/test/site/server.ts', ...more], {
    ...(cwd !== undefined && { cwd }),
    env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
  });
  const endWithUs = () => void child.kill('SIGKILL');
  process.once('exit', endWithUs);

  const lines: LogLine[] = [];
  const listeners = new Set<() => void>();
  let complaints = '';
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const whole = (rest + text).split('\n');
    rest = whole.pop() ?? '';
    for (const line of whole) if (line) lines.push(JSON.parse(line));
    for (const look of listeners) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const ended = new Promise<Awaited<ServerProcess['ended']>>((resolve) => {
    // `close`, not `exit`: by then everything it said has come.
    child.once('close', (code, signal) => {
      process.off('exit', endWithUs);
      resolve({ code, signal });
    });
  });

  return {
    ...{ child, port: listenOn, origin, lines, ended },
    get complaints() {
      return complaints;
    },
    logs(what) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find(({ msg }) => (typeof what === 'string' ? msg === what : what.test(msg)));
          if (!found) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        ended.then(() => reject(new Error(`it ended without saying so: ${complaints}\n${rest}`)));
        look();
      });
    },
    kill: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The same, once it listens. */
export async function startServer(
  settings: Record<string, string | undefined>,
  launch?: Launch,
): Promise<ServerProcess> {
  const server = await launchServer(settings, launch);
  await server.logs(/^listening on /);
  return server;
}
