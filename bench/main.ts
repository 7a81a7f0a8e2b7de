/**
 * `npm run bench`: what a page and a sign-in cost here and elsewhere, in one run. `--help` lists what else it measures;
 * with `--quick` each is rougher, and is printed only.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { against } from './against.ts';
import { everything } from './everything.ts';
import { feel } from './feel.ts';
import { growth } from './growth.ts';
import { hourlyCalls } from './hourly-calls.ts';
import { memory } from './memory.ts';
import type { Mode } from './mode.ts';
import { notes } from './notes.ts';
import { partsOfPages } from './parts.ts';
import { leaveServersCore, startStub } from './processes.ts';
import { proxy } from './proxy.ts';
import { recheckHerd } from './recheck-herd.ts';
import { startRedis } from './redis.ts';
import { print, write } from './results.ts';
import { soak } from './soak.ts';

const modes: Readonly<Record<string, Mode>> = {
  ...{ against, feel, growth, memory, notes, parts: partsOfPages, proxy, soak },
  'hourly-calls': hourlyCalls,
  'recheck-herd': recheckHerd,
};

await main();
process.exit();

async function main(): Promise<void> {
  const { values } = parseArgs({ options: optionsOf([['', everything], ...Object.entries(modes)]) });
  if (values.help) return console.log(help());
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
  };
  const [, mode = everything] = Object.entries(modes).find(([name]) => values[name] !== undefined) ?? [];
  const quick = values.quick === true;
  const options = values as Record<string, string>;
  const sections = await mode.run({ around, redis, quick, options });
  if (quick) print(sections);
  else write(sections);
}

function optionsOf(all: [string, Mode][]): ParseArgsOptionsConfig {
  const options: ParseArgsOptionsConfig = { quick: { type: 'boolean' }, help: { type: 'boolean' } };
  for (const [name, { value, options: own = {} }] of all) {
    if (name) options[name] = { type: value ? 'string' : 'boolean' };
    for (const [option, standard] of Object.entries(own))
      options[option] = { type: 'string', default: standard };
  }
  return options;
}

function help(): string {
  const lines = [['', everything] as const, ...Object.entries(modes)].map(([name, mode]) => {
    const own = Object.entries(mode.options ?? {}).map(([option, standard]) => `--${option} ${standard}`);
    const call = [name && `--${name}`, mode.value ?? '', ...own].filter(Boolean).join(' ');
    return [call, mode.about] as const;
  });
  return lines.map(([call, about]) => `npm run bench -- ${call.padEnd(32)} ${about}`).join('\n');
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
