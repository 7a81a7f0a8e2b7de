import type { TestProject } from 'vitest/node';
import { programs } from './programs.ts';

/**
 * Runs once before all tests: says which programs are missing that this run needs. The tests that need one are
 * skipped; with CI=true nothing may be skipped, and the run ends here.
 */
export default function setup({ vitest }: TestProject): void {
  const needed = Object.entries(programs).filter(
    ([, program]) => !('slowOnly' in program) || vitest.config.mode === 'slow',
  );
  const lines = needed
    .filter(([, { find }]) => find() === undefined)
    .map(([name, { install }]) => `${name} is not installed here. ${install}`);
  if (lines.length === 0) return;
  if (process.env.CI === 'true') throw new Error(`With CI=true no test may be skipped. ${lines.join(' ')}`);
  for (const line of lines) console.log(`Tests are skipped: ${line}`);
}
