import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createGallery } from '../src/kit/dev/gallery.ts';
import { list } from '../src/kit/dev/gallery-list.ts';
import { alice } from '../src/kit/dev/gallery-people.ts';
import { foldersOf } from '../src/kit/folders.ts';
import { kitPages } from '../src/kit/pages/kit-pages.ts';
import type { ProtectedPage } from '../src/kit/pages/page.ts';
import { accessibilityProblems, focusProblems } from '../src/kit/test/helpers/accessibility.ts';
import { violations, violationsOfColours } from '../src/kit/test/helpers/axe.ts';
import { describeWithChromium, launchChromium } from '../src/kit/test/helpers/chromium.ts';
import { codeBlocks, fileOf, readDoc } from '../src/kit/test/helpers/docs.ts';

// Pages of one's own in the template's frame: what public/site.css and the kit's classes make of them.

/** SCREENSHOTS=folder keeps a picture of each. */
const shots = process.env.SCREENSHOTS;

/** What docs/guide.md has for the end of site.css: colours of one's own, and a header in another one. */
const ownColours = codeBlocks(readDoc('docs/guide.md')).find(
  ({ code }) => fileOf(code) === 'public/site.css',
);

const top = "<%- include('/partials/top') %>";
const bottom = "<%- include('/partials/bottom') %>";

const views = {
  lists: `<h1>Lists</h1><p>Text</p><ul id="plain"><li>One</li><li>Two</li></ul><ol id="steps"><li>One</li></ol>
    <ul id="bare" role="list"><li>One</li></ul>`,
  said: `<p class="said" role="status">It is done.</p><h1>Said</h1><p class="notice">Look out.</p>
    <form><p class="actions"><button class="button" disabled>No more</button> <button class="button quiet" disabled>None</button>
    <button class="button">One</button></p></form>`,
  filter: `<h1>Filter</h1><form class="form row" method="get"><div><label for="room">Room</label>
    <select id="room" name="room"><option>All rooms</option></select></div><div><label for="from">From</label>
    <input id="from" name="from" type="date"></div><button class="button quiet">Show</button></form>
    <form class="own" method="get"><label for="kind">Kind</label> <select id="kind"><option>All</option></select>
    <label for="q">Search</label> <input id="q" type="search"></form>`,
  fields: `<h1>Fields</h1><form class="form" method="get"><label for="people">People</label>
    <input id="people" inputmode="numeric"><label for="age">Age</label><input id="age" size="3">
    <label for="name">Name</label><input id="name"><p class="actions"><button class="button">Save</button>
    <a class="button quiet" href="/">Cancel</a></p></form>`,
  table: `<h1>Table</h1><div class="table" tabindex="0" role="region" aria-label="People"><table><thead><tr>
    <th scope="col">Name</th><th scope="col">Day</th><th scope="col">Since</th><th scope="col">Change</th></tr></thead><tbody>
    <tr><th scope="row">Konstantinos Papadopoulos</th><td id="day">Tue, Dec 1, 2026</td>
    <td><time datetime="2026-11-27">27 November 2026 at 08:16</time></td><td><button class="button quiet">Make administrator</button></td></tr>
    </tbody></table></div>`,
};

const own = (path: string, nav: string): ProtectedPage => ({
  ...{ path, nav, title: nav, access: 'signed-in', view: 'lists' },
});
const menu = [own('/b', 'Bookings'), own('/h', 'Opening hours'), own('/p', 'People'), own('/r', 'Rooms')];

