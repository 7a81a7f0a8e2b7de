import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { accessibilityProblems, focusProblems } from '../src/kit/test/helpers/accessibility.ts';
import { violations, violationsOfColours } from '../src/kit/test/helpers/axe.ts';
import { describeWithChromium, launchChromium } from '../src/kit/test/helpers/chromium.ts';
import { type DevProcess, freeDevPorts, startDev } from '../src/kit/test/helpers/dev-process.ts';
import { continueWith, signInAs } from './helpers/dev-sign-in.ts';

// The example's pages as `npm run dev` shows them, in a real browser. What they do is in test/.

describeWithChromium('in Chromium', () => {
  let folder: string;
  let app: string;
  let dev: DevProcess;
  let browser: Browser;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'example-pages-'));
    const ports = await freeDevPorts();
    app = `http://localhost:${ports.app}`;
    dev = startDev({ ports, site: 'src/site.ts', env: { DATABASE_FILE: join(folder, 'app.sqlite') } });
    [browser] = await Promise.all([launchChromium(), dev.says(/INFO: listening on/)]);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    dev?.signalAll('SIGKILL');
    await dev?.ended;
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => inDatabase('DELETE FROM notes'));
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });

  function inDatabase(sql: string): void {
    using database = new DatabaseSync(join(folder, 'app.sqlite'), { timeout: 5_000 });
    database.exec(sql);
  }

  async function signIn(account: string, path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await browser.newPage({ reducedMotion: 'reduce', ...options });
    await page.goto(`${app}${path}`);
    await signInAs(page, account);
    await page.waitForURL(`${app}${path}`);
    return page;
  }

  /** One row for each, with titles from `Note 1` on. */
  const addNotes = (count: number) =>
    inDatabase(`
      WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
      INSERT INTO notes (iss, sub, title, text, kind, pinned, created_at)
        SELECT iss, sub, 'Note ' || n, '', 'task', n = 1, 0 FROM numbers, users WHERE sub = 'alice' ORDER BY n`);

  const titles = (page: Page) => page.locator('.card a').allTextContents();

  test('every page is readable for everyone, at every size, in both schemes', async () => {
    await signIn('eve', '/notes');
    const page = await signIn('alice', '/notes');
    await expectReadable(page);
    addNotes(21);
    for (const path of ['/notes', '/notes?page=2', '/admin', '/api-data', '/profile', '/']) {
      await page.goto(`${app}${path}`);
      await expectReadable(page);
      expect(await focusProblems(page), path).toEqual([]);
    }
    await expectOrder(page);
  });

  test('so are the question where to sign in and the second provider, and each page works for its accounts', async () => {
    const page = await browser.newPage({ reducedMotion: 'reduce' });
    await page.goto(`${app}/api-data`);
    await page.getByRole('link', { name: 'Continue with Work (development)' }).waitFor();
    await expectReadable(page);
    await continueWith(page, 'social');
    await page.getByRole('heading', { name: 'Who do you want to be?' }).waitFor();
    await expectReadable(page);
    await page.goto(`${app}/api-data`);
    // The one used last comes first, and says so to everybody.
    const [first] = await page.getByRole('main').getByRole('link').all();
    expect(await first?.innerText()).toMatch(/^Continue with Social \(development\)\s+Last used$/);
    await signInAs(page, 'alice', 'social');
    await page.waitForURL(`${app}/api-data`);
    expect(await page.getByRole('main').innerText()).toContain(
      'You need to sign in with an account from Work (development).',
    );
    await expectReadable(page);
    for (const path of ['/', '/profile', '/notes', '/notes/new', '/sessions', '/signed-out', '/admin']) {
      const answer = await page.goto(`${app}${path}`);
      expect(answer?.status(), path).toBe(path === '/admin' ? 403 : 200);
    }
    await expectReadable(page);
    expect(dev.output).not.toContain("the API refuses this app's access tokens");

    await page.goto(`${app}/api-data`);
    await page.getByRole('link', { name: 'Use another account' }).click();
    await signInAs(page, 'alice');
    await page.getByText('Water the plants').first().waitFor();
    expect(page.url()).toBe(`${app}/api-data`);
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.getByText('Your sign-in at Work (development)').waitFor();
  });

  test('so is every step of a note, the mistakes in its form too', async () => {
    const page = await signIn('alice', '/notes/new');
    await expectReadable(page);
    await page.getByRole('button', { name: 'Save' }).click();
    expect(page.url(), 'the browser itself asks for a title').toBe(`${app}/notes/new`);
    await page.evaluate('document.querySelector(".form").noValidate = true');
    await page.getByLabel('Text').fill('Two litres');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForSelector('.errors');
    await expectReadable(page);
    expect(await page.locator('.errors a').allTextContents()).toEqual([
      'Enter a title.',
      'Choose a kind of note.',
    ]);

    await page.getByLabel('Title').fill('<b>Milk</b>');
    await page.getByLabel('Kind').selectOption('task');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForSelector('.said');
    await expectReadable(page);
    await page.getByRole('link', { name: '<b>Milk</b>' }).click();
    await page.getByRole('link', { name: 'Delete' }).waitFor();
    await expectReadable(page);
    await page.getByRole('link', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete' }).waitFor();
    await expectReadable(page);
  });

  test('older notes are added to the list, and the focus is on the first of them', async () => {
    const page = await signIn('alice', '/notes');
    addNotes(45);
    await page.reload();
    expect(await titles(page)).toHaveLength(20);
    // A double click must neither add them twice nor leave a page out.
    await page.getByRole('link', { name: 'Older notes' }).evaluate((link: { click(): void }) => {
      link.click();
      link.click();
    });
    await page.locator('.card').nth(20).waitFor();
    expect(await titles(page)).toHaveLength(40);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Note 26');
    expect(await page.locator('.card').last().innerText()).toMatch(/^Note 7\s+task$/);

    await page.getByRole('link', { name: 'Older notes' }).press('Enter');
    await page.locator('.card').nth(40).waitFor();
    const all = await titles(page);
    expect([all.length, new Set(all).size, all.at(0), all.at(-1)]).toEqual([45, 45, 'Note 1', 'Note 2']);
    expect(await page.getByRole('link', { name: 'Older notes' }).isVisible()).toBe(false);
    expect(page.url()).toBe(`${app}/notes`);
    // By key: for half a second a click counts as the second one of a double click.
    await page.getByRole('link', { name: 'Note 2', exact: true }).press('Enter');
    await page.waitForSelector('.form');
    expect(await page.locator('h1').textContent()).toBe('Note 2');
  });

  test('where the session has ended, the link leads to the sign-in, and back to the older notes', async () => {
    const page = await signIn('alice', '/notes');
    addNotes(21);
    await page.reload();
    await page.context().clearCookies();
    await page.getByRole('link', { name: 'Older notes' }).click();
    await signInAs(page, 'alice');
    await page.waitForURL(`${app}/notes?page=2`);
    expect(await titles(page)).toEqual(['Note 2']);
  });

  test('without script, older notes are a page of their own, with a way back', async () => {
    const page = await signIn('alice', '/notes', { javaScriptEnabled: false });
    addNotes(21);
    await page.reload();
    await page.getByRole('link', { name: 'Older notes' }).click();
    await page.waitForURL(`${app}/notes?page=2`);
    expect(await titles(page)).toEqual(['Note 2']);
    await page.getByRole('link', { name: 'Newer notes' }).click();
    await page.waitForURL(`${app}/notes?page=1`);
    expect(await titles(page)).toHaveLength(20);
  });

  test.each([true, false])(
    'a double click on Save saves one note (scripts: %s)',
    async (javaScriptEnabled) => {
      const page = await signIn('alice', '/notes/new', { javaScriptEnabled });
      await page.getByLabel('Title').fill('Milk');
      await page.getByLabel('Kind').selectOption('task');
      await page.getByRole('button', { name: 'Save' }).dblclick();
      // The second click breaks off the first navigation, so nothing may wait for that.
      await expect.poll(() => page.url(), { timeout: 20_000 }).toBe(`${app}/notes`);
      await page.reload();
      expect(await titles(page)).toEqual(['Milk']);
    },
  );

  test('somebody who is made an editor is one from their next page on, and who is blocked is out', async () => {
    const [alice, bob] = [await signIn('alice', '/admin'), await signIn('bob', '/profile')];
    await alice.reload();
    await alice.getByRole('button', { name: /^Make editor.*Bob Baker/ }).click();
    await alice.waitForSelector('.said');
    await expectReadable(alice);
    await bob.reload();
    const roles = bob.locator('.summary > div', { hasText: 'Roles' }).locator('.badge');
    expect(await roles.allTextContents()).toEqual(['member', 'editor']);

    inDatabase("UPDATE users SET blocked = 1 WHERE sub = 'bob'");
    await alice.getByRole('button', { name: /^Remove editor.*Bob Baker/ }).click();
    await alice.waitForSelector('.said >> text=no longer');
    for (const page of [bob, await browser.newPage()]) {
      await page.goto(`${app}/profile`);
      if (await page.locator('a[data-provider=work]').isVisible()) await signInAs(page, 'bob');
      await page.getByText('Your access to this app has been removed.').waitFor();
      await expectReadable(page);
    }
  });
});

