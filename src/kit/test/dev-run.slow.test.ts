import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Stands in for the app: says who it is, ends politely. */
const app = `
import { createServer } from 'node:http';
const { PORT, NODE_ENV, OIDC_ISSUER, OIDC_CLIENT_ID, SESSION_SECRET, API_URL } = process.env;
const me = { pid: process.pid, NODE_ENV, OIDC_ISSUER, OIDC_CLIENT_ID, SESSION_SECRET, API_URL };
const server = createServer((req, res) => res.setHeader('connection', 'close').end(JSON.stringify(me)));
server.listen(Number(PORT), () => console.log(JSON.stringify({ level: 30, time: 1, msg: 'the app listens' })));
process.once('SIGTERM', () => server.close(() => process.exit(0)));
`;

let folder: string;
let entry: string;
let ports: { app: number; provider: number; api: number };
const running: Run[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dev-run-'));
  entry = join(folder, 'app.mjs');
  await writeFile(entry, app);
  const [one, two, three] = await freePorts(3);
  ports = { app: one ?? 0, provider: two ?? 0, api: three ?? 0 };
});

afterEach(async () => {
  for (const run of running.splice(0)) if (run.child.exitCode === null) run.signal('SIGKILL');
  await rm(folder, { recursive: true });
});

describe('npm run dev', () => {
  it('starts the provider, the sample API and the app, and says where to go', async () => {
    const run = await start();
    const said = await run.says('Ctrl-C ends everything');
    expect(said).toContain(`http://localhost:${ports.app}\n`);
    expect(said).toMatch(/alice \(role admin\), bob \(role member\)/);
    expect(said).toMatch(/INFO: the app listens/);
    expect(said).not.toMatch(/WARNING/);
    expect(await askApp()).toMatchObject({
      NODE_ENV: 'development',
      OIDC_ISSUER: `http://localhost:${ports.provider}`,
      OIDC_CLIENT_ID: 'web-app',
      API_URL: `http://localhost:${ports.api}`,
    });
    const metadata = await fetch(`http://localhost:${ports.provider}/.well-known/openid-configuration`);
    expect(await metadata.json()).toMatchObject({ issuer: `http://localhost:${ports.provider}` });
    expect((await fetch(`http://localhost:${ports.api}`)).status).toBe(401);
  });

  it('restarts the app alone when a file changes, with the same session secret', async () => {
    const run = await start();
    await run.says('Ctrl-C ends everything');
    const before = await askApp();
    const provider = await signingKey();
    await writeFile(entry, `${app}\n// changed`);
    await run.says(/the app listens[\s\S]*the app listens/);
    const after = await askApp();
    expect(after.pid).not.toBe(before.pid);
    expect(after.SESSION_SECRET).toBe(before.SESSION_SECRET);
    expect(await signingKey()).toBe(provider);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'leaves nothing running after %s, as Ctrl-C sends it to all',
    async (signal) => {
      const run = await start();
      await run.says('Ctrl-C ends everything');
      run.signalAll(signal);
      expect(await run.ended).toBe(0);
      await nothingRuns();
    },
  );

  it('leaves nothing running when it is killed without a word', async () => {
    const run = await start();
    await run.says('Ctrl-C ends everything');
    run.signal('SIGKILL');
    await run.ended;
    await nothingRuns();
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'leaves nothing running when npm, which started it, gets %s',
    async (signal) => {
      const run = await start({ command: ['npm', 'run', 'dev', '--', entry] });
      await run.says('Ctrl-C ends everything');
      run.signal(signal);
      await nothingRuns();
    },
  );

  it('ends the app too when the provider crashes', async () => {
    const run = await start();
    await run.says('Ctrl-C ends everything');
    const servers = (await processes()).find(
      ({ parent, args }) => parent === run.child.pid && args.endsWith('servers.ts'),
    );
    if (!servers) throw new Error('the provider has no process of its own');
    process.kill(servers.pid, 'SIGKILL');
    expect(await run.ended).toBe(1);
    await nothingRuns();
  });

  it.each([
    ['app', 'PORT'],
    ['provider', 'DEV_PROVIDER_PORT'],
    ['api', 'DEV_API_PORT'],
  ] as const)('says in one line that the port of the %s is in use', async (which, name) => {
    const occupant = await occupy(ports[which]);
    const run = await start();
    expect(await run.ended).toBe(1);
    expect(run.output.trim()).toBe(
      `Port ${ports[which]} is in use. End what listens there, or set ${name} to another port.`,
    );
    await new Promise((resolve) => occupant.close(resolve));
  });

  it('starts only the app when the settings name a provider', async () => {
    const run = await start({ env: { OIDC_ISSUER: 'https://login.example.com', OIDC_CLIENT_ID: 'mine' } });
    expect(await run.says('Ctrl-C ends everything')).toContain('https://login.example.com');
    expect(await askApp()).toMatchObject({
      OIDC_ISSUER: 'https://login.example.com',
      OIDC_CLIENT_ID: 'mine',
    });
    expect(await listens(ports.provider)).toBe(false);
    expect(await listens(ports.api)).toBe(false);
  });
});

interface Run {
  child: ChildProcess;
  output: string;
  ended: Promise<number | null>;
  says(what: string | RegExp): Promise<string>;
  signal(name: NodeJS.Signals): void;
  signalAll(name: NodeJS.Signals): void;
}

async function start({
  env = {},
  command = [process.execPath, 'src/dev/main.ts', entry],
} = {}): Promise<Run> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    // A process group of its own, as a terminal gives it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      // Not the rest: vitest sets BASE_URL and NODE_ENV for itself.
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: String(ports.app),
      DEV_PROVIDER_PORT: String(ports.provider),
      DEV_API_PORT: String(ports.api),
      ...env,
    },
  });
  const run: Run = {
    child,
    output: '',
    ended: new Promise((resolve) => child.once('exit', resolve)),
    says(what) {
      return new Promise((resolve, reject) => {
        const look = () => {
          if (typeof what === 'string' ? run.output.includes(what) : what.test(run.output))
            resolve(run.output);
        };
        child.stdout?.on('data', look);
        child.once('exit', () => reject(new Error(`it ended without saying so:\n${run.output}`)));
        look();
      });
    },
    signal: (name) => child.kill(name),
    signalAll: (name) => process.kill(-(child.pid ?? 0), name),
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      run.output += text;
    });
  }
  running.push(run);
  return run;
}

