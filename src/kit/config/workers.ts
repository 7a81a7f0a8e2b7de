import { availableParallelism } from 'node:os';
import type { Values } from './settings.ts';

/** How many processes WORKERS means here. Node counts the CPUs that a container or `taskset` leaves to it. */
export function workersOf({ WORKERS = 1 }: Pick<Values, 'WORKERS'>): number {
  return WORKERS === 'auto' ? availableParallelism() : WORKERS;
}

/** What is kept in memory is known to one process only. */
export function* workersWithoutRedis(values: Values, invalid: ReadonlySet<string>): Generator<string> {
  const count = workersOf(values);
  if (count === 1 || values.REDIS_URL || invalid.has('REDIS_URL')) return;
  const which = values.WORKERS === 'auto' ? `auto (${count} here)` : count;
  yield `WORKERS=${which} needs REDIS_URL: sessions in memory are known to one process only. Set REDIS_URL, or WORKERS=1.`;
}
