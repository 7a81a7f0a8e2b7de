import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type LaunchOptions } from 'playwright-core';
import { describe } from 'vitest';

const executablePath = ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
  .find((path) => existsSync(path));
if (!executablePath && process.env.CI === 'true') throw new Error('Chromium is missing, and CI=true');
if (!executablePath) console.log('Tests that need Chromium are skipped: it is not installed here.');

/** Tests in here are skipped, with one line, where Chromium is missing. Each has a minute: a browser does much. */
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
