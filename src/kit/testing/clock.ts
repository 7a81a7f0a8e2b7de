import { moveDate, moveTemporal } from './moved-time.ts';

/** What one app of a test has let pass. */
export interface Clock {
  /** Moves the time of the whole process forward. */
  pass(milliseconds: number): Promise<void>;
  /** Takes back what this clock let pass. */
  reset(): void;
}

/**
 * The clock that a test moves. The app reads the time from `Date`, so that is what moves: for all of the process, the
 * test included. Timers do not: they are the test framework's, too.
 */
export function createClock(): Clock {
  let passed = 0;
  const move = (milliseconds: number) => {
    passed += milliseconds;
    ahead += milliseconds;
    // Whoever moves no clock has the real Date.
    if (ahead > 0) undo ??= [moveDate(() => ahead), moveTemporal(() => ahead)];
    else for (const one of undo?.splice(0) ?? []) one();
    if (ahead === 0) undo = undefined;
  };
  return {
    async pass(milliseconds) {
      move(milliseconds);
      await Promise.all([...followers].map((follow) => follow(milliseconds)));
    },
    reset: () => move(-passed),
  };
}

/** By how much this process is ahead: the sum of what its apps have let pass. */
let ahead = 0;
let undo: (() => void)[] | undefined;

/** Called with each move, by those that have a time of their own, such as Redis. */
export const followers = new Set<(milliseconds: number) => Promise<void>>();

/**
 * Milliseconds of a time such as `'90s'`, `'31m'`, `'1h'` or `'2d'`, or of a number of them.
 *
 * @throws TypeError
 */
export function millisecondsOf(time: unknown): number {
  const [, count, unit = ''] = /^(\d{1,9}(?:\.\d{1,9})?) ?(ms|s|m|h|d)$/.exec(String(time)) ?? [];
  const given = typeof time === 'number' ? time : Number(count) * (units[unit] ?? Number.NaN);
  if (given >= 0 && given <= longest) return Math.round(given);
  const shown = typeof time === 'string' ? JSON.stringify(time) : String(time);
  throw new TypeError(
    `passTime takes '90s', '31m', '1h', '2d' or a number of milliseconds, up to 100 years, but it was given ${shown}.`,
  );
}

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const longest = 36_525 * 86_400_000;
