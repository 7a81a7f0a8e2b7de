/**
 * `npm run screenshots`: takes the README's pictures of the running development app, the first one in light and dark.
 * Start `npm run dev` first, in another terminal.
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { devPorts } from '../src/kit/dev/ports.ts';
import { findChromium, programs } from '../src/kit/test/helpers/programs.ts';
import { continueWith, signInAs } from './helpers/dev-sign-in.ts';

// Everything is found by what it is: a button that is renamed needs no change here.

const ports = devPorts(process.env);
const app = process.env.BASE_URL ?? `http://localhost:${ports.app}`;
const gallery = `http://localhost:${ports.gallery}/dev/gallery`;
const folder = process.env.SCREENSHOTS ?? fileURLToPath(new URL('../docs/screenshots/', import.meta.url));
const executablePath = findChromium();
if (!executablePath) throw new Error(`Chromium is not installed here. ${programs.Chromium.install}`);

const options = { viewport: { width: 1080, height: 720 }, reducedMotion: 'reduce' } as const;

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  for (const colorScheme of ['light', 'dark'] as const) await takeSessions(browser, colorScheme);
  await takeOthers(browser);
} finally {
  await browser.close();
}

/** Of the gallery: there a session may be hours old. */
async function takeSessions(browser: Browser, colorScheme: 'light' | 'dark'): Promise<void> {
  const page = await browser.newPage({ ...options, colorScheme });
  await page.goto(`${gallery}/sessions`);
  await page.screenshot({ path: `${folder}/sessions-${colorScheme}.png`, fullPage: true });
  await page.context().close();
}

async function takeOthers(browser: Browser): Promise<void> {
  const page = await browser.newPage(options);
  const take = (name: string, of = page) => of.screenshot({ path: `${folder}/${name}.png` });

  await page.goto(app);
  await take('home');
  await page.goto(`${app}/profile`);
  await take('chooser');
  await continueWith(page);
  await page.locator('button[name=account][value=alice]').click();
  await page.waitForURL(`${app}/profile`);
  await take('profile');
  await page.goto(`${app}/notes/new`);
  await sendWithMistakes(page);
  await take('form');

  const bob = await browser.newPage(options);
  await bob.goto(`${app}/admin`);
  await signInAs(bob, 'bob');
  await bob.waitForURL(`${app}/admin`);
  await take('error', bob);
  await bob.context().close();

  await page.goto(`${app}/profile`);
  await page.locator('header form[action="/auth/logout"]').getByRole('button').click();
  await page.waitForURL('**/signed-out**');
  await take('signed-out');
  await page.context().close();
}

/** Past the browser, which would ask for what is missing. */
async function sendWithMistakes(page: Page): Promise<void> {
  const form = page.locator('main form');
  await form.evaluate((element: { noValidate: boolean }) => {
    element.noValidate = true;
  });
  await form.locator('[name=text]').fill('Two litres, and bread');
  await form.getByRole('button').first().click();
  await page.locator('.errors').waitFor();
}
