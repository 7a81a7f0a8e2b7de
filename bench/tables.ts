import type { Name } from './contestants.ts';
import { few, megabytes, round, table, title } from './results.ts';
import { medianOf, type Pace, type Samples } from './rounds.ts';

export function how({ warmUp, rounds, seconds }: Pace): string {
  return `${rounds} rounds of ${seconds} s after ${warmUp.least} to ${warmUp.most} s for warming up, 32 connections; medians.`;
}

export function pages(samples: Samples): string {
  const of = (name: Name, figure: string) => medianOf(samples, name, figure);
  return table(
    ['', 'pages/s', 'CPU µs', 'p50 ms', 'p99 ms', 'Redis', 'cookie B', 'header B', 'page B', 'heap', 'RSS'],
    [...samples.keys()].map((name) => [
      title(name),
      round(of(name, 'perSecond')),
      round(of(name, 'cpuMicros')),
      ...[of(name, 'p50'), of(name, 'p99')].map(few),
      few(of(name, 'redisCommands')),
      ...['cookieBytes', 'headerBytes', 'bodyBytes'].map((figure) => round(of(name, figure))),
      ...['heapUsed', 'rss'].map((figure) => megabytes(of(name, figure))),
    ]),
  );
}

export function signIns(samples: Samples): string {
  const of = (name: Name, figure: string) => medianOf(samples, name, figure);
  return table(
    ['', 'sign-ins/s', 'CPU ms', 'calls to the provider', 'server busy'],
    [...samples.keys()].map((name) => [
      title(name),
      round(of(name, 'perSecond')),
      few(of(name, 'cpuMicros') / 1000),
      few(of(name, 'providerCalls')),
      `${round(of(name, 'busy') * 100)} %`,
    ]),
  );
}
