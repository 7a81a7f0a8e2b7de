import { aboutStarts } from './cold-start.ts';
import type { Name } from './contestants.ts';
import { inShort } from './in-short.ts';
import { few, round, type Section, table, title } from './results.ts';
import { type Effort, medianOf, type Sample, type Samples } from './rounds.ts';
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

/** "In short" is the range over all runs, what follows is the last of them. */
export function sections(runs: readonly [...Measured[], Measured]): Section[] {
  const measured = runs.at(-1) as Measured;
  const { ground, others, entered, starts, strangers, sizes, effort } = measured;
  return [
    { title: 'In short', text: inShort(runs) },
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
}
