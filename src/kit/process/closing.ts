import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log/index.ts';

// How long a stop takes at most, beside SHUTDOWN_DELAY_SECONDS. The files in deploy/, compose.yaml and docs/operations.md
// give the process that long before it is killed.

/** Running requests have this long to finish. */
export const graceMs = 10_000;

/** Then what is open has this long to close: a database that hangs must not keep the process until it is killed. */
export const closingMs = 10_000;

/** Whoever has not ended by then, after SHUTDOWN_DELAY_SECONDS, hangs. */
export const longestStopMs = graceMs + closingMs + 2_000;

export async function closeInTime(close: () => Promise<void>, log: Log, limitMs = closingMs): Promise<void> {
  const closed = close().then(() => true);
  if (await Promise.race([closed, sleep(limitMs, false, { ref: false })])) return;
  closed.catch(() => {}); // Nobody waits for it any more.
  const hint =
    'Most often it is what `close` of `open` in site.ts waits for, such as a query that still runs: give it a limit.';
  log.warn({ hint }, `closing took longer than ${limitMs / 1000} seconds, so the process ends without it`);
}
