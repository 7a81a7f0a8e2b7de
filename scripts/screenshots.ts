/**
 * `npm run screenshots`: takes the README's pictures of the running development app, in light and dark.
 * Start `npm run dev` first, in another terminal.
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { findChromium, programs } from '../src/kit/test/helpers/programs.ts';
import { continueWith } from './helpers/dev-sign-in.ts';

const app = process.env.BASE_URL ?? 'http://localhost:3000';
const folder = fileURLToPath(new URL('../docs/screenshots/', import.meta.url));
const executablePath = findChromium();
if (!executablePath) throw new Error(`Chromium is not installed here. ${programs.Chromium.install}`);
const iPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1080, height: 720 } });
    const take = (name: string) => page.screenshot({ path: `${folder}${name}-${colorScheme}.png` });
    await page.goto(app);
    await take('home');
    await signIn(
      page,
      () => take('chooser'),
      () => take('provider'),
    );
    await take('profile');
    await page.goto(`${app}/notes/new`);
    await sendEmpty(page);
    await take('form');
    const phone = await browser.newPage({ userAgent: iPhone });
    await signIn(phone);
    await page.goto(`${app}/sessions`);
    await take('sessions');
    await signOut(phone);
    await signOut(page, () => take('signed-out'));
  }
} finally {
  await browser.close();
}

type Step = () => Promise<unknown>;

async function signIn(page: Page, atChoice?: Step, atProvider?: Step): Promise<void> {
  await page.goto(`${app}/profile`);
  await atChoice?.();
  await continueWith(page);
  await page.getByRole('button', { name: /alice/ }).waitFor();
  await atProvider?.();
  await page.getByRole('button', { name: /alice/ }).click();
  await page.waitForURL(`${app}/profile`);
}

async function signOut(page: Page, after?: () => Promise<unknown>): Promise<void> {
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await page.waitForURL('**/signed-out**');
  await after?.();
  await page.context().close();
}

/** Past the browser, which would ask for what is missing. */
async function sendEmpty(page: Page): Promise<void> {
  await page.evaluate('document.querySelector(".form").noValidate = true');
  await page.getByLabel('Text').fill('Two litres, and bread');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.errors').waitFor();
}
