import { setTimeout as pause } from 'node:timers/promises';

/** For how many seconds of load a server is warmed up. */
export interface WarmUp {
  readonly least: number;
  readonly most: number;
}

const windowSeconds = 1.5;
/** .NET compiles what is used much only while nothing is asked of it. */
const pauseMs = 150;
/** Windows that brought nothing: so many, and it is warm. */
const lookedAt = 3;
const noFaster = 1.02;

/**
 * A server is compiled while it runs: Node's is warm after some five seconds, .NET's on one core after some
 * twenty-five. They take turns (A B C A B C …), each until its last windows are no faster than those before.
 *
 * @param loads each loads one server for so many seconds, and answers with what it did in a second
 */
export async function warmUp(
  loads: readonly ((seconds: number) => Promise<number>)[],
  { least, most }: WarmUp,
): Promise<void> {
  const cold = new Map(loads.map((load) => [load, [] as number[]]));
  while (cold.size > 0) {
    for (const [load, windows] of cold) {
      windows.push(await load(windowSeconds));
      await pause(pauseMs);
      const seconds = windows.length * windowSeconds;
      if (seconds >= most || (seconds >= least && isWarm(windows))) cold.delete(load);
    }
  }
}

export function isWarm(windows: readonly number[]): boolean {
  if (windows.length <= lookedAt) return false;
  return Math.max(...windows.slice(-lookedAt)) <= noFaster * Math.max(...windows.slice(0, -lookedAt));
}
