import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../src/data/database.ts';
import { describeWithChromium, launchChromium } from '../src/kit/test/helpers/chromium.ts';
import { type DevProcess, freeDevPorts, startDev } from '../src/kit/test/helpers/dev-process.ts';
import { continueWith, signInAs } from './helpers/dev-sign-in.ts';

// The example as a person sees it: with `npm run dev`, a file and a real browser.

describeWithChromium('the notes in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'notes in chromium '));
  const file = join(folder, 'notes.sqlite');
  let dev: DevProcess;
  let origin: string;
  let iss: string;
  let chromium: Browser;
  let context: BrowserContext;
  const complaints: string[] = [];

  beforeAll(async () => {
    const ports = await freeDevPorts();
    dev = startDev({ ports, site: 'src/site.ts', env: { DATABASE_FILE: file } });
    [, chromium] = await Promise.all([dev.says('Ctrl-C ends everything'), launchChromium()]);
    origin = `http://localhost:${ports.app}`;
    const metadata = await fetch(`http://localhost:${ports.provider}/.well-known/openid-configuration`);
    iss = ((await metadata.json()) as { issuer: string }).issuer;
  });
  afterAll(async () => {
    await chromium?.close();
    dev?.signalAll('SIGTERM');
    await dev?.ended;
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    complaints.length = 0;
  });
  afterEach(() => context?.close());

  const url = (path: string) => `${origin}${path}`;
  const titles = (page: Page) => page.locator('#notes a').allTextContents();
  const older = (page: Page) => page.getByRole('link', { name: 'Older notes' });

  async function signIn(account: string, options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
    context = await chromium.newContext(options);
    context.on('weberror', (error) => complaints.push(String(error.error())));
    context.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    const page = await context.newPage();
    await page.goto(url('/notes'));
    await signInAs(page, account);
    await page.waitForURL(url('/notes'));
    return page;
  }

  /** Written into the file by another process than the app's. */
  async function addNotes(sub: string, count: number): Promise<void> {
    const { data, close } = await openDatabase({ DATABASE_FILE: file }, { info() {}, warn() {} });
    for (let number = 1; number <= count; number++) {
      const note = { title: `Note ${number}`, text: '', kind: 'task', pinned: false } as const;
      await data.notes.add({ iss, sub }, note);
    }
    close();
  }

  test('a note is added, with what was wrong set right, read, changed and deleted', async () => {
    const page = await signIn('alice');
    await page.getByRole('link', { name: 'Add a note' }).click();
    await page.getByLabel('Title').fill('   ');
    await page.getByLabel('Kind').selectOption('task');
    await page.getByLabel('Text').fill('<b>two</b> litres');
    await page.getByLabel('Keep it at the top').check();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.errors:focus').waitFor();
    await page.locator('.errors').getByRole('link').click();
    await page.locator('#title:focus').waitFor();
    expect(await page.getByLabel('Text').inputValue()).toBe('<b>two</b> litres');
    expect(await page.getByLabel('Keep it at the top').isChecked()).toBe(true);
    await page.getByLabel('Title').fill('Buy "milk" & <i>bread</i>');
    await page.getByRole('button', { name: 'Save' }).dblclick();
    await page.waitForURL(url('/notes'));
    expect(await page.locator('.said').textContent()).toContain('Buy "milk" & <i>bread</i>');
    expect(await titles(page)).toEqual(['Buy "milk" & <i>bread</i>']);

    await page.locator('#notes a').click();
    await page.getByLabel('Title').fill('Buy milk');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.said').waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Buy milk');
    await page.getByRole('link', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL(url('/notes'));
    expect(await page.getByRole('main').textContent()).toContain('There are no notes here.');
    // Chromium reports every answer that is an error, as the page with the mistake is.
    expect(complaints.filter((text) => !text.includes('422'))).toEqual([]);
  });

  test('the script adds older notes to the page, each of them once however often it is asked', async () => {
    await addNotes('bob', 45);
    const page = await signIn('bob');
    expect(await titles(page)).toHaveLength(20);
    await older(page).dblclick();
    await expect.poll(() => titles(page)).toHaveLength(40);
    expect(await page.locator('#notes a:focus').textContent()).toBe('Note 25');
    await older(page).click();
    await expect.poll(() => titles(page)).toHaveLength(45);
    expect(new Set(await titles(page)).size).toBe(45);
    expect(await older(page).isVisible()).toBe(false);
    expect(page.url()).toBe(url('/notes'));
    // By key: for half a second a click counts as the second one of a double click.
    await page.getByRole('link', { name: 'Note 1', exact: true }).press('Enter');
    await page.waitForURL(/\/notes\/\d+$/);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Note 1');
    expect(complaints).toEqual([]);

    // Once the session is over the link leads to the next page, by way of the provider, which still knows him.
    await page.goto(url('/notes'));
    await context.clearCookies({ name: 'session' });
    await older(page).click();
    await continueWith(page);
    await page.waitForURL(url('/notes?page=2'));
    expect(await titles(page)).toHaveLength(20);
  });

  test('a visitor signs up from the home page, and may write notes at once', async () => {
    context = await chromium.newContext();
    const page = await context.newPage();
    await page.goto(url('/'));
    await page.getByRole('link', { name: 'Sign up' }).click();
    await continueWith(page);
    await page.getByLabel('Name').fill('Zoë Zander');
    await page.getByRole('button', { name: 'Create the account' }).click();
    await page.getByRole('heading', { name: 'Hello, Zoë Zander' }).waitFor();
    await page.getByRole('link', { name: 'Notes', exact: true }).click();
    expect(await page.getByRole('main').textContent()).toContain('There are no notes here.');
  });

  test('without script the list goes on, on the next page', async () => {
    await addNotes('frank', 21);
    const page = await signIn('frank', { javaScriptEnabled: false });
    await older(page).click();
    await page.waitForURL(url('/notes?page=2'));
    expect(await titles(page)).toEqual(['Note 1']);
    await page.getByRole('link', { name: 'Newer notes' }).click();
    expect(await titles(page)).toHaveLength(20);
  });
});