/** What the Tab key reaches in the header comes in the order in which it is read, whatever the width. */
async function expectOrder(page: Page): Promise<void> {
  for (const width of [1280, 800, 390, 320]) {
    await page.setViewportSize({ width, height: 700 });
    expect(await page.evaluate(outOfOrder), `${width} wide`).toEqual([]);
    const lines = `(({ clientHeight }) => clientHeight / parseFloat(getComputedStyle(brand).lineHeight))(brand)`;
    await page.evaluate(
      'globalThis.brand = document.querySelector(".brand"), brand.textContent = "My app ".repeat(30)',
    );
    expect(await page.evaluate(lines), 'lines of the brand').toBeLessThanOrEqual(2.1);
    await page.evaluate('brand.textContent = "My app"');
  }
}

/** Each must be below the one before, or to its right. */
const outOfOrder = `[...document.querySelectorAll('header :is(a, button)')].filter((element, index, all) => {
  if (index === 0) return false;
  const [before, here] = [all[index - 1], element].map((each) => each.getBoundingClientRect());
  return here.top < before.bottom && here.left < before.right;
}).map((element) => element.textContent)`;

async function expectReadable(page: Page): Promise<void> {
  const at = page.url();
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  expect(await violations(page), `${at}, light`).toEqual([]);
  expect(await accessibilityProblems(page), `${at}, names and structure`).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  expect(await violationsOfColours(page), `${at}, dark`).toEqual([]);
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 700 });
    const needed = await page.evaluate('document.documentElement.scrollWidth');
    expect(needed, `${at} scrolls to the side`).toBe(width);
    // In a translation that is written from right to left, too.
    const mirrored = await page.evaluate(
      '[document.dir = "rtl", document.documentElement.scrollWidth, (document.dir = "")][1]',
    );
    expect(mirrored, `${at} scrolls to the side when written from right to left`).toBe(width);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  expect(await page.locator('h1').count(), `${at} has one h1`).toBe(1);
}
