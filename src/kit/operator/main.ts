/** `npm run sessions`: an operator lists and ends sessions from the command line (OWASP ASVS 7.4.5). */
import { openStore } from '../assembly.ts';
import { type Config, ConfigError, loadConfig } from '../config/index.ts';
import { trustCas } from '../config/trusted-cas.ts';
import { type Audit, createAudit, createLog } from '../log/index.ts';
import { type Sessions, StoreError } from '../store/index.ts';
import { readArguments, UsageError, usage } from './arguments.ts';
import { collectEndings, type Endings } from './endings.ts';
import { createProgress, type Progress } from './progress.ts';
import { carryOut } from './sessions.ts';

/** 0 done, 1 the store did not answer, 2 a wrong command line, 78 wrong settings (EX_CONFIG of sysexits.h). */
const exit = { done: 0, failed: 1, usage: 2, config: 78 };

const inMemory = `REDIS_URL is not set, so sessions are kept in the memory of the running app, where no other command can reach
them. Restart the app to end them all.`;
const unfinished = ' Some sessions may be left: run the same command again when the store answers.';

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) process.exitCode = complain(exit.usage, `${error.message}\n\n${usage}`);
  else if (error instanceof ConfigError) process.exitCode = complain(exit.config, error.message);
  else throw error;
}

async function main(): Promise<number> {
  const order = readArguments(process.argv.slice(2));
  if (order.command === 'help') return answer(usage);
  const config = loadConfig(process.env);
  if (config.redis.urls.length === 0) return complain(exit.config, inMemory);
  trustCas(config.extraCas);
  const endings = collectEndings();
  const progress = createProgress({
    write: (text) => void process.stderr.write(text),
    // Where the log goes to the same terminal, no line stays in its place.
    inPlace: process.stderr.isTTY && !process.stdout.isTTY,
  });
  const sessions = await open(config, endings, progress);
  try {
    const said = await carryOut(order, sessions, config, progress.begin).finally(progress.end);
    return answer(said);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return complain(exit.failed, `${error.message}.${order.command === 'end' ? unfinished : ''}`);
  } finally {
    await endings.leaveIn(sessions);
    await sessions.close();
  }
}

/** The log goes where the app's goes, in the same form: what an operator ends leaves the same trail (ASVS 16.3). */
function open(config: Config, endings: Endings, progress: Progress): Promise<Sessions> {
  const log = createLog(config.logLevel);
  const write = createAudit(log);
  const audit: Audit = (event, details) => {
    // That the store is away is said in a sentence.
    if (event.startsWith('store.')) return;
    write(event, endings.keep(event, details));
    if (event === 'session.ended' && details.reason === 'operator') progress.count();
  };
  return openStore(config, log, audit);
}

function answer(text: string): number {
  console.log(text);
  return exit.done;
}

function complain(code: number, text: string): number {
  console.error(text);
  return code;
}
