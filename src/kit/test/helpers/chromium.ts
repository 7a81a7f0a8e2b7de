import { type Browser, chromium } from 'playwright-core';
import { describe } from 'vitest';
import { findChromium, findWholeChromium } from './programs.ts';

const executablePath = findChromium();

/** Tests in here are skipped where Chromium is missing (missing-programs.ts says so). Each has a minute: a browser does much. */
export function describeWithChromium(name: string, tests: () => void): void {
  describe.skipIf(!executablePath)(name, { timeout: 60_000 }, tests);
}

/**
 * A headless Chromium that talks to nobody but the addresses it is sent to.
 *
 * @param also.keepsPages as people have it: a page that was left may be kept whole for the back button
 */
export async function launchChromium({ keepsPages = false } = {}): Promise<Browser> {
  const program = keepsPages ? findWholeChromium() : executablePath;
  return chromium.launch({
    ...(program && { executablePath: program }),
    ...(keepsPages && { ignoreDefaultArgs: ['--disable-back-forward-cache'] }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      '--no-first-run',
    ],
  });
}
