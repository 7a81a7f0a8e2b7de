import { describe } from 'vitest';
import type { Engine } from './engine.ts';
import { launchFirefox } from './firefox.ts';
import { programs } from './programs.ts';
import { launchWebKit } from './webkit.ts';

/**
 * The same tests in Firefox and in WebKit, each started once. Where one is missing, its tests are skipped
 * (missing-programs.ts says so). Each test has a minute: a browser does much.
 */
export function describeInEachEngine(tests: (launch: () => Promise<Engine>) => void): void {
  for (const [name, launch] of [
    ['Firefox', launchFirefox],
    ['WebKitGTK', launchWebKit],
  ] as const) {
    describe.skipIf(!programs[name].find())(`in ${name}`, { timeout: 60_000 }, () => tests(launch));
  }
}
