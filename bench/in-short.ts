import { startRatios } from './cold-start.ts';
import type { Name } from './contestants.ts';
import type { Measured } from './everything-results.ts';
import { few, range, round, table, times } from './results.ts';
import { medianOf, ratioOf, type Samples } from './rounds.ts';

/** One figure that counts: without a value where a run could not measure it. */
interface Row {
  readonly what: string;
  readonly target: string;
  readonly value: (run: Measured) => number | undefined;
  /** The same as CPU; a server may be held up by what is not its own. */
  readonly cpu?: (run: Measured) => number | undefined;
  readonly as?: (value: number) => string;
}

/** Each row as the range over all runs. */
export function inShort(runs: readonly Measured[]): string {
  return table(
    ['what', runs.length > 1 ? `measured, ${runs.length} runs` : 'measured', 'target'],
    rows.flatMap(({ what, target, value, cpu, as = times }) => {
      const measured = range(runs.map(value), as);
      const ofCpu = cpu && range(runs.map(cpu), times);
      return measured === undefined ? [] : [[what, ofCpu ? `${measured} (CPU ${ofCpu})` : measured, target]];
    }),
  );
}

/** How many times as many as another; of CPU, how many times as much it takes. */
function against(duel: (run: Measured) => Samples | undefined, here: Name, there: Name) {
  const ratio = (run: Measured, [one, other]: [Name, Name], figure: string) => {
    const samples = duel(run);
    return samples?.has(one) && samples.has(other) ? ratioOf(samples, one, other, figure) : undefined;
  };
  return {
    value: (run: Measured) => ratio(run, [here, there], 'perSecond'),
    cpu: (run: Measured) => ratio(run, [there, here], 'cpuMicros'),
  };
}

const commands = ({ commands }: Measured) => commands[0]?.[1];
const stranger = ({ strangers }: Measured) => strangers[0]?.[1];
const slowest = ({ free }: Measured, there: Name) => free && ratioOf(free, 'appWorkers', there, 'p99');

const rows: readonly Row[] = [
  {
    what: 'a page against ASP.NET Core on one core, cookie',
    ...against(({ article }) => article, 'app', 'aspCookie'),
    target: '≥ 2.2',
  },
  { what: 'the same, Redis', ...against(({ article }) => article, 'app', 'aspRedis'), target: '≥ 2.2' },
  {
    what: 'as many processes as cores against ASP.NET Core on all cores, cookie',
    ...against(({ free }) => free, 'appWorkers', 'aspCookie'),
    target: '≥ 1.5',
  },
  { what: 'the same, Redis', ...against(({ free }) => free, 'appWorkers', 'aspRedis'), target: '≥ 1.5' },
  { what: 'p99 there, cookie', value: (run) => slowest(run, 'aspCookie'), target: '≤ 1' },
  { what: 'p99 there, Redis', value: (run) => slowest(run, 'aspRedis'), target: '≤ 1' },
  {
    what: 'a page against bare Express with views compiled as here',
    ...against(({ ground }) => ground, 'app', 'bareCompiled'),
    target: '≥ 1.1',
  },
  {
    what: 'a page against bare Express',
    ...against(({ ground }) => ground, 'app', 'bare'),
    target: '≥ 1.25',
  },
  {
    what: 'a page in memory against a page on Redis',
    ...against(({ ground }) => ground, 'appMemory', 'app'),
    target: '≥ 1.0',
  },
  {
    what: 'a page against express-openid-connect, cookie',
    ...against(({ ground }) => ground, 'app', 'eoc'),
    target: '≥ 5',
  },
  { what: 'the same, Redis', ...against(({ others }) => others, 'app', 'eocRedis'), target: '' },
  {
    what: 'a page against Auth.js',
    ...against(({ others }) => others, 'app', 'authJs'),
    target: '≥ 9',
  },
  {
    what: 'a page with two providers instead of one',
    ...against(({ others }) => others, 'appTwo', 'app'),
    target: '≥ 0.97',
  },
  {
    what: 'sign-ins against ASP.NET Core, Redis',
    ...against(({ entered }) => entered, 'app', 'aspRedis'),
    target: '≥ 1.0',
  },
  {
    what: 'sign-ins against ASP.NET Core, cookie',
    ...against(({ entered }) => entered, 'app', 'aspCookie'),
    target: '',
  },
  {
    what: 'sign-ins against express-openid-connect, cookie',
    ...against(({ entered }) => entered, 'app', 'eoc'),
    target: '≥ 1.6',
  },
  { what: 'the same, Redis', ...against(({ entered }) => entered, 'app', 'eocRedis'), target: '≥ 1.2' },
  {
    what: 'Redis commands of a sign-in, on the wire',
    value: (run) => commands(run)?.commands,
    as: few,
    target: '≤ 6',
  },
  {
    what: 'of them one after the other behind the provider’s answer',
    value: (run) => commands(run)?.waits,
    as: few,
    target: '≤ 2',
  },
  {
    what: 'calls to the provider for a sign-in',
    value: ({ entered }) => medianOf(entered, 'app', 'providerCalls'),
    as: few,
    target: '2',
  },
  {
    what: 'start to first page against bare Express',
    value: ({ starts }) => startRatios(starts).plain,
    target: '≤ 2.0',
  },
  {
    what: 'the same in a read-only container with the baked compile cache',
    value: ({ starts }) => startRatios(starts).inContainer,
    target: '≤ 2.0',
  },
  {
    what: 'bytes a session in Redis',
    value: ({ sizes }) => sizes[0]?.[1].bytes,
    as: round,
    target: '≤ 2400',
  },
  {
    what: 'Redis commands a page',
    value: ({ ground }) => medianOf(ground, 'app', 'redisCommands'),
    as: few,
    target: '1',
  },
  {
    what: 'the same with two providers',
    value: ({ others }) => medianOf(others, 'appTwo', 'redisCommands'),
    as: few,
    target: '1',
  },
  {
    what: 'bytes of cookies in a page’s request',
    value: ({ ground }) => medianOf(ground, 'app', 'cookieBytes'),
    as: round,
    target: '≤ 100',
  },
  {
    what: 'Redis commands of a visitor',
    value: (run) => stranger(run)?.redisCommands,
    as: few,
    target: '0',
  },
  {
    what: 'bytes of Set-Cookie for a visitor',
    value: (run) => stranger(run)?.setCookieBytes,
    as: round,
    target: '≤ 450',
  },
];
