/**
 * `npm run dev`: the development provider and the sample API in one process, the app in another, which
 * Node restarts when a file changes. With an OIDC_ISSUER of your own only the app.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pretty from 'pino-pretty';
import { appEnvironment, devPorts } from './settings.ts';

const sitePath = process.argv[2] ?? 'src/site.ts';
const ports = devPorts(process.env);
const ownProvider = !process.env.OIDC_ISSUER;
const children = new Set<ChildProcess>();
let stopping = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0));
watchParents();

const taken = await firstTakenPort();
if (taken) {
  console.error(
    `Port ${taken.port} is in use. End what listens there, or set ${taken.name} to another port.`,
  );
  process.exit(1);
}

const env = appEnvironment(process.env, ports);
if (ownProvider) await startServers();
startApp();
await announce();

async function startServers(): Promise<void> {
  const servers = start([file('./servers.ts'), sitePath], { ...process.env, BASE_URL: env.BASE_URL });
  servers.stdout?.pipe(process.stdout);
  servers.stderr?.on('data', (text: Buffer) => process.stderr.write(withoutNoise(text.toString())));
  servers.once('exit', (code) => stop(code ?? 1));
  await new Promise((resolve) => servers.once('message', resolve));
}

function startApp(): void {
  const entry = file('../../server.ts');
  const app = start(['--watch', '--watch-preserve-output', entry], env);
  app.stdout?.pipe(pretty({ ignore: 'pid,hostname,req', translateTime: 'SYS:HH:MM:ss', singleLine: true }));
  app.stderr?.pipe(process.stderr);
  app.once('exit', (code) => stop(code ?? 1));
}

/** Starts a Node process that ends when this one does: its standard input is a pipe nobody writes to. */
function start(args: string[], environment: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, ['--import', file('./leash.ts'), ...args], {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Says where to go, once the app answers. */
async function announce(): Promise<void> {
  while (!stopping && !(await answers(`http://localhost:${ports.app}/healthz`))) await sleep(100);
  if (stopping) return;
  console.log(`\n  The app     ${env.BASE_URL}`);
  if (ownProvider) {
    console.log(
      '  Sign in as  alice (role admin), bob (role member), carol (cancels) or others, one click each',
    );
    console.log(`  Provider    ${env.OIDC_ISSUER} (who is signed in, logout from there)`);
    console.log(`  Gallery     http://localhost:${ports.gallery}/dev/gallery (every page, every state)`);
  } else {
    console.log(`  Provider    ${env.OIDC_ISSUER} (from your .env)`);
  }
  console.log('  The app restarts when a file changes. Ctrl-C ends everything.\n');
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
  return answer !== undefined;
}

function stop(code: number): void {
  if (stopping) return;
  stopping = true;
  process.exitCode = code;
  for (const child of children) child.kill('SIGTERM');
  // A child that does not end by itself within ten seconds is ended.
  setTimeout(() => {
    for (const child of children) child.kill('SIGKILL');
  }, 10_000).unref();
}

/** npm, and the shell between it and us, may be killed without a word: then we have nobody to work for. */
function watchParents(): void {
  const parents = [process.ppid, parentOf(process.ppid)].filter((pid) => pid > 1);
  setInterval(() => parents.every(isAlive) || stop(0), 500).unref();
}

function parentOf(pid: number): number {
  try {
    if (process.platform !== 'linux') return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)]));
    return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^PPid:\s*(\d+)/m)?.[1]);
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function firstTakenPort() {
  const wanted = [
    { name: 'PORT', port: ports.app },
    ...(ownProvider
      ? [
          { name: 'DEV_PROVIDER_PORT', port: ports.provider },
          { name: 'DEV_API_PORT', port: ports.api },
        ]
      : []),
  ];
  for (const one of wanted) if (!(await isFree(one.port))) return one;
  return undefined;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, () => probe.close(() => resolve(true)));
  });
}

/** The provider library warns of each Node that is not yet called LTS; ours is pinned. */
function withoutNoise(text: string): string {
  return text.replace(/^.*oidc-provider WARNING: Unsupported runtime.*\n?/gm, '');
}

function file(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
