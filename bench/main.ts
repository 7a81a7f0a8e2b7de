/**
 * `npm run bench`: what a sign-in costs here, on bare Express and with two well-known packages, in one run.
 *
 *   npm run bench                               ten minutes; writes bench/RESULTS.md
 *   npm run bench -- --quick                    under a minute and rough; prints only
 *   npm run bench -- --memory --sessions 100000 what the app itself holds after so many sign-ins
 *   npm run bench -- --soak --minutes 10        pages, sign-ins and sign-outs at half load
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { coldStarts } from './cold-start.ts';
import type { Surroundings } from './contestants.ts';
import { memoryOfSessions } from './memory.ts';
import { preparePage } from './pages.ts';
import { freePort, leaveServersCore, startBeside, until } from './processes.ts';
import { type BenchRedis, startRedis } from './redis.ts';
import * as results from './results.ts';
import { duel, inOrder, type Pace } from './rounds.ts';
import { prepareSignIns } from './sign-ins.ts';
import { soak } from './soak.ts';
import { anonymousVisits, sessionSize } from './visits.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
    sessions: { type: 'string', default: '100000' },
    soak: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
  },
});

interface Effort {
  pages: Pace;
  signIns: Pace;
  starts: number;
}

const quick: Effort = {
  pages: { coldRounds: 0, rounds: 2, warmUpSeconds: 0.3, seconds: 0.8 },
  signIns: { coldRounds: 0, rounds: 2, warmUpSeconds: 0.3, seconds: 1 },
  starts: 2,
};
const thorough: Effort = {
  pages: { coldRounds: 2, rounds: 7, warmUpSeconds: 1, seconds: 5 },
  signIns: { coldRounds: 2, rounds: 7, warmUpSeconds: 1, seconds: 5 },
  starts: 11,
};

const rough =
  'Rough: servers so young are still being compiled, and the longer program loses most. `npm run bench` measures.';

await main();
process.exit();

async function main(): Promise<void> {
  const missing = whatIsMissing();
  if (missing) {
    console.error(missing);
    process.exit(1);
  }
  leaveServersCore();
  const redis = await startRedis();
  const around = { issuer: await startProvider(), redisUrl: redis.url };
  if (options.memory) results.write([await measureMemory(around, redis)]);
  else if (options.soak) results.write([results.soakSection(await soak(around, Number(options.minutes)))]);
  else if (options.quick) {
    results.print(await measure(around, redis, quick));
    console.log(rough);
  } else results.write(await measure(around, redis, thorough));
}

async function measure(around: Surroundings, redis: BenchRedis, effort: Effort): Promise<results.Section[]> {
  const page = (running: Parameters<typeof preparePage>[0]) => preparePage(running, redis, effort.pages);
  const signIns = (running: Parameters<typeof prepareSignIns>[0]) =>
    prepareSignIns(running, around, effort.signIns);

  // The first duel answers "what does it cost?", the second "and what do others take for it?".
  const ground = await duel(['bare', 'bareCompiled', 'app', 'appMemory', 'eoc'], around, effort.pages, page);
  const others = await duel(['app', 'appTwo', 'eocRedis', 'authJs'], around, effort.pages, page);
  const entered = await duel(['app', 'eoc', 'eocRedis', 'authJs'], around, effort.signIns, signIns);
  const starts = await coldStarts(['bare', 'app', 'eoc', 'authJs'], around, effort.starts);
  const strangers = await inOrder(['app', 'eoc', 'eocRedis'] as const, async (name) => {
    return [name, await anonymousVisits(name, around, redis)] as const;
  });
  const sizes = await inOrder(['app', 'eocRedis'] as const, async (name) => {
    return [name, await sessionSize(name, around, redis)] as const;
  });
  return results.sections({ ground, others, entered, starts, strangers, sizes, effort });
}

async function measureMemory(around: Surroundings, redis: BenchRedis): Promise<results.Section> {
  const sessions = Number(options.sessions);
  return results.memorySection([
    ['app', await memoryOfSessions('app', around, redis, sessions)],
    ['appMemory', await memoryOfSessions('appMemory', around, redis, sessions)],
  ]);
}

async function startProvider(): Promise<string> {
  const port = await freePort();
  const file = fileURLToPath(new URL('provider-stub.ts', import.meta.url));
  startBeside(process.execPath, [file], { PORT: String(port) });
  const issuer = `http://127.0.0.1:${port}`;
  await until('the provider', () => fetch(`${issuer}/jwks`));
  return issuer;
}

/** In one sentence, what has to be installed first. */
function whatIsMissing(): string | undefined {
  if (!existsSync(new URL('node_modules/', import.meta.url))) return 'run npm --prefix bench ci first';
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
  } catch {
    return 'redis-server is not installed here; the bench needs it';
  }
}
