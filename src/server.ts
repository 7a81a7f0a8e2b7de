import { type Config, ConfigError, loadConfig } from './config.ts';
import { createLog } from './log.ts';
import { start } from './start.ts';

/** EX_CONFIG of sysexits.h: a supervisor need not start us again before somebody mends the settings. */
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

try {
  const app = await start(config, log);
  log.info(`listening on ${app.url}`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, async () => {
      log.info(`${signal}: stopping`);
      await app.stop();
      process.exit(0);
    });
  }
} catch (error) {
  if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
  console.error(`Port ${config.port} is in use. Stop what uses it, or set PORT (and BASE_URL) to another.`);
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
