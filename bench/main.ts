/**
 * `npm run bench`: what a sign-in costs here, on bare Express and with two well-known packages, in one run.
 *
 *   npm run bench                               ten minutes; writes bench/RESULTS.md
 *   npm run bench -- --quick                    under a minute and rough; prints only
 *   npm run bench -- --proxy                    calls to an API through `proxy` and by hand; --quick for a rough one
 *   npm run bench -- --against ../before        pages of this checkout and of another; --quick for a rough one
 *   npm run bench -- --memory --sessions 100000 what the app itself holds after so many sign-ins
 *   npm run bench -- --soak --minutes 10        pages, sign-ins and sign-outs at half load
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { apiCalls, prepareApiCall } from './api-calls.ts';
import { coldStarts, startedUp } from './cold-start.ts';
import type { Running, Surroundings } from './contestants.ts';
import { memoryOfSessions } from './memory.ts';
import { againstSection, proxySection } from './more-results.ts';
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
    proxy: { type: 'boolean', default: false },
    against: { type: 'string' },
    memory: { type: 'boolean', default: false },
    sessions: { type: 'string', default: '100000' },
    soak: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
  },
});

interface Effort {
  pages: Pace;
  calls: Pace;
  signIns: Pace;
  starts: number;
}

const quick: Effort = {
  pages: { coldRounds: 0, rounds: 2, warmUpSeconds: 0.3, seconds: 0.8 },
  calls: { coldRounds: 1, rounds: 5, warmUpSeconds: 0.3, seconds: 1 },
  signIns: { coldRounds: 0, rounds: 2, warmUpSeconds: 0.3, seconds: 1 },
  starts: 2,
};
const thorough: Effort = {
  pages: { coldRounds: 2, rounds: 7, warmUpSeconds: 1, seconds: 5 },
  calls: { coldRounds: 2, rounds: 7, warmUpSeconds: 1, seconds: 3 },
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
  const around = {
    issuer: await startStub('provider-stub.ts'),
    redisUrl: redis.url,
    apiUrl: await startStub('api-stub.ts'),
    against: options.against === undefined ? undefined : resolve(options.against),
  };
  const effort = options.quick ? quick : thorough;
  if (options.proxy) report([await measureProxy(around, redis, effort)]);
  else if (options.against !== undefined) report([await measureAgainst(around, redis, effort)]);
  else if (options.memory) results.write([await measureMemory(around, redis)]);
  else if (options.soak) results.write([results.soakSection(await soak(around, Number(options.minutes)))]);
  else report([...(await measure(around, redis, effort)), await measureProxy(around, redis, effort)]);
}

function report(sections: results.Section[]): void {
  if (options.quick) {
    results.print(sections);
    console.log(rough);
  } else results.write(sections);
}

async function measure(around: Surroundings, redis: BenchRedis, effort: Effort): Promise<results.Section[]> {
  const page = (running: Parameters<typeof preparePage>[0]) => preparePage(running, redis, effort.pages);
  const signIns = (running: Parameters<typeof prepareSignIns>[0]) =>
    prepareSignIns(running, around, effort.signIns);

  // The first duel answers "what does it cost?", the second "and what do others take for it?".
  const ground = await duel(['bare', 'bareCompiled', 'app', 'appMemory', 'eoc'], around, effort.pages, page);
  const others = await duel(['app', 'appTwo', 'eocRedis', 'authJs'], around, effort.pages, page);
  const entered = await duel(['app', 'eoc', 'eocRedis', 'authJs'], around, effort.signIns, signIns);
  const starts = await coldStarts(startedUp, around, effort.starts);
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

/** Calls to an API behind the app, and the same by hand. */
async function measureProxy(
  around: Surroundings,
  redis: BenchRedis,
  { calls }: Effort,
): Promise<results.Section> {
  const measured = await inOrder(apiCalls, async (call) => {
    const prepare = (running: Running) => prepareApiCall(running, redis, calls, call);
    return [call, await duel(['appProxy', 'byHand'], around, calls, prepare)] as const;
  });
  return proxySection(measured, calls);
}

/** What a page costs here and in another checkout. */
async function measureAgainst(
  around: Surroundings,
  redis: BenchRedis,
  { pages }: Effort,
): Promise<results.Section> {
  const prepare = (running: Running) => preparePage(running, redis, pages);
  return againstSection(await duel(['app', 'before'], around, pages, prepare), pages);
}

/** The provider, or the API: a server beside the load. */
async function startStub(name: string): Promise<string> {
  const port = await freePort();
  const file = fileURLToPath(new URL(name, import.meta.url));
  startBeside(process.execPath, [file], { PORT: String(port) });
  const url = `http://127.0.0.1:${port}`;
  await until(name, () => fetch(url));
  return url;
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
