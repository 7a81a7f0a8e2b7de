import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { aboutStarts, startRatios } from './cold-start.ts';
import { contestants, type Name } from './contestants.ts';
import { measuredOn } from './machine.ts';
import { medianOf, type Pace, ratioOf, type Sample, type Samples } from './rounds.ts';
import type { SoakSample } from './soak.ts';

/** A heading of RESULTS.md and what stands below it. */
export interface Section {
  title: string;
  text: string;
}

export interface Measured {
  /** Pages: bare Express and this app; this app and others. */
  ground: Samples;
  others: Samples;
  /** Sign-ins. */
  entered: Samples;
  starts: Samples;
  strangers: (readonly [Name, Sample])[];
  sizes: (readonly [Name, Sample])[];
  effort: { pages: Pace; signIns: Pace; starts: number };
}

export function sections(measured: Measured): Section[] {
  const { ground, others, entered, starts, strangers, sizes, effort } = measured;
  const stranger = strangers[0]?.[1] ?? {};
  const { coldRounds, rounds, seconds } = effort.pages;
  return [
    { title: 'In short', text: inShort(measured) },
    {
      title: 'Pages of a signed-in user',
      text: `${rounds} rounds of ${seconds} s after ${coldRounds} for warming up, 32 connections; medians.\n\n${pages(ground)}\n\n${pages(others)}`,
    },
    { title: 'Sign-ins', text: signIns(entered) },
    {
      title: 'From the start to the first page',
      text: `${table(
        ['', 'ms'],
        [...starts.keys()].map((name) => [title(name), round(medianOf(starts, name, 'milliseconds'))]),
      )}\n\n${aboutStarts}`,
    },
    {
      title: 'A visitor at a protected page',
      text: table(
        ['', 'Redis commands', 'Set-Cookie bytes', 'keys left in Redis'],
        strangers.map(([name, s]) => [
          title(name),
          few(s.redisCommands),
          round(s.setCookieBytes),
          few(s.keysLeft),
        ]),
      ),
    },
    {
      title: 'A session in Redis, tokens included',
      text: table(
        ['', 'bytes', 'keys'],
        sizes.map(([name, s]) => [title(name), round(s.bytes), few(s.keys)]),
      ),
    },
  ];

  function inShort({ ground, others, entered, starts }: Measured): string {
    const page = (name: Name, samples = others) =>
      `${times(ratioOf(samples, 'app', name, 'perSecond'))} (CPU ${times(ratioOf(samples, name, 'app', 'cpuMicros'))})`;
    return table(
      ['what', 'measured', 'target'],
      [
        ['signed-in page on Redis, against the bare page', page('bare', ground), '≥ 1.25'],
        ['the same, the bare page with views compiled as here', page('bareCompiled', ground), ''],
        ['against express-openid-connect, cookie session', page('eoc', ground), '≥ 5'],
        ['against express-openid-connect, Redis session', page('eocRedis'), ''],
        ['against Auth.js', page('authJs'), '≥ 9'],
        [
          'two providers instead of one: pages',
          `${times(ratioOf(others, 'appTwo', 'app', 'perSecond'))} (CPU ${times(ratioOf(others, 'app', 'appTwo', 'cpuMicros'))})`,
          '≥ 0.97',
        ],
        ['two providers: Redis commands a page', few(medianOf(others, 'appTwo', 'redisCommands')), '1'],
        ['Redis commands a page', few(medianOf(ground, 'app', 'redisCommands')), '1'],
        ['request-cookie bytes a page', round(medianOf(ground, 'app', 'cookieBytes')), '≤ 100'],
        [
          'sign-ins, against express-openid-connect',
          `${times(ratioOf(entered, 'app', 'eoc', 'perSecond'))} (CPU ${times(ratioOf(entered, 'eoc', 'app', 'cpuMicros'))})`,
          '≥ 1.3',
        ],
        ['calls to the provider for a sign-in', few(medianOf(entered, 'app', 'providerCalls')), '2'],
        ['start to first page, against bare Express', times(startRatios(starts).plain), '≤ 2.0'],
        [
          'the same in a read-only container with the baked compile cache',
          times(startRatios(starts).inContainer),
          '≤ 2.0',
        ],
        ['a visitor: Redis commands', few(stranger.redisCommands), '0'],
        ['a visitor: Set-Cookie bytes', round(stranger.setCookieBytes), '≤ 450'],
      ],
    );
  }
}

export function memorySection(rows: [Name, Sample][]): Section {
  const head = ['', 'sessions', 'heap before', 'heap after', 'RSS before', 'RSS after', 'Redis a session'];
  const text = table(
    head,
    rows.map(([name, s]) => [
      title(name),
      round(s.sessions),
      ...[s.heapBefore, s.heapAfter, s.rssBefore, s.rssAfter].map(megabytes),
      contestants[name].redis ? `${round(s.redisBytesPerSession)} B` : '–',
    ]),
  );
  return { title: 'Memory of many sessions', text: `${measuredOn()}\n\n${text}` };
}

export function soakSection(samples: SoakSample[]): Section {
  const rows = samples.map((s) => [
    round(s.seconds),
    round(s.visits),
    megabytes(s.heapUsed),
    megabytes(s.rss),
    round(s.handles),
  ]);
  const text = table(['second', 'visits so far', 'heap', 'RSS', 'handles'], rows);
  const visit =
    'A visit is a sign-in, ten pages and a sign-out. The first line is warm, before the load; the last is after it.';
  return { title: 'Soak at half load', text: `${measuredOn()} ${visit}\n\n${text}` };
}

export function print(sections: Section[]): void {
  console.log(sections.map(({ title, text }) => `## ${title}\n\n${text}\n`).join('\n'));
}

/** Prints the sections and puts them into RESULTS.md; sections of other runs stay. */
export function write(fresh: Section[]): void {
  print(fresh);
  const file = new URL('RESULTS.md', import.meta.url);
  const old = existsSync(file) ? readFileSync(file, 'utf8').split(/^## /m).slice(1) : [];
  const kept = new Map(
    old.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n')).trim()]),
  );
  for (const { title, text } of fresh)
    kept.set(title, title === 'In short' ? `${measuredOn()}\n\n${text}` : text);
  const body = [...kept].map(([title, text]) => `## ${title}\n\n${text}\n`).join('\n');
  writeFileSync(file, `# What a sign-in costs\n\n${preamble}\n\n${body}`);
}

const preamble = `Written by \`npm run bench\`. Machines differ: what counts is the ratio, taken within each round.

All print this app's /profile with the same model and the same views; the others print it with
\`ejs.renderFile\`, as is usual. Over http on loopback: on https the session cookie's name is seven bytes
longer. This app logs from \`warn\` on, since the others log no requests at all. A sign-in of this app verifies the
ID token's signature and calls userinfo; express-openid-connect and Auth.js do neither by default.`;

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

function signIns(samples: Samples): string {
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

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

export const title = (name: Name) => contestants[name].title;
export const round = (value = Number.NaN) => value.toFixed(0);
export const few = (value = Number.NaN) => value.toFixed(2).replace(/\.00$/, '');
export const times = (value: number) => `${value.toFixed(2)} ×`;
const megabytes = (value = Number.NaN) => `${(value / 2 ** 20).toFixed(1)} MB`;
