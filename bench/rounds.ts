import { type Name, type Running, type Surroundings, start } from './contestants.ts';

/** One measurement: figures by name. */
export type Sample = Record<string, number>;
export type Samples = Map<Name, Sample[]>;

/** How thoroughly to measure. */
export interface Pace {
  /** Rounds before those that count: a server is compiled while it runs, and a longer program takes longer. */
  readonly coldRounds: number;
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface Effort {
  readonly pages: Pace;
  readonly calls: Pace;
  readonly signIns: Pace;
  readonly starts: number;
}

/** For `--quick`: too rough for small differences. */
export const quick: Effort = {
  pages: { coldRounds: 0, rounds: 2, warmUpSeconds: 0.3, seconds: 0.8 },
  calls: { coldRounds: 1, rounds: 5, warmUpSeconds: 0.3, seconds: 1 },
  signIns: { coldRounds: 0, rounds: 2, warmUpSeconds: 0.3, seconds: 1 },
  starts: 2,
};
export const thorough: Effort = {
  pages: { coldRounds: 2, rounds: 7, warmUpSeconds: 1, seconds: 5 },
  calls: { coldRounds: 2, rounds: 7, warmUpSeconds: 1, seconds: 3 },
  signIns: { coldRounds: 2, rounds: 7, warmUpSeconds: 1, seconds: 5 },
  starts: 11,
};

/**
 * Only the servers of one duel are up, and they take turns (A B C A B C …): whatever else the machine
 * does meanwhile falls on all of them alike. What counts is the ratio within a round.
 */
export async function duel<T extends Name>(
  names: readonly T[],
  around: Surroundings,
  { coldRounds, rounds }: Pace,
  prepare: (running: Running) => Promise<() => Promise<Sample>>,
): Promise<Samples> {
  const running = await Promise.all(names.map((name) => start(name, around)));
  const measures = await inOrder(running, prepare);
  const samples: Samples = new Map(names.map((name) => [name, []]));
  for (let round = 1 - coldRounds; round <= rounds; round += 1) {
    for (const [index, name] of names.entries()) {
      process.stderr.write(`\r\x1b[K${names.join(' · ')}: round ${round} of ${rounds}, ${name}`);
      const sample = await (measures[index] as () => Promise<Sample>)();
      if (round > 0) samples.get(name)?.push(sample);
    }
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

function median(values: number[]): number {
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
