import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import type { Engine, Person, Tab } from './helpers/engine.ts';
import { arrive, click, find, focusOn, gone, opened, read, textOf } from './helpers/engine-steps.ts';
import { describeInEachEngine } from './helpers/engines.ts';
import { type HttpsPair, startHttpsPair } from './helpers/https-front.ts';
import { anyPage } from './helpers/small-site.ts';
import { createTestGallery } from './site/gallery-states.ts';
import { adminPage, homePage, profilePage } from './site/pages.ts';

// The whole way in browsers that are not Chromium, at an https address, with a provider on another site. Each of them
// keeps cookies and history, restores pages and moves the focus in its own way.

const minute = 60_000;
const item = 'Twelve "chairs" & <b>tables</b>';
const wishes = 'first line\nsecond line ü 漢';

describeInEachEngine((launch) => {
  let pair: HttpsPair;
  let engine: Engine;
  let person: Person;
  let tab: Tab;
  let orders: Record<string, unknown>[] = [];

  beforeAll(async () => {
    const form = z.object({ item: z.string('Say what to order'), wishes: z.string().optional() });
    const run = ({ req }: { req: { body: Record<string, unknown> } }) => {
      orders.push(req.body);
      return { to: '/orders', say: 'Your order is on its way.' };
    };
    const ordersPage = anyPage({
      ...{ path: '/orders', title: 'Orders', view: 'orders', model: () => ({ orders: [] }) },
      actions: { add: { run, form } },
    });
    const pages = () => [homePage, profilePage, adminPage, ordersPage];
    [pair, engine] = await Promise.all([startHttpsPair({ SESSION_IDLE_MINUTES: '30' }, { pages }), launch()]);
  }, 60_000);
  afterAll(async () => {
    await engine?.close();
    await pair?.stop();
  }, 60_000);

  async function newPerson(): Promise<void> {
    person = await engine.newPerson();
    tab = await person.newTab();
  }
  afterEach(async () => {
    await person?.close();
    orders = [];
  });

  const url = (path: string) => pair.url(path);
  const atProvider = () => new RegExp(`^${pair.provider.issuer}/interaction/`);
  const heading = (name: string, where = tab) => find(where, 'heading', name);
  const entries = async () => Number(await tab.evaluate('history.length'));

  /** On the provider's page, whose buttons say more than the name. */
  async function choose(account: string, where = tab): Promise<void> {
    await arrive(where, atProvider());
    await where.evaluate(`setTimeout(() => document.querySelector('button[value="${account}"]').click())`);
  }
  async function signIn(path: string, account = 'alice'): Promise<void> {
    await newPerson();
    await tab.goTo(url(path));
    await choose(account);
    await arrive(tab, url(path));
  }
  async function order(): Promise<void> {
    await (await find(tab, 'textbox', 'Item')).type(item);
    await (await find(tab, 'textbox', 'Wishes')).type(wishes);
    await click(tab, 'button', 'Order');
  }

  test('a sign-in comes back to its page, and no reload or prefetch of its answer breaks it', async () => {
    await signIn('/profile?tab=1');
    await heading('Alice Adams');
    const answer = pair.requests.findLast((line) => line.startsWith('GET /auth/callback?'))?.slice(4) ?? '';
    expect(answer).toContain('code=');
    await tab.reload();
    await arrive(tab, url('/profile?tab=1'));
    await tab.evaluate(`new Promise((resolve) => {
      const link = document.createElement('link');
      Object.assign(link, { rel: 'prefetch', href: ${JSON.stringify(answer)}, onload: resolve, onerror: resolve });
      document.head.append(link);
      if (!link.relList.supports('prefetch')) resolve();
    })`);
    // It was used up, and alice is signed in: she is led to her first page.
    await tab.goTo(url(answer));
    await arrive(tab, url('/'));
    await heading('Hello, Alice Adams');
  });

  test('a sign-out goes by the provider and leaves one entry; the back button shows nobody', async () => {
    await newPerson();
    await tab.goTo(url('/'));
    await tab.goTo(url('/profile'));
    await choose('alice');
    await arrive(tab, url('/profile'));
    const before = await entries();
    const asked = pair.provider.requests.length;
    await click(tab, 'button', 'Sign out');
    await arrive(tab, /\/signed-out\?state=/);
    await heading("You've signed out");
    expect(pair.provider.requests.slice(asked)).toContain('GET /session/end');
    expect(await entries()).toBe(before + 1);
    // Her page is asked for anew, and leads to the provider. WebKit loads for ever there, and keeps the farewell in sight.
    const left = pair.provider.requests.length;
    await tab.back();
    await vi.waitFor(() => expect(pair.provider.requests.slice(left).join()).toContain('GET /interaction/'), {
      timeout: 20_000,
    });
    if (engine.name === 'Firefox') await arrive(tab, atProvider());
    expect(await textOf(tab)).not.toContain('Alice Adams');
  });

  test('the page that goes on to the provider is not in the way back from there', async () => {
    await signIn('/admin', 'bob');
    await heading("You don't have access to this page");
    const before = await entries();
    await click(tab, 'button', 'Use another account');
    await arrive(tab, atProvider());
    expect(await entries()).toBe(before + 1);
    await tab.back();
    await arrive(tab, url('/admin'));
    await heading("You don't have access to this page");
  });

  test('five tabs that are opened at once each land on their own page', async () => {
    await newPerson();
    const paths = [1, 2, 3, 4, 5].map((each) => `/profile?tab=${each}`);
    const tabs = [tab];
    while (tabs.length < paths.length) tabs.push(await person.newTab());
    await Promise.all(tabs.map((each, index) => each.goTo(url(paths[index] ?? ''))));
    for (const [index, each] of tabs.entries()) {
      await choose('alice', each);
      await arrive(each, url(paths[index] ?? ''));
    }
    for (const each of tabs) expect(await textOf(each)).toContain('Signed in as Alice Adams');
  });

  test('what is wrong with a form leads into its fields, also into a date', async () => {
    await newPerson();
    const gallery = createTestGallery().listen(0, '127.0.0.1');
    onTestFinished(() => void gallery.close());
    await once(gallery, 'listening');
    const { port } = gallery.address() as AddressInfo;
    await tab.goTo(`http://127.0.0.1:${port}/dev/gallery/form-with-errors`);
    await focusOn(tab, '.errors');
    await click(tab, 'link', 'Nothing is free on this day');
    await focusOn(tab, '#date');
    expect(await tab.evaluate("location.hash + document.activeElement.matches(':target')")).toBe('#datetrue');
  });

  test('before the session ends a notice offers to stay, can be closed, and gives the focus back', async () => {
    onTestFinished(() => void vi.useRealTimers());
    await signIn('/orders');
    const field = await find(tab, 'textbox', 'Item');
    await field.click();
    // The server's clock and the browser's.
    const passed = 28.5 * minute;
    vi.setSystemTime(Date.now() + passed);
    await tab.evaluate(`(() => {
      const { now } = Date;
      Date.now = () => now() + ${passed};
      document.dispatchEvent(new Event('visibilitychange'));
    })()`);
    const stay = await find(tab, 'button', 'Stay signed in');
    expect(await field.hasFocus(), 'nobody who types is interrupted').toBe(true);
    await stay.click();
    await gone(tab, 'button', 'Stay signed in');
    expect(await field.hasFocus()).toBe(true);
    await click(tab, 'button', 'Close');
    await gone(tab, 'button', 'Close');
    expect(await field.hasFocus()).toBe(true);
    await tab.reload();
    await find(tab, 'button', 'Sign out');
  });

  test("a page of alice's says that bob has signed in in another tab, and its form does nothing", async () => {
    await signIn('/orders');
    const other = await person.newTab();
    await other.goTo(url('/profile'));
    await click(other, 'button', 'Sign out');
    await arrive(other, /\/signed-out\?state=/);
    await other.goTo(url('/profile'));
    await choose('bob', other);
    await find(other, 'heading', 'Bob Baker');
    await read(tab, "You've signed in as Bob Baker in another tab.");
    await find(tab, 'button', 'Reload this page');
    await order();
    await heading('This page was opened by someone else');
    expect(orders).toEqual([]);
    await click(tab, 'link', 'Open the page again');
    await arrive(tab, url('/orders'));
    await read(tab, 'Signed in as Bob Baker');
  });

  test('a form on a session that has ended is sent again after a sign-in in a new tab, once and whole', async () => {
    await signIn('/orders');
    await person.deleteCookie('__Host-session', tab);
    await order();
    await heading("You've been signed out");
    const other = await opened(person, () => click(tab, 'link', 'Sign in (opens a new tab)'));
    await arrive(other, url('/orders'));
    await click(tab, 'button', 'Send again');
    await read(tab, 'Your order is on its way.');
    expect(orders).toMatchObject([{ item, wishes: wishes.replace('\n', '\r\n') }]);
  });

  test('a form with a mistake keeps what was typed, and leads from the summary to the field', async () => {
    await signIn('/orders');
    await (await find(tab, 'textbox', 'Wishes')).type('soon');
    await click(tab, 'button', 'Order');
    const mistake = await find(tab, 'link', 'Item: Say what to order');
    await focusOn(tab, '.errors');
    await mistake.click();
    await focusOn(tab, '[name=item]');
    const field = await find(tab, 'textbox', 'Item');
    await field.type(item);
    await click(tab, 'button', 'Order');
    await read(tab, 'Your order is on its way.');
    expect(orders).toMatchObject([{ item, wishes: 'soon' }]);
  });
});
