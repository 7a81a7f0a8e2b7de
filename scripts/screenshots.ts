/**
 * `npm run screenshots`: takes the README's pictures of the running development app, in light and dark.
 * Start `npm run dev` first, in another terminal.
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { findChromium, programs } from '../src/kit/test/helpers/programs.ts';

const app = process.env.BASE_URL ?? 'http://localhost:3000';
const folder = fileURLToPath(new URL('../docs/screenshots/', import.meta.url));
const executablePath = findChromium();
if (!executablePath) throw new Error(`Chromium is not installed here. ${programs.Chromium.install}`);

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1080, height: 720 } });
    const take = (name: string) => page.screenshot({ path: `${folder}${name}-${colorScheme}.png` });
    await page.goto(app);
    await take('home');
    await signIn(page, () => take('provider'));
    await take('profile');
    await page.goto(`${app}/sessions`);
    await take('sessions');
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.waitForURL('**/signed-out**');
    await take('signed-out');
    await page.context().close();
  }
} finally {
  await browser.close();
}

async function signIn(page: Page, atProvider: () => Promise<unknown>): Promise<void> {
  await page.goto(`${app}/profile`);
  await atProvider();
  await page.getByRole('button', { name: /alice/ }).click();
  await page.waitForURL(`${app}/profile`);
}
