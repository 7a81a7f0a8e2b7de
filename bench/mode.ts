import type { Surroundings } from './contestants.ts';
import type { BenchRedis } from './redis.ts';
import type { Section } from './results.ts';

/** What `npm run bench -- --<name>` measures instead of all that stands in "In short". */
export interface Mode {
  /** For the list that `--help` prints. */
  readonly about: string;
  /** It takes a value, `--against ../before`; this is what stands for it in the list. */
  readonly value?: string;
  /** Options of its own, each with what counts where it is not given. */
  readonly options?: Readonly<Record<string, string>>;
  /** What it answers with is printed and, without `--quick`, written into RESULTS.md. */
  run(bench: Bench): Promise<Section[]>;
}

/** What main.ts hands to a mode: all that is up already, and how it was called. */
export interface Bench {
  readonly around: Surroundings;
  readonly redis: BenchRedis;
  readonly quick: boolean;
  /** The mode's own options, and its value by its name. */
  readonly options: Readonly<Record<string, string>>;
}
