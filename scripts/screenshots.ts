/**
 * `npm run screenshots`: takes the README's pictures of the running development app, in light and dark.
 * Start `npm run dev` first, in another terminal.
 */
import { mkdir } from 'node:fs/promises';
import { chromium, type Page } from 'playwright-core';

const app = process.env.BASE_URL ?? 'http://localhost:3000';
const folder = new URL('../../docs/screenshots/', import.meta.url).pathname;
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

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
