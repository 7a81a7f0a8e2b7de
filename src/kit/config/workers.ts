import { availableParallelism } from 'node:os';
import type { Values } from './settings.ts';

/** How many processes WORKERS means here. Node counts the CPUs that a container or `taskset` leaves to it. */
export function workersOf({ WORKERS = 1 }: Pick<Values, 'WORKERS'>): number {
  return WORKERS === 'auto' ? availableParallelism() : WORKERS;
}
