import { aboutStarts, startRatios } from './cold-start.ts';
import type { Name } from './contestants.ts';
import { few, round, type Section, table, times, title } from './results.ts';
import { type Effort, medianOf, ratioOf, type Sample, type Samples } from './rounds.ts';
import { how, pages, signIns } from './tables.ts';

export interface Measured {
  /** Pages: bare Express and this app; this app and others. */
  ground: Samples;
  others: Samples;
  /** The article's app beside this one, each alone on one core; and all on all cores. Without a .NET SDK neither is measured. */
  article: Samples | undefined;
  free: Samples | undefined;
  /** Sign-ins. */
  entered: Samples;
  /** What a sign-in sends to Redis. */
  commands: (readonly [Name, Sample])[];
  starts: Samples;
  strangers: (readonly [Name, Sample])[];
  sizes: (readonly [Name, Sample])[];
  effort: Effort;
}

export function sections(measured: Measured): Section[] {
  const { ground, others, entered, starts, strangers, sizes, effort } = measured;
  const stranger = strangers[0]?.[1] ?? {};
  return [
    { title: 'In short', text: inShort(measured) },
    {
      title: 'Pages of a signed-in user',
      text: `${how(effort.pages)}\n\n${pages(ground)}\n\n${pages(others)}`,
    },
    ...(measured.article
      ? [{ title: 'Pages beside ASP.NET Core, on one core', text: pages(measured.article) }]
      : []),
    ...(measured.free
      ? [
          {
            title: 'Pages beside ASP.NET Core, on all cores',
            text: `As many processes of this app as the machine has cores, against one of theirs, which uses all; the load and Redis are on the same cores. CPU and memory are those of all processes together.\n\n${pages(measured.free)}`,
          },
        ]
      : []),
    { title: 'Sign-ins', text: signIns(entered) },
    {
      title: 'What a sign-in sends to Redis',
      text: `Whole commands on the wire; those inside scripts are not counted. A wait is one way to Redis and back between the provider’s last answer and the callback’s own, and what is sent together waits once.\n\n${table(
        ['', 'commands', 'waits behind the provider'],
        measured.commands.map(([name, s]) => [title(name), few(s.commands), few(s.waits)]),
      )}`,
    },
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
        ...besideArticle(measured),
        ['Redis commands of a sign-in', few(measured.commands[0]?.[1].commands), '≤ 6'],
        ['of them one after the other behind the provider', few(measured.commands[0]?.[1].waits), '≤ 2'],
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

/** What is compared with the article's app. */
function besideArticle({ article, free, entered }: Measured): string[][] {
  const row = (what: string, samples: Samples | undefined, here: Name, theirs: Name, target: string) =>
    samples ? [[what, times(ratioOf(samples, here, theirs, 'perSecond')), target]] : [];
  return [
    ...row('against ASP.NET Core on one core, cookie', article, 'app', 'aspCookie', '≥ 2.2'),
    ...row('against ASP.NET Core on one core, Redis', article, 'app', 'aspRedis', '≥ 2.2'),
    ...row('on all cores, against ASP.NET Core, cookie', free, 'appWorkers', 'aspCookie', '≥ 1.5'),
    ...row('on all cores, against ASP.NET Core, Redis', free, 'appWorkers', 'aspRedis', '≥ 1.5'),
    ...row('sign-ins, against ASP.NET Core, Redis', article && entered, 'app', 'aspRedis', '≥ 1'),
  ];
}
