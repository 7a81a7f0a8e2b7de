import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { violations } from '../src/kit/test/helpers/axe.ts';
import { describeWithChromium, launchChromium } from '../src/kit/test/helpers/chromium.ts';
import { type DevProcess, freeDevPorts, startDev } from '../src/kit/test/helpers/dev-process.ts';
import { signInAs } from './helpers/dev-sign-in.ts';

// The page /api-data with `npm run dev`: its script reads and writes at the sample API, through the app's proxy.

describeWithChromium('the notes at the sample API in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'api data in chromium '));
  let dev: DevProcess;
  let chromium: Browser;
  let address: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    const ports = await freeDevPorts();
    address = `http://localhost:${ports.app}/api-data`;
    dev = startDev({ ports, site: 'src/site.ts', env: { DATABASE_FILE: join(folder, 'app.sqlite') } });
    [, chromium] = await Promise.all([dev.says('Ctrl-C ends everything'), launchChromium()]);
  }, 60_000);
  afterAll(async () => {
    await chromium?.close();
    dev?.signalAll('SIGTERM');
    await dev?.ended;
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const context of chromium.contexts()) await context.close();
    complaints.length = 0;
  });

  /** The notes of a person are in the API for as long as it runs. */
  async function signIn(account: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await chromium.newContext(options);
    context.on('weberror', (error) => complaints.push(String(error.error())));
    context.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    const page = await context.newPage();
    await page.goto(address);
    await signInAs(page, account);
    await page.waitForURL(address);
    return page;
  }

  const field = (page: Page) => page.getByLabel('Add a note');
  const texts = (page: Page) => page.locator('#api-notes .text').allTextContents();
  const news = (page: Page) => page.getByRole('status').filter({ hasText: /./ }).allTextContents();
  const focus = (page: Page) =>
    page.evaluate('document.activeElement.id || document.activeElement.textContent');
  const remove = (page: Page, text: string) =>
    page.getByRole('button', { name: `Delete ${text}`, exact: true });
  async function add(page: Page, text: string): Promise<void> {
    await field(page).fill(text);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
  }
  const first = ['Water the plants', 'Read RFC 9700 again'];

  test('are added and deleted in place, the focus stays near, and every text is a text', async () => {
    const page = await signIn('alice');
    expect(await texts(page)).toEqual(first);
    await page.evaluate('window.isStillThisPage = true');
    await add(page, '<img src=x onerror=alert(1)> & milk');
    await expect.poll(() => news(page)).toEqual(['Your note is added.']);
    expect(await texts(page)).toEqual([...first, '<img src=x onerror=alert(1)> & milk']);
    expect([await focus(page), await field(page).inputValue()]).toEqual(['text', '']);
    await add(page, 'Bread');
    await expect.poll(() => texts(page)).toHaveLength(4);

    await remove(page, 'Read RFC 9700 again').press('Enter');
    await expect.poll(() => news(page)).toEqual(['Your note is deleted.']);
    expect(await focus(page)).toContain('<img src=x onerror=alert(1)> & milk');
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate('window.isStillThisPage')).toBe(true);
    const shown = await texts(page);
    await page.reload();
    expect(await texts(page)).toEqual(shown);
    expect(complaints).toEqual([]);
  });

  test('are deleted one at a time, however fast somebody clicks, and the last leaves a sentence', async () => {
    const page = await signIn('bob');
    // The next note's button is where the last one's was, and the second click of two comes at once.
    await page.evaluate(`
      globalThis.oneMore = new MutationObserver(() => list.querySelector('button').click());
      oneMore.observe(list, { childList: true })`);
    await remove(page, 'Water the plants').dblclick();
    await expect.poll(() => texts(page)).toEqual(['Read RFC 9700 again']);
    await page.evaluate('oneMore.disconnect()');
    await expect.poll(() => page.evaluate('performance.now() - goneAt > 500')).toBe(true);
    expect(await texts(page)).toEqual(['Read RFC 9700 again']);
    await remove(page, 'Read RFC 9700 again').click();
    await page.getByText('There are no notes here.').waitFor();
    expect(await focus(page)).toBe('text');
    await add(page, 'A new one');
    await expect.poll(() => texts(page)).toEqual(['A new one']);
    expect(await page.getByText('There are no notes here.').isVisible()).toBe(false);
    expect(complaints).toEqual([]);
  });

  test('come and go as they do in another tab', async () => {
    const page = await signIn('frank');
    await field(page).fill('half a sentence');
    const other = await page.context().newPage();
    await other.goto(address);
    await add(other, 'From the other tab');
    await expect.poll(() => texts(page)).toEqual([...first, 'From the other tab']);
    expect(await news(page)).toEqual(['Added in another window: From the other tab']);
    await remove(other, 'Water the plants').click();
    await expect.poll(() => news(page)).toEqual(['A note was deleted in another window.']);
    expect(await texts(page)).toEqual(['Read RFC 9700 again', 'From the other tab']);
    expect([await field(page).inputValue(), await focus(page)]).toEqual(['half a sentence', 'text']);
    expect(complaints).toEqual([]);
  });

  test('are listened for only while somebody looks, and are up to date when they do again', async () => {
    const page = await signIn('frank');
    const shown = await texts(page);
    const see = (isHidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`,
      );
    await see(true);
    expect(await page.evaluate('events.readyState')).toBe(2);
    const other = await page.context().newPage();
    await other.goto(address);
    await add(other, 'Meanwhile');
    await expect.poll(() => texts(other)).toContain('Meanwhile');
    expect(await texts(page)).toEqual(shown);
    await see(false);
    await expect.poll(() => texts(page)).toEqual([...shown, 'Meanwhile']);
    expect(complaints).toEqual([]);
  });

  test('that are gone do not come back by an answer that is older', async () => {
    const page = await signIn('dave');
    let answers = 0;
    const asked = Promise.withResolvers<void>();
    const deleted = Promise.withResolvers<void>();
    await page.route('**/api/data/notes', async (route) => {
      const response = await route.fetch();
      asked.resolve();
      await deleted.promise;
      await route.fulfill({ response });
      answers++;
    });
    await page.reload();
    await asked.promise;
    await remove(page, 'Water the plants').click();
    await expect.poll(() => texts(page)).toEqual(['Read RFC 9700 again']);
    deleted.resolve();
    // It is asked again, and what came before is shown by then.
    await expect.poll(() => answers).toBeGreaterThan(1);
    expect(await texts(page)).toEqual(['Read RFC 9700 again']);
  });

  test('that the API refuses stay in the field, with what is wrong', async () => {
    const page = await signIn('grace');
    await add(page, '   ');
    await page.getByText('Enter a note.').waitFor();
    expect(await focus(page)).toBe('text');
    await page.evaluate('document.querySelector("#text").removeAttribute("maxlength")');
    await add(page, 'a'.repeat(501));
    await page.getByText('The text must have 500 characters at most').waitFor();
    expect(await field(page).inputValue()).toHaveLength(501);
    expect(await violations(page)).toEqual([]);
    await add(page, 'Short');
    await expect.poll(() => texts(page)).toContain('Short');
    expect(await page.locator('.error').count()).toBe(0);
    expect(complaints.filter((text) => !text.includes('400'))).toEqual([]);
  });

  test('lose nothing that was typed when the session has ended', async () => {
    const page = await signIn('ivan');
    await page.context().clearCookies({ name: 'session' });
    await add(page, 'Not lost');
    await page.getByRole('heading', { name: "You've been signed out" }).waitFor();
    expect(await page.content()).toContain('Not lost');
  });

  test('have a history, for which the API asks for a stronger sign-in', async () => {
    const page = await signIn('eve');
    await add(page, 'Milk');
    await page.getByText('Your note is added.').waitFor();
    await page.getByRole('link', { name: 'What happened to your notes' }).click();
    await page.locator('button[name=account][value=eve]').click();
    await page.waitForURL(`${address}/history`);
    expect(await page.locator('tbody td').allTextContents()).toEqual([expect.any(String), 'added', 'Milk']);
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('are added and deleted without script too', async () => {
    const page = await signIn('judy', { javaScriptEnabled: false });
    await add(page, 'By hand');
    expect(await page.locator('.said').textContent()).toBe('Your note is added.');
    expect(await texts(page)).toEqual([...first, 'By hand']);
    await remove(page, 'Water the plants').click();
    await page.getByText('Your note is deleted.').waitFor();
    expect(await texts(page)).toEqual(['Read RFC 9700 again', 'By hand']);
    expect(complaints).toEqual([]);
  });
});
