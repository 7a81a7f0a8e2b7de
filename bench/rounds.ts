import { type Name, type Running, type Surroundings, start } from './contestants.ts';
import { type WarmUp, warmUp } from './warm-up.ts';

/** One measurement: figures by name. */
export type Sample = Record<string, number>;
export type Samples = Map<Name, Sample[]>;

/** Loads a server for so many seconds, and tells what it did and what that took. */
export type Measure = (seconds: number) => Promise<Sample>;

/** How thoroughly to measure. */
export interface Pace {
  readonly warmUp: WarmUp;
  readonly rounds: number;
  readonly seconds: number;
}

export interface Effort {
  readonly pages: Pace;
  readonly calls: Pace;
  readonly signIns: Pace;
  readonly starts: number;
}

/** For `--quick`: shows a loss of a tenth. */
export const quick: Effort = {
  pages: { warmUp: { least: 6, most: 20 }, rounds: 81, seconds: 0.12 },
  calls: { warmUp: { least: 4, most: 10 }, rounds: 21, seconds: 0.3 },
  signIns: { warmUp: { least: 6, most: 20 }, rounds: 41, seconds: 0.25 },
  starts: 3,
};
/** Several runs of it say more than longer ones: servers that were just started differ more than rounds do. */
export const thorough: Effort = {
  pages: { warmUp: { least: 8, most: 40 }, rounds: 31, seconds: 0.3 },
  calls: { warmUp: { least: 6, most: 20 }, rounds: 21, seconds: 0.4 },
  signIns: { warmUp: { least: 8, most: 40 }, rounds: 21, seconds: 0.5 },
  starts: 7,
};

/**
 * Only the servers of one duel are up, and they take turns (A B C C B A …): whatever else the machine
 * does meanwhile falls on all of them alike. What counts is the ratio within a round: a machine that is shared
 * may be a third slower for some seconds, so rounds are short, and many.
 */
export async function duel<T extends Name>(
  names: readonly T[],
  around: Surroundings,
  pace: Pace,
  prepare: (running: Running) => Promise<Measure>,
): Promise<Samples> {
  const running = await Promise.all(names.map((name) => start(name, around)));
  const turns = (await inOrder(running, prepare)).map((measure, i) => ({ name: names[i] as T, measure }));
  const say = (what: string) => process.stderr.write(`\r\x1b[K${names.join(' · ')}: ${what}`);
  say('warming up');
  await warmUp(
    turns.map(
      ({ measure }) =>
        async (seconds) =>
          (await measure(seconds)).perSecond as number,
    ),
    pace.warmUp,
  );
  const samples: Samples = new Map(names.map((name) => [name, []]));
  for (let round = 1; round <= pace.rounds; round += 1) {
    for (const { name, measure } of turns) {
      say(`round ${round} of ${pace.rounds}, ${name}`);
      samples.get(name)?.push(await measure(pace.seconds));
    }
    turns.reverse();
  }
  process.stderr.write('\r\x1b[K');
  // Only now: the collection before it throws away what V8 had compiled, and the next round would begin anew.
  for (const { name, server } of running) {
    const { rss, heapUsed } = await server.memory();
    for (const sample of samples.get(name as T) ?? []) Object.assign(sample, { rss, heapUsed });
  }
  await Promise.all(running.map(({ server }) => server.stop()));
  return samples;
}

/**
 * Several duels, each with servers that were just started, as one: two processes of one program may differ by a tenth for
 * as long as they live, as V8 compiles in the order in which things happen.
 */
export async function duels(times: number, fight: () => Promise<Samples>): Promise<Samples> {
  const all: Samples = new Map();
  for (let time = 0; time < times; time += 1) {
    for (const [name, samples] of await fight()) all.set(name, [...(all.get(name) ?? []), ...samples]);
  }
  return all;
}

/** The median over the rounds of one figure. */
export function medianOf(samples: Samples, name: Name, figure: string): number {
  return median((samples.get(name) ?? []).map((sample) => sample[figure] ?? Number.NaN));
}

/** The median of the ratios within each round. */
export function ratioOf(samples: Samples, name: Name, other: Name, figure: string): number {
  const others = samples.get(other) ?? [];
  const ratios = (samples.get(name) ?? []).map(
    (sample, i) => (sample[figure] ?? 0) / (others[i]?.[figure] ?? 0),
  );
  return median(ratios);
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export async function inOrder<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await run(item));
  return results;
}
