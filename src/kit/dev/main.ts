/**
 * `npm run dev`: the development providers and the sample API in one process, the app in another, which is
 * started again when a file changes. With providers of your own only the app. After the site come the names of the
 * development providers that start where no setting says which: an adopted app has `work` there, else both start.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../folders.ts';
import { aboutOneProvider, announcement, startsBoth } from './announcement.ts';
import type { AppMessage } from './app.ts';
import { createChildren } from './children.ts';
import { createOutput, showServers } from './console.ts';
import { makeKeptFolder } from './kept-folder.ts';
import type { LoadedMessage } from './loaded-files.ts';
import { exitConfig } from './misspelt-names.ts';
import { watchParents } from './parents.ts';
import { devPorts, portProblems } from './ports.ts';
import { startedProviders } from './providers.ts';
import { runAgain } from './restarts.ts';
import type { ServersMessage } from './servers.ts';
import { appEnvironment, authenticationProblems } from './settings.ts';
import { watchFiles } from './watched-files.ts';

const children = createChildren();
let stopping = false;
/** What else has to end when all does. */
const atStop: (() => void)[] = [];

const [site = '', ...byDefault] = process.argv.slice(2);
const problems = existsSync(site)
  ? [...readSettings(), ...authenticationProblems(process.env), ...(await portProblems(process.env))]
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
  const started = startedProviders(process.env);
  const options = started.length > 0 ? ['--gallery', `${ports.gallery}`] : [];
  const folder = makeKeptFolder();
  // With Redis, sessions outlive a restart anyway.
  if (!env.REDIS_URL && !env.REDIS_URL_FILE) options.push('--keep', folder);

  const servers = started.length > 0 ? await startServers(env.BASE_URL) : undefined;
  if (stopping) return;
  startApp(options, env, {
    first: () =>
      console.log(
        `\n${announcement(process.env, ports)
          .map((line) => `  ${line}\n`)
          .join('')}`,
      ),
    // It may have ended just now; then all ends.
    each: (appName) => servers?.send({ appName } satisfies ServersMessage, () => {}),
  });
}

/** Settles once they listen. */
async function startServers(baseUrl: string | undefined): Promise<ChildProcess> {
  const servers = children.start([file('./servers.ts')], { ...process.env, BASE_URL: baseUrl });
  showServers(servers);
  servers.once('exit', (code) => stop(code ?? 1));
  await new Promise((resolve) => servers.once('message', resolve).once('exit', resolve));
  return servers;
}

/** What is done when the app listens: for the first time, and each time. */
interface Listens {
  first(): void;
  each(appName: string): void;
}

/** Each time that a file changes, until all ends. */
function startApp(options: string[], env: NodeJS.ProcessEnv, listens: Listens): void {
  const output = createOutput();
  const command = ['--import', import.meta.resolve('./loaded-files.ts'), file('./app.ts'), site, ...options];
  let isUp = false;
  let listened = false;

  const files = watchFiles({
    folders: [dirname(site), file('..')],
    isUp: () => isUp,
    changed(paths) {
      console.log(`${namesOf(paths)} changed: restarting the app`);
      app.restart();
    },
  });
  // A package that was missing may be there now.
  files.add(join(projectRoot, 'package.json'));

  const app = runAgain({
    start() {
      isUp = false;
      const child = children.start(command, env);
      output.show(child);
      child.on('message', (message: AppMessage | LoadedMessage) => {
        if ('loaded' in message) return files.add(message.loaded);
        isUp = true;
        listens.each(message.name);
        if (listened) return;
        listened = true;
        listens.first();
        output.release();
      });
      return child;
    },
    end: children.end,
    ended(code) {
      isUp = false;
      // The settings come from outside: no change of a file makes them right.
      if (!listened && code === exitConfig) {
        stop(exitConfig);
        if (output.complaints().includes('`providers`') && startsBoth(process.env))
          console.error(aboutOneProvider);
        return;
      }
      output.release();
      console.log('The app is not running. It starts again when a file changes.');
    },
  });
  atStop.push(files.close, app.stop);
}

/** The first of the files, as seen from here, and how many more there are. */
function namesOf([first = '', ...others]: readonly string[]): string {
  const name = relative('', first);
  return others.length === 0 ? name : `${name} and ${others.length} more`;
}

function stop(code: number): void {
  if (stopping) return;
  stopping = true;
  process.exitCode = code;
  for (const end of atStop) end();
  children.endAll();
}

/** What is wrong with the settings that are read here. Those that name no provider mean the ones on the command line. */
function readSettings(): string[] {
  const wrong = readEnvFile();
  if (byDefault.length > 0 && !process.env.OIDC_PROVIDERS && !process.env.OIDC_ISSUER)
    process.env.OIDC_PROVIDERS = byDefault.join(',');
  return wrong;
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
