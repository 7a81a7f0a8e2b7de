import type { Request, Response } from 'express';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import { createGate } from './helpers/instances.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { anyPage } from './helpers/small-site.ts';
import { homePage, profilePage } from './site/pages.ts';

// What a person does with a form, in a real browser.

interface At {
  req: Request;
  res: Response;
}

describeWithChromium('in Chromium', () => {
  let pair: Pair;
  let chromium: Browser;
  const contexts: BrowserContext[] = [];
  /** What was sent, and where. */
  let orders: { path: string; body: Record<string, unknown> }[] = [];
  let answer: unknown = { to: '/orders', say: 'Your order is on its way.' };
  const gate = createGate();

  beforeAll(async () => {
    const run = async ({ req, res }: At) => {
      orders.push({ path: req.path, body: req.body });
      await gate.pass();
      if (answer === 'nothing') return void res.status(204).end();
      return answer;
    };
    const form = z.object({
      item: z.string('Say what to order'),
      wishes: z.string().optional(),
      password: z.string('Enter your password again').optional(),
    });
    const ordersPage = anyPage({
      ...{ path: '/orders', title: 'Orders', view: 'orders' },
      model: () => ({ orders: orders.map(({ body }) => body.item) }),
      actions: { add: { run, form }, other: { run } },
    });
    [pair, chromium] = await Promise.all([
      startPair({ parts: { pages: () => [homePage, profilePage, ordersPage] } }),
      launchChromium(),
    ]);
  });
  afterAll(async () => {
    await chromium?.close();
    await pair?.stop();
  });
  afterEach(async () => {
    gate.open();
    for (const context of contexts.splice(0)) await context.close();
    orders = [];
    answer = { to: '/orders', say: 'Your order is on its way.' };
  });

  const url = (path: string) => pair.app.url(path);

  async function signIn(options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
    const context = await chromium.newContext(options);
    contexts.push(context);
    const page = await context.newPage();
    await page.goto(url('/orders'));
    await choose(page, 'alice');
    await page.waitForURL(url('/orders'));
    return page;
  }
  /** On the provider's page. */
  const choose = (page: Page, account: string) =>
    page.locator(`button[name=account][value=${account}]`).click();
  const heading = async (page: Page) => (await page.locator('h1').textContent())?.trim();
  const said = (page: Page) => page.locator('.said').allTextContents();
  const typed = async (page: Page) => [
    await page.getByLabel('Item').inputValue(),
    await page.getByLabel('Wishes').inputValue(),
    await page.getByLabel('Password').inputValue(),
  ];
  const bodies = () => orders.map(({ body }) => body);

  /** The session's cookie is gone, as after its end; the provider's own session is too. */
  async function endSession(page: Page): Promise<void> {
    await page.context().clearCookies();
  }

  test('what an action said is read once: not after a reload, and not in another tab', async () => {
    const page = await signIn();
    await page.getByLabel('Item').fill('Twelve chairs');
    await page.getByRole('button', { name: 'Order', exact: true }).click();
    await page.waitForSelector('.said');
    expect(await said(page)).toEqual(['Your order is on its way.']);
    expect(await page.getByRole('status').first().textContent()).toBe('Your order is on its way.');
    await page.reload();
    expect(await said(page)).toEqual([]);
    expect(orders).toHaveLength(1);
  });

  /** Presses without waiting for what comes of it: locators wait for a navigation that is on its way. */
  async function presser(page: Page, name: string): Promise<() => Promise<void>> {
    const box = await page.getByRole('button', { name, exact: true }).boundingBox();
    if (!box) throw new Error(`no button ${name}`);
    return () => page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  }

  test.each<[string, (page: Page) => Promise<(() => Promise<void>)[]>]>([
    ['two clicks', async (page) => [await presser(page, 'Order'), await presser(page, 'Order')]],
    [
      'two different buttons',
      async (page) => [await presser(page, 'Order'), await presser(page, 'Order elsewhere')],
    ],
    [
      'Enter twice',
      async (page) => {
        await page.getByLabel('Item').focus();
        return [() => page.keyboard.press('Enter'), () => page.keyboard.press('Enter')];
      },
    ],
  ])('%s send a form once; without script, twice', async (_name, pressesOn) => {
    for (const [javaScriptEnabled, times] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const page = await signIn({ javaScriptEnabled });
      await page.getByLabel('Item').fill('Twelve chairs');
      orders = [];
      const { arrived } = gate.close();
      const [first, second] = await pressesOn(page);
      await first?.();
      await arrived;
      await second?.();
      await expect.poll(() => orders.length).toBe(times);
      gate.open();
      await page.waitForSelector('.said');
      expect(orders).toHaveLength(times);
    }
  });

  test('the button that was pressed is sent along, and leads where it says', async () => {
    const page = await signIn();
    await page.getByLabel('Item').fill('a');
    await page.getByRole('button', { name: 'Order by express' }).dblclick();
    await page.waitForSelector('.said');
    await page.getByLabel('Item').fill('b');
    await page.getByRole('button', { name: 'Order elsewhere' }).click();
    await expect.poll(() => orders.length).toBe(2);
    expect(orders).toMatchObject([
      { path: '/orders/add', body: { item: 'a', how: 'express' } },
      { path: '/orders/other', body: { item: 'b' } },
    ]);
    expect(orders[1]?.body).not.toHaveProperty('how');
  });

  test('a form that opens another tab, a search, and one that its own script holds can be sent again', async () => {
    const page = await signIn();
    await page.getByLabel('Item').fill('Twelve chairs');
    for (const times of [1, 2]) {
      const opened = page.context().waitForEvent('page');
      await page.getByRole('button', { name: 'Order in a new tab' }).click();
      await (await opened).waitForLoadState();
      expect(orders).toHaveLength(times);
    }
    for (const q of ['chairs', 'tables']) {
      await page.getByLabel('Search').fill(q);
      await page.getByRole('button', { name: 'Find' }).click();
      await page.waitForURL(url(`/orders?q=${q}`));
    }
    await page.getByLabel('Item').fill('Twelve chairs');
    await page.evaluate(`document.getElementById('order').addEventListener('submit', (event) => {
      if (event.submitter?.name === 'how') event.preventDefault();
    })`);
    await page.getByRole('button', { name: 'Order by express' }).click();
    await page.getByRole('button', { name: 'Order by express' }).click();
    await page.getByRole('button', { name: 'Order', exact: true }).click();
    await page.waitForSelector('.said');
    expect(orders).toHaveLength(3);
  });

  test('an answer that leaves the page as it is holds the form until it is shown again', async () => {
    answer = 'nothing';
    const page = await signIn();
    await page.getByLabel('Item').fill('Twelve chairs');
    const order = page.getByRole('button', { name: 'Order', exact: true });
    await order.click();
    await expect.poll(() => orders.length).toBe(1);
    await order.click();
    await page.request.get(url('/profile'));
    expect(orders).toHaveLength(1);
    await page.evaluate("dispatchEvent(new Event('pageshow'))");
    await order.click();
    await expect.poll(() => orders.length).toBe(2);
  });

  test.each([true, false])(
    'the focus goes to what is wrong, and from there to the field (script: %s)',
    async (javaScriptEnabled) => {
      const page = await signIn({ javaScriptEnabled });
      await page.getByLabel('Wishes').fill('soon');
      await page.getByLabel('Password').fill('hunter2');
      await page.getByRole('button', { name: 'Order', exact: true }).click();
      const errors = page.locator('.errors');
      await errors.waitFor();
      expect(await page.title()).toMatch(/^Error: Orders/);
      await page.locator('.errors:focus').waitFor();
      expect(await typed(page)).toEqual(['', 'soon', '']);
      await errors.getByRole('link', { name: 'Say what to order' }).click();
      await page.locator('#item:focus').waitFor();
      await page.keyboard.type('Twelve chairs');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.said');
      expect(bodies()).toMatchObject([{ item: 'Twelve chairs', wishes: 'soon' }]);
    },
  );

  test('a session that ended while typing loses nothing: sign in in a new tab, send again', async () => {
    const page = await signIn();
    await page.getByLabel('Item').fill('Twelve "chairs" & <b>tables</b>');
    await page.getByLabel('Wishes').fill('\nfirst line\nsecond line \u{1FA91}');
    await page.getByLabel('Password').fill('hunter2');
    await endSession(page);
    await page.getByRole('button', { name: 'Order by express' }).click();
    await page.waitForSelector('h1:has-text("signed out")');
    expect(await heading(page)).toBe("You've been signed out");
    expect(await page.content()).not.toContain('hunter2');
    expect(await page.locator('main').textContent()).toContain("You'll need to type them again");

    // Still signed out: the same page again.
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.waitForLoadState();
    expect(await heading(page)).toBe("You've been signed out");
    expect(orders).toEqual([]);

    const opened = page.context().waitForEvent('page');
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    const tab = await opened;
    await tab.waitForLoadState();
    await choose(tab, 'alice');
    await tab.waitForURL(url('/orders'));
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.waitForURL(url('/orders'));
    expect(await said(page)).toEqual(['Your order is on its way.']);
    const [sent] = bodies();
    expect(sent).toMatchObject({
      ...{ item: 'Twelve "chairs" & <b>tables</b>', how: 'express' },
      wishes: '\r\nfirst line\r\nsecond line \u{1FA91}',
    });
    expect(sent).not.toHaveProperty('password');
    expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);
  });

  test('and changes nothing for another person who has signed in meanwhile', async () => {
    const page = await signIn();
    await page.getByLabel('Item').fill('Twelve chairs');
    await endSession(page);
    await page.getByRole('button', { name: 'Order', exact: true }).click();
    await page.waitForSelector('h1:has-text("signed out")');
    const opened = page.context().waitForEvent('page');
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    const tab = await opened;
    await tab.waitForLoadState();
    await choose(tab, 'bob');
    await tab.waitForURL(url('/orders'));
    const refused = page.waitForResponse(url('/orders/add'));
    await page.getByRole('button', { name: 'Send again' }).click();
    expect((await refused).status()).toBe(403);
    await page.waitForSelector('h1:has-text("someone else")');
    expect(orders).toEqual([]);
  });

  test('the back button shows what was typed', async () => {
    const page = await signIn();
    await page.getByLabel('Item').fill('Twelve chairs');
    await page.getByLabel('Wishes').fill('soon');
    await page.getByLabel('Password').fill('hunter2');
    await page.goto(url('/profile'));
    await page.goBack();
    await page.waitForURL(url('/orders'));
    expect(await typed(page)).toEqual(['Twelve chairs', 'soon', '']);
    await page.getByRole('button', { name: 'Order', exact: true }).click();
    await page.waitForSelector('.said');
    await page.goBack();
    await page.waitForLoadState();
    expect(await typed(page)).toEqual(['Twelve chairs', 'soon', '']);
    expect(await said(page)).toEqual([]);
    expect(orders).toHaveLength(1);
  });
});