async function askApp(): Promise<Record<string, unknown>> {
  return (await fetch(`http://localhost:${ports.app}`)).json() as Promise<Record<string, unknown>>;
}

async function signingKey(): Promise<unknown> {
  const { keys } = (await (await fetch(`http://localhost:${ports.provider}/jwks`)).json()) as {
    keys: { kid: string }[];
  };
  return keys[0]?.kid;
}

/** Nobody listens, and no process is left that knows of this test's app. */
async function nothingRuns(): Promise<void> {
  const left = async () => [
    ...(await Promise.all(Object.values(ports).map(listens))),
    ...(await processes()).filter(({ args }) => args.includes(entry)),
  ];
  await expect.poll(left, { timeout: 10_000 }).toEqual([false, false, false]);
}

async function listens(port: number): Promise<boolean> {
  return fetch(`http://localhost:${port}`).then(
    () => true,
    () => false,
  );
}

function occupy(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(port, () => resolve(server));
  });
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => occupy(0)));
  const found = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return found;
}

async function processes(): Promise<{ pid: number; parent: number; args: string }[]> {
  const ps = spawn('ps', ['-eo', 'pid=,ppid=,args=']);
  let text = '';
  for await (const chunk of ps.stdout) text += chunk;
  return [...text.matchAll(/^ *(\d+) +(\d+) (.*)$/gm)].map(([, pid, parent, args = '']) => ({
    pid: Number(pid),
    parent: Number(parent),
    args,
  }));
}
