import { enableCompileCache } from 'node:module';
import type { Config } from './kit/config/index.ts';

// Before anything else is loaded: Node then keeps what it compiled, and the next start takes a third less.
enableCompileCache();
const { ConfigError, loadConfig } = await import('./kit/config/index.ts');
const { createLog } = await import('./kit/log/index.ts');
const { start } = await import('./kit/start.ts');

/** EX_CONFIG of sysexits.h: a supervisor need not start us again before somebody fixes the settings. */
const exitConfig = 78;

const config = settings();
const log = createLog(config.logLevel);

// The last resort: whatever nobody caught leaves the process in a state that nobody knows.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => {
    log.fatal({ err: error }, event);
    process.exit(1);
  });
}

let stopping = false;
const starting = start(config, log);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, async () => {
    // npm passes a Ctrl-C on that the terminal has sent to us already.
    if (stopping) return;
    stopping = true;
    log.info(`${signal}: stopping`);
    await (await starting).stop();
    process.exit(0);
  });
}

try {
  const app = await starting;
  log.info(`listening on ${app.url}`);
} catch (error) {
  const { syscall, code } = error as { syscall?: string; code?: string };
  if (syscall !== 'listen') throw error;
  const { host = '', port } = config;
  console.error(
    code === 'EADDRINUSE'
      ? `Port ${port} is in use. Stop what uses it, or set PORT (and BASE_URL) to another.`
      : `The app cannot listen on ${host}:${port} (${code}). Set HOST and PORT to an address that this machine and user may use.`,
  );
  process.exit(1);
}

function settings(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(['The app cannot start:', ...error.problems.map((problem) => `- ${problem}`)].join('\n'));
    process.exit(exitConfig);
  }
}
