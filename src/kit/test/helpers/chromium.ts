import { type Browser, chromium, type LaunchOptions } from 'playwright-core';
import { describe } from 'vitest';
import { findChromium } from './programs.ts';

const executablePath = findChromium();

/** Tests in here are skipped where Chromium is missing (missing-programs.ts says so). Each has a minute: a browser does much. */
export function describeWithChromium(name: string, tests: () => void): void {
  describe.skipIf(!executablePath)(name, { timeout: 60_000 }, tests);
}

/** A headless Chromium that talks to nobody but the addresses it is sent to. */
export async function launchChromium(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({
    ...options,
    ...(executablePath && { executablePath }),
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