describeWithChromium("the template's frame", () => {
  let folder: string;
  let server: Server;
  let browser: Browser;
  let page: Page;
  let gallery: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'site-look-'));
    for (const [name, body] of Object.entries(views))
      writeFileSync(join(folder, `${name}.ejs`), `${top}\n${body}\n${bottom}`);
    const folders = foldersOf();
    const scenes = Object.keys(views).map((name) => {
      const show = (_req: unknown, res: { render: (view: string, model: object) => void }) =>
        res.render(name, { title: name, said: name === 'lists' ? 'Your booking is saved.' : undefined });
      return [name, ['', { at: `/${name}`, user: alice, show }]] as const;
    });
    const app = createGallery({
      site: { name: 'Room bookings' },
      folders: { ...folders, views: [folder, ...folders.views] },
      pages: [...menu, own('/profile', 'Account'), ...kitPages],
      states: list('Own pages', Object.fromEntries(scenes)),
    });
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    gallery = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dev/gallery`;
    browser = await launchChromium();
    if (shots) mkdirSync(shots, { recursive: true });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await page?.close();
    page = await browser.newPage({ reducedMotion: 'reduce' });
  });

  async function open(name: string, width = 1280): Promise<void> {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(`${gallery}/${name}`);
    if (shots) await page.screenshot({ path: join(shots, `${name}-${width}.png`), fullPage: true });
  }
  const styleOf = (selector: string, property: string) =>
    page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).${property}`);
  const boxOf = async (selector: string) => {
    const box = await page.locator(selector).first().boundingBox();
    if (!box) throw new Error(`${selector} is not shown`);
    return box;
  };
  const linesOf = async (selector: string) =>
    Math.round(
      (await boxOf(selector)).height / Number.parseFloat(String(await styleOf(selector, 'lineHeight'))),
    );

  test.each(Object.keys(views))(
    '%s: is readable for everyone, wide and narrow, in both schemes',
    async (name) => {
      await open(name);
      expect(await violations(page)).toEqual([]);
      expect(await accessibilityProblems(page)).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await violationsOfColours(page)).toEqual([]);
      if (shots) await page.screenshot({ path: join(shots, `${name}-dark.png`), fullPage: true });
      await open(name, 390);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
      await page.emulateMedia({ colorScheme: 'light' });
      await open(name, 390);
      expect(await focusProblems(page)).toEqual([]);
    },
  );

  test('a list has its marks beside the text, unless it asks for none', async () => {
    await open('lists');
    expect(await styleOf('#plain', 'listStyleType')).toBe('disc');
    expect(await styleOf('#steps', 'listStyleType')).toBe('decimal');
    const [{ x: text }, { x: item }] = [await boxOf('main p'), await boxOf('#plain li')];
    expect(item).toBeGreaterThan(text + 10);
    for (const list of ['#bare', 'header ul']) expect(await styleOf(list, 'listStyleType')).toBe('none');
    expect((await boxOf('#bare li')).x).toBe(text);
  });

  test('what was said is where it is written: first in <main>, below the line of the header', async () => {
    await open('said');
    expect((await boxOf('main .said')).y).toBeLessThan((await boxOf('h1')).y);
    await open('lists');
    expect((await boxOf('header .said')).y).toBeGreaterThan((await boxOf('header nav')).y + 30);
  });

  test('a button that cannot be pressed looks like it, with forced colours too', async () => {
    await open('said');
    const [off, on] = ['.button:disabled', '.button:enabled'];
    for (const property of ['backgroundColor', 'color', 'borderTopStyle', 'cursor'])
      expect(await styleOf(off, property), property).not.toBe(await styleOf(`main ${on}`, property));
    await page.locator(`main ${off}`).first().hover({ force: true });
    expect(await styleOf(off, 'cursor')).toBe('not-allowed');
    await page.emulateMedia({ forcedColors: 'active' });
    expect(await styleOf(off, 'color')).not.toBe(await styleOf(`main ${on}`, 'color'));
  });

  test('a few fields are in one row, and a form without a class has the same fields', async () => {
    await open('filter');
    const [room, from, button] = [
      await boxOf('#room'),
      await boxOf('#from'),
      await boxOf('.form.row .button'),
    ];
    expect([room.y + room.height, from.y + from.height]).toEqual([
      button.y + button.height,
      button.y + button.height,
    ]);
    expect(room.x + room.width).toBeLessThan(from.x);
    expect(from.x + from.width).toBeLessThan(button.x);
    for (const property of ['borderTopLeftRadius', 'minHeight', 'paddingLeft', 'fontSize'])
      expect(await styleOf('#kind', property), property).toBe(await styleOf('#room', property));
    expect((await boxOf('#q')).height).toBeGreaterThanOrEqual(44);
  });

  test('a field is as wide as what goes into it, and buttons are as wide as a telephone', async () => {
    await open('fields');
    const [name, people, age] = [await boxOf('#name'), await boxOf('#people'), await boxOf('#age')];
    expect(people.width).toBeLessThan(name.width / 2);
    expect(age.width).toBeLessThan(people.width / 2);
    await open('fields', 390);
    const [save, cancel] = [await boxOf('.actions .button'), await boxOf('.actions .quiet')];
    expect(cancel.x + cancel.width - save.x).toBeCloseTo((await boxOf('#name')).width, 0);
  });

  test('on a telephone, a table breaks no date, and a shade says that there is more', async () => {
    await open('table', 390);
    expect((await boxOf('#day')).width).toBeGreaterThan(120);
    expect(await page.evaluate(`document.querySelector('time').getClientRects().length`)).toBe(1);
    expect(await linesOf('td .button')).toBeLessThanOrEqual(2);
    const { x, y, width } = await boxOf('div.table');
    const edges = async () => {
      const image = await page.screenshot({ clip: { x, y: y + 2, width, height: 1 } });
      return (await page.evaluate(`(${pixels})('${image.toString('base64')}')`)) as string[];
    };
    const paper = (await edges())[12];
    const [atStart, afterIt] = [await edges(), await scrolled(page, edges)];
    expect([atStart[0], atStart.at(-1) === paper]).toEqual([paper, false]);
    expect([afterIt[0] === paper, afterIt.at(-1)]).toEqual([false, paper]);
  });

  test('the menu of four own pages is in one line at 1280 pixels', async () => {
    await open('fields');
    expect((await boxOf('header')).height).toBeLessThan(80);
    const tops = await page.evaluate(`[...document.querySelectorAll('header :is(a, button)')]
      .map((each) => each.getBoundingClientRect()).map(({ top, height }) => top + height / 2)`);
    expect(Math.max(...(tops as number[])) - Math.min(...(tops as number[]))).toBeLessThan(3);
  });

  test('a browser without light-dark() shows a header that can be read', async () => {
    await page.route(/\.css/, async (route) => {
      const answer = await route.fetch();
      const css = `${await answer.text()}${route.request().url().includes('site.css') ? ownColours?.code : ''}`;
      await route.fulfill({ response: answer, body: css.replace(/light-dark\(/g, 'unknown-$&') });
    });
    await open('lists');
    expect(await violationsOfColours(page)).toEqual([]);
  });

  test.each(['light', 'dark'] as const)(
    "the guide's own colours and header are readable, %s",
    async (scheme) => {
      await page.route(/site\.css/, async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, body: `${await answer.text()}\n${ownColours?.code}` });
      });
      await page.emulateMedia({ colorScheme: scheme });
      for (const name of ['lists', 'said']) {
        await open(name);
        expect(await styleOf('header', 'color')).toBe('rgb(255, 255, 255)');
        expect(await violationsOfColours(page)).toEqual([]);
        await page.locator('header .quiet').hover();
        expect(await violationsOfColours(page), 'under the pointer').toEqual([]);
        if (shots) await page.screenshot({ path: join(shots, `${name}-own-${scheme}.png`) });
      }
      await page.emulateMedia({ media: 'print' });
      expect(await styleOf('.brand', 'color')).not.toBe('rgb(255, 255, 255)');
    },
  );
});

async function scrolled<T>(page: Page, look: () => Promise<T>): Promise<T> {
  await page.evaluate(`document.querySelector('div.table').scrollLeft = 9_999`);
  return look();
}

// What follows runs in the browser.

/** The colours of a row of pixels. */
const pixels = `async (base64) => {
  const bytes = Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  const canvas = new OffscreenCanvas(image.width, 1).getContext('2d');
  canvas.drawImage(image, 0, 0);
  const { data } = canvas.getImageData(0, 0, image.width, 1);
  return Array.from({ length: image.width }, (_, index) => data.slice(4 * index, 4 * index + 3).join());
}`;
