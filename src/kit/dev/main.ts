/**
 * `npm run dev`: the development provider and the sample API in one process, the app in another, which
 * Node restarts when a file changes. With an OIDC_ISSUER of your own only the app.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AppMessage } from './app.ts';
import { createChildren } from './children.ts';
import { showApp, showServers } from './console.ts';
import { makeKeptFolder } from './kept-folder.ts';
import { watchParents } from './parents.ts';
import { devPorts, portProblems } from './ports.ts';
import { appEnvironment } from './settings.ts';

/** EX_CONFIG of sysexits.h, with which the app ends when its settings are wrong. */
const exitConfig = 78;

const children = createChildren();
let stopping = false;

const [site = ''] = process.argv.slice(2);
const problems = existsSync(site)
  ? [...readEnvFile(), ...(await portProblems(process.env))]
  : ['Say where the site is: npm run dev is `node src/kit/dev/main.ts src/site.ts`.'];

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
} else {
  await runDevelopment();
}

async function runDevelopment(): Promise<void> {
  // SIGBREAK is Ctrl-Break on Windows, SIGHUP a terminal that closes.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] as const)
    process.on(signal, () => stop(0));
  watchParents(() => stop(0));

  const ports = devPorts(process.env);
  const env = appEnvironment(process.env, ports);
  const ownProvider = !process.env.OIDC_ISSUER;
  const options = ownProvider ? ['--gallery', `${ports.gallery}`] : [];
  // With Redis, sessions outlive a restart anyway.
  if (!env.REDIS_URL && !env.REDIS_URL_FILE) options.push('--keep', makeKeptFolder());

  if (ownProvider) await startServers(env.BASE_URL);
  if (!stopping) startApp(options, env, () => announce(env, ownProvider ? ports.gallery : undefined));
}

/** Settles once they listen. */
async function startServers(baseUrl: string | undefined): Promise<void> {
  const servers = children.start([file('./servers.ts')], { ...process.env, BASE_URL: baseUrl });
  showServers(servers);
  servers.once('exit', (code) => stop(code ?? 1));
  await new Promise((resolve) => servers.once('message', resolve).once('exit', resolve));
}

/** @param announce is called once, when the app listens for the first time */
function startApp(options: string[], env: NodeJS.ProcessEnv, announce: () => void): void {
  const command = [file('./app.ts'), site, ...options];
  const app = children.start(['--watch', '--watch-preserve-output', ...command], env);
  const output = showApp(app, command.join(' '));
  let listened = false;
  // Node's own messages about watched files come this way too.
  app.on('message', (message: AppMessage | { app?: never }) => {
    if (listened) return;
    if (message.app === 'listens') {
      listened = true;
      announce();
      output.release();
    }
    // The settings come from outside: no change of a file makes them right.
    if (message.app === 'ended' && message.code === exitConfig) stop(exitConfig);
  });
  app.once('exit', (code) => stop(code ?? 1));
}

function announce(env: NodeJS.ProcessEnv, gallery: number | undefined): void {
  const lines = [`The app     ${env.BASE_URL}`];
  if (gallery !== undefined) {
    lines.push(
      'Sign in as  alice (role admin), bob (role member), carol (cancels) or others, one click each',
      `Provider    ${env.OIDC_ISSUER} (who is signed in, logout from there)`,
      `Gallery     http://localhost:${gallery}/dev/gallery (the kit's pages in every state)`,
    );
  } else {
    lines.push(`Provider    ${env.OIDC_ISSUER} (from your settings)`);
  }
  lines.push('The app restarts when a file changes; sessions stay. Ctrl-C ends everything.');
  console.log(`\n${lines.map((line) => `  ${line}\n`).join('')}`);
}

function stop(code: number): void {
  if (stopping) return;
  stopping = true;
  process.exitCode = code;
  children.end();
}

/** What is wrong with `.env`, where there is one. What the environment says already counts more. */
function readEnvFile(): string[] {
  if (!existsSync('.env')) return [];
  try {
    process.loadEnvFile('.env');
    return [];
  } catch (error) {
    return [`.env cannot be read (${(error as NodeJS.ErrnoException).code}).`];
  }
}

function file(path: string): string {
  return fileURLToPath(import.meta.resolve(path));
}
