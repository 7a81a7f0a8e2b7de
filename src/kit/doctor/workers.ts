import { availableParallelism } from 'node:os';
import type { Config } from '../config/index.ts';
import { type Finding, ok, warning } from './finding.ts';

/** With WORKERS: how many processes will run, and are there CPUs for them here? */
export function* checkWorkers({ workers }: Config, cpus = availableParallelism()): Generator<Finding> {
  if (workers === 1) return;
  if (workers <= cpus) {
    yield ok('workers', `the app runs ${workers} processes. ${cpus} CPUs can be used here.`);
    return;
  }
  yield warning(
    'workers',
    `WORKERS is ${workers}, and ${cpus === 1 ? '1 CPU' : `${cpus} CPUs`} can be used here.`,
    'More processes than CPUs only take memory. If the app runs on this machine, set WORKERS=auto.',
  );
}
