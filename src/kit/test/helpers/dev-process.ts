import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { projectRoot } from '../../folders.ts';
import { bareEnv } from './bare-env.ts';

export interface DevPorts {
  app: number;
  /** Of the provider `work`. */
  provider: number;
  social: number;
  api: number;
}

export interface DevProcess {
  child: ChildProcess;
  /** All that it has written so far, and what of it to standard error. */
  readonly output: string;
  readonly complaints: string;
  /** The exit code, once it has ended and everything it said has come. */
  ended: Promise<number | null>;
  says(what: string | RegExp): Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** To it and to all that it has started, as a terminal sends Ctrl-C. */
  signalAll(name: NodeJS.Signals): void;
}

export interface DevOptions {
  ports: DevPorts;
  /** Its path, or a whole command. */
  site?: string;
  command?: string[];
  env?: Record<string, string>;
  /** The folder that holds `src`; this checkout by default. */
  cwd?: string;
}

/** Shorter than the tests' own limit, so that a failure shows what was said. */
const patienceMs = 50_000;

/** `npm run dev` with its ports and its site, and with nothing else of our own environment. */
export function startDev({ ports, site = '', command, env = {}, cwd = projectRoot }: DevOptions): DevProcess {
  const [program = '', ...args] = command ?? [process.execPath, join('src', 'kit', 'dev', 'main.ts'), site];
  const child = spawn(program, args, {
    // A process group of its own, as a terminal gives it.
    detached: true,
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...bareEnv,
      PORT: String(ports.app),
      DEV_PROVIDER_PORT: String(ports.provider),
      DEV_SOCIAL_PORT: String(ports.social),
      DEV_API_PORT: String(ports.api),
      ...env,
    },
  });
  const endWithUs = () => signalAll('SIGKILL');
  process.once('exit', endWithUs);
  let output = '';
  let complaints = '';
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    for (const look of listeners) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    complaints += text;
    for (const look of listeners) look();
  });
  const ended = once(child, 'close').then(([code]) => {
    process.off('exit', endWithUs);
    return code as number | null;
  });

  function signalAll(name: NodeJS.Signals): void {
    try {
      process.kill(-(child.pid ?? 0), name);
    } catch {
      // All of them have ended already.
    }
  }

  return {
    ...{ child, ended, signalAll },
    get output() {
      return output;
    },
    get complaints() {
      return complaints;
    },
    says: (what) =>
      new Promise((resolve, reject) => {
        let timer: NodeJS.Timeout | undefined;
        const look = () => {
          if (typeof what === 'string' ? !output.includes(what) : !what.test(output)) return;
          listeners.delete(look);
          clearTimeout(timer);
          resolve(output);
        };
        listeners.add(look);
        const giveUp = () => reject(new Error(`it has not said ${what} in ${patienceMs} ms:\n${output}`));
        timer = setTimeout(giveUp, patienceMs);
        ended.then(() => reject(new Error(`it ended without saying ${what}:\n${output}`)));
        look();
      }),
    signal: (name) => void child.kill(name),
  };
}

/** Ports that nobody uses; the one above the API's, the gallery's, too. */
export async function freeDevPorts(): Promise<DevPorts> {
  const held: Server[] = [];
  // Of the API and, after it, of the gallery.
  while (held.length < 2) {
    held.length = 0;
    const port = unaskedPort();
    for (const each of [port, port + 1]) {
      const server = await occupy(each).catch(() => undefined);
      if (server) held.push(server);
    }
    if (held.length === 1) await closeAll(held);
  }
  while (held.length < 5) {
    const server = await occupy(unaskedPort()).catch(() => undefined);
    if (server) held.push(server);
  }
  const [api = 0, , app = 0, provider = 0, social = 0] = held.map(portOf);
  await closeAll(held);
  return { app, provider, social, api };
}

/** Below those that the system hands out by itself: it would give one to any other connection before it is used. */
function unaskedPort(): number {
  return randomInt(12_000, 32_000);
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
}

/** Listens, so that nobody else can. */
export async function occupy(port: number, host?: string): Promise<Server> {
  const server = createServer().listen({ port, ...(host !== undefined && { host }) });
  await once(server, 'listening');
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

/** Every process of this machine. */
export async function processes(): Promise<{ pid: number; parent: number; args: string }[]> {
  const ps = spawn('ps', ['-eo', 'pid=,ppid=,args=']);
  let text = '';
  for await (const chunk of ps.stdout) text += chunk;
  return [...text.matchAll(/^ *(\d+) +(\d+) (.*)$/gm)].map(([, pid, parent, args = '']) => ({
    pid: Number(pid),
    parent: Number(parent),
    args,
  }));
}
