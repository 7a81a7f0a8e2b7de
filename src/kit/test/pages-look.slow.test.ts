import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { german } from '../texts/de.ts';
import { accessibilityProblems, focusProblems } from './helpers/accessibility.ts';
import { violations, violationsOfColours } from './helpers/axe.ts';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import { allStates, createTestGallery, help } from './site/gallery-states.ts';

/** SCREENSHOTS=folder keeps pictures of each shape of a page: light and dark, wide and narrow. */
const shots = process.env.SCREENSHOTS;

const wide = { width: 1280, height: 800 };
const narrow = { width: 360, height: 740 };
const narrowest = { width: 320, height: 640 };

describeWithChromium('a page as a person meets it', () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  /** As narrow as a window gets. */
  let small: Page;
  let gallery: string;
  let complaints: string[];
  let requests: string[];

  beforeAll(async () => {
    server = createTestGallery().listen(0, '127.0.0.1');
    await once(server, 'listening');
    gallery = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dev/gallery`;
    browser = await launchChromium();
    // Colours that are still on their way from one scheme to the other are nobody's contrast.
    page = await browser.newPage({ reducedMotion: 'reduce' });
    // Of the page itself, which is answered with its own status.
    small = await browser.newPage({ reducedMotion: 'reduce', viewport: narrowest });
    page.on('console', (line) => line.text().startsWith(failedPage) || complaints.push(line.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => complaints.push(`script ran: ${dialog.message()}`));
    page.on('request', (request) => requests.push(request.url()));
    await page.addInitScript(countLayoutShifts);
    if (shots) mkdirSync(shots, { recursive: true });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  async function open(name: string): Promise<void> {
    complaints = [];
    requests = [];
    await page.setViewportSize(wide);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(`${gallery}/${name}`);
  }

  async function expectLight(name: string): Promise<void> {
    const addresses = requests.filter((url) => !url.includes('favicon'));
    const elsewhere = addresses.filter((url) => !url.startsWith(new URL(gallery).origin));
    expect(elsewhere, 'nobody else is asked').toEqual([]);
    expect(addresses.length).toBeLessThanOrEqual(7); // The page, the kit's styles and the site's, the kit's four scripts.
    const sizes = await Promise.all(addresses.map(sizeOf));
    const bytes = sizes.reduce((sum, size) => sum + size);
    // Claims, sessions and states by the dozen may weigh what they weigh.
    if (!/^(profile-hostile|sessions-sixty|)$/.test(name)) expect(bytes).toBeLessThanOrEqual(38_000);
  }

  /** What was looked at closely: a page that only says something else is no other one to axe. */
  const seen = new Set<string>();

  test.each(allStates)(
    '$name: has a title and a heading, and fits the narrowest window',
    async ({ name }) => {
      await small.goto(`${gallery}/${name}`);
      const { pieces, ...found } = (await small.evaluate(glance)) as Record<string, unknown> & {
        pieces: string[];
      };
      expect(found).toEqual({
        title: expect.stringMatching(/\S · App$/),
        headings: [expect.stringMatching(/\S/)],
        width: narrowest.width,
      });
      if (pieces.every((piece) => seen.has(piece))) return;
      for (const piece of pieces) seen.add(piece);
      await expectGood(name);
    },
  );

  test('the list of all pages is such a page itself', async () => {
    await expectGood('');
    const links = page.getByRole('main').getByRole('link');
    expect(await links.count()).toBeGreaterThanOrEqual(allStates.length);
  });

  test.each(['sessions-alike', 'sessions-sixty', 'sessions-everything', 'chooser-many-providers'])(
    '%s: tells many of one kind apart by name',
    async (name) => {
      await small.goto(`${gallery}/${name}`);
      expect(await accessibilityProblems(small, { help })).toEqual([]);
    },
  );

  /** Light, steady, readable for everyone, at every size, in both schemes. */
  async function expectGood(name: string): Promise<void> {
    await open(name);
    await expectLight(name);
    expect(await page.evaluate('layoutShift()'), 'nothing moves while it loads').toBe(0);
    expect.soft(await violations(page)).toEqual([]);
    expect.soft(await accessibilityProblems(page, { help })).toEqual([]);
    expect.soft(await focusProblems(page)).toEqual([]);
    await shoot(page, name, 'light-wide');

    await page.emulateMedia({ colorScheme: 'dark' });
    expect.soft(await violationsOfColours(page)).toEqual([]);
    await shoot(page, name, 'dark-wide');
    await page.setViewportSize(narrow);
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width, 'no scrolling to the side').toBe(narrow.width);
    await shoot(page, name, 'dark-narrow');
    expect(complaints, 'nothing in the console').toEqual([]);
  }

  test.each(['home-signed-in', 'sessions', 'chooser-last-used', 'form-with-errors'])(
    '%s: the focus goes down the page in a narrow window as well',
    async (name) => {
      await small.goto(`${gallery}/${name}`);
      expect(await focusProblems(small)).toEqual([]);
    },
  );

  test.each(['home-signed-in', 'sessions', 'profile', 'error-403', 'signed-out'])(
    '%s: the whole way by keyboard, in reading order, with the focus always in sight',
    async (name) => {
      await open(name);
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to main content');
      for (const label of (await page.evaluate(reachable)) as string[]) {
        expect(await page.evaluate(focused)).toEqual({ label, outlined: true, inView: true });
        await page.keyboard.press('Tab');
      }
    },
  );

  test('the skip link leads past the menu', async () => {
    await open('profile');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.closest("main") !== null')).toBe(true);
  });

  test('text at twice its size still fits a narrow window', async () => {
    for (const name of ['home-signed-in', 'profile', 'sessions', 'error-500', 'form-with-errors', 'table']) {
      await open(name);
      await page.setViewportSize({ width: 640, height: 800 });
      await page.evaluate('document.documentElement.style.fontSize = "200%"');
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(640);
    }
  });

  test.each(['sessions', 'chooser', 'error-500', 'error-401-held-form', 'profile', 'form', 'signed-out'])(
    '%s: a finger hits what can be pressed on a phone',
    async (name) => {
      await open(name);
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await page.evaluate(lowTargets)).toEqual([]);
    },
  );

  test('German words are kept whole beside what became of each sign-in, in the narrowest window', async () => {
    const inGerman = createTestGallery({ texts: { de: german } }).listen(0, '127.0.0.1');
    await once(inGerman, 'listening');
    const { port } = inGerman.address() as AddressInfo;
    try {
      for (const name of ['signed-out-provider-stays', 'signed-out-provider-changed']) {
        await small.goto(`http://127.0.0.1:${port}/dev/gallery/${name}`);
        expect(await small.evaluate(brokenWords), name).toEqual([]);
      }
    } finally {
      inGerman.close();
    }
  });

  test('with forced colours and on paper, pages keep their content', async () => {
    await open('sessions');
    await page.emulateMedia({ forcedColors: 'active' });
    expect(await violations(page)).toEqual([]);
    const sign =
      "getComputedStyle(document.querySelector('.danger.button:not(.quiet)'), '::before').backgroundColor";
    expect(await page.evaluate(sign)).toBe('rgb(0, 0, 0)');
    await shoot(page, 'sessions', 'forced');
    await page.emulateMedia({ forcedColors: 'none', media: 'print' });
    expect(await page.locator('h1').isVisible()).toBe(true);
    expect(await page.locator('button:visible').count(), 'no buttons on paper').toBe(0);
    await shoot(page, 'sessions', 'print');
    await page.emulateMedia({ media: 'screen' });
  });

  test.each(['form-with-errors', 'table', 'error-401-held-form'])(
    '%s: with forced colours and on paper, what matters is still there',
    async (name) => {
      await open(name);
      await page.emulateMedia({ forcedColors: 'active' });
      expect(await violations(page)).toEqual([]);
      await shoot(page, name, 'forced');
      await page.emulateMedia({ forcedColors: 'none', media: 'print' });
      for (const piece of ['.said', '.errors', 'table', 'h1']) {
        for (const part of await page.locator(piece).all()) expect(await part.isVisible(), piece).toBe(true);
      }
      await page.emulateMedia({ media: 'screen' });
    },
  );

  test('a browser without light-dark(), color-mix() and :has() shows colours, borders and readable buttons', async () => {
    // The colours of a site that writes them in the new way only, too.
    const ofTheSite = `:root { color-scheme: light dark; --accent: light-dark(#7a1f5c, #f0a6d6);
      --on-accent: light-dark(#fff, #2b0b20); --ink: light-dark(#1d1c1a, #edece7); }`;
    for (const own of ['', ofTheSite]) {
      await page.route(/\.css/, async (route) => {
        const answer = await route.fetch();
        const css = `${await answer.text()}${route.request().url().includes('site.css') ? own : ''}`;
        const body = css.replace(/light-dark\(|color-mix\(/g, 'unknown-$&').replaceAll(':has(', ':unknown(');
        await route.fulfill({ response: answer, body });
      });
      for (const [name, colorScheme] of [
        ['form-with-errors', 'light'],
        ['sessions', 'dark'],
      ] as const) {
        await open(name);
        await page.emulateMedia({ colorScheme });
        expect(await violationsOfColours(page), `${name}, ${colorScheme}`).toEqual([]);
        expect(await page.evaluate(withoutBorder), name).toEqual([]);
        await shoot(page, name, own ? 'older-own' : 'older');
      }
      await open('error-500');
      const button = page.getByRole('main').locator('.button').first();
      await button.hover();
      expect(await violationsOfColours(page), 'under the pointer').toEqual([]);
      await page.unroute(/\.css/);
    }
  });

  test('there is a line between two sessions, and around all', async () => {
    await open('sessions');
    const borders = `[...document.querySelectorAll('.devices:last-of-type, .devices:last-of-type > .card')].map((each) =>
      ['Top', 'Bottom'].map((side) => getComputedStyle(each)['border' + side + 'Width']).join(' '))`;
    expect(await page.evaluate(borders)).toEqual(['1px 1px', '0px 0px', '1px 0px', '1px 0px']);
  });

  test('what is wrong with a form is as wide as what worked, and apart from the heading', async () => {
    await open('form-with-errors');
    const boxOf = async (selector: string) =>
      (await page.locator(selector).boundingBox()) ?? { y: 0, width: 0, height: 0 };
    const [errors, main, heading] = [await boxOf('.errors'), await boxOf('main'), await boxOf('h1')];
    expect(errors.width).toBe(main.width);
    // The outline of its focus is six pixels wide.
    expect(heading.y - errors.y - errors.height).toBeGreaterThanOrEqual(22);
  });

  test('badges are on the baseline of the text beside them', async () => {
    await open('profile');
    await page.evaluate(`document.querySelector('main').insertAdjacentHTML('beforeend',
      '<div class="titled"><h2>Title</h2> <span class="badge">editor</span></div><p>Text <span class="badge">one</span></p>')`);
    const apart = (one: string, other: string) =>
      page.evaluate(`(${baselineOf})('${one}') - (${baselineOf})('${other}')`);
    for (const [one, other] of [
      ['.titled h2', '.titled .badge'],
      ['main p:last-child', 'main p:last-child .badge'],
      ['tr:has(.flat) .label', '.flat li'],
    ] as const)
      expect(Math.abs((await apart(one, other)) as number), other).toBeLessThanOrEqual(1);
  });

  test('what is written from right to left begins beside its name', async () => {
    await open('profile');
    await page.evaluate(`document.querySelector('.rows td bdi').textContent = 'اشترِ الحليب'`);
    expect(
      await page.evaluate(`document.querySelector('.rows td bdi').getBoundingClientRect().left
        - document.querySelector('.rows td').getBoundingClientRect().left`),
    ).toBe(0);
  });
});

const failedPage = 'Failed to load resource: the server responded with a status of ';

/** Styles and scripts are those of each page. */
const sizes = new Map<string, Promise<number>>();

function sizeOf(url: string): Promise<number> {
  const known = sizes.get(url) ?? fetch(url).then(async (answer) => (await answer.bytes()).length);
  sizes.set(url, known);
  return known;
}

async function shoot(page: Page, name: string, look: string): Promise<void> {
  if (shots) await page.screenshot({ path: join(shots, `${name || 'gallery'}.${look}.png`), fullPage: true });
}

// What follows runs in the browser.

const countLayoutShifts = `{
  let sum = 0;
  // The notice lies over the page and fills when the script has something to say, early or late: no move of the page. And
  // on a busy machine a page is there before its script writes times in the zone of the browser, a few letters longer: what
  // is behind one on its line moves.
  const isExpected = ({ node }) => {
    const element = node?.closest ? node : node?.parentElement;
    return Boolean(element?.closest('.ending') || element?.closest('p')?.querySelector('time'));
  };
  const add = (entries) =>
    entries.forEach(({ value, sources }) => (sum += sources.length > 0 && sources.every(isExpected) ? 0 : value));
  const observer = new PerformanceObserver((list) => add(list.getEntries()));
  observer.observe({ type: 'layout-shift', buffered: true });
  globalThis.layoutShift = () => (add(observer.takeRecords()), sum);
}`;

/** What has no border that can be told from the page. */
const withoutBorder = `[...document.querySelectorAll('main :is(.button, .card:not(.devices *), .devices, .errors, .form :is(select, textarea, [type="email"]))')]
  .filter((element) => element.checkVisibility()).filter((element) => {
    const { borderBottomColor, borderBottomStyle } = getComputedStyle(element);
    const { backgroundColor } = getComputedStyle(document.body);
    return borderBottomStyle !== 'solid' || borderBottomColor === 'rgba(0, 0, 0, 0)' || borderBottomColor === backgroundColor;
  }).map((element) => element.outerHTML)`;

/** How far down it is: the bottom of something without height, in front of the text. */
const baselineOf = `(selector) => {
  const mark = document.createElement('span');
  mark.style.display = 'inline-block';
  document.querySelector(selector).prepend(mark);
  const { bottom } = mark.getBoundingClientRect();
  mark.remove();
  return bottom;
}`;

/** `pieces`: which elements are in which, by tag and class, whatever their texts and number. */
const glance = `{
  const elements = [...document.body.querySelectorAll('*:not([type="hidden"])')];
  const named = ({ tagName, className }) => tagName + '.' + className;
  ({
    title: document.title,
    headings: [...document.querySelectorAll('h1')].map((heading) => heading.innerText),
    width: document.documentElement.scrollWidth,
    pieces: [...new Set(elements.map((each) => named(each.parentElement) + '>' + named(each)))],
  });
}`;

/** Of the kit's, what is less than 44 pixels high; links in a sentence may be. A box is pressed by its label, too. */
const lowTargets = `[...document.querySelectorAll(':is(main, .who) :is(a, button, summary, select, textarea, input:not([type="hidden"]))')]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }) && getComputedStyle(each).display !== 'inline')
  .map((each) => /checkbox|radio/.test(each.type) ? each.closest('label') : each)
  .filter((each) => each.getBoundingClientRect().height < 44).map((each) => each.outerHTML)`;

/** Words of lists that are partly on one line and partly on the next. */
const brokenWords = `[...document.querySelectorAll('main li :is(span, strong, bdi, .badge):not(.unseen)')].flatMap(({ firstChild }) =>
  [...(firstChild?.data ?? '').matchAll(/\\p{L}+/gu)].filter(({ index, 0: word }) => {
    const range = document.createRange();
    range.setStart(firstChild, index);
    range.setEnd(firstChild, index + word.length);
    return new Set([...range.getClientRects()].map(({ top }) => top)).size > 1;
  }).map(([word]) => word))`;

/** Everything the Tab key should reach, in the order of the text. */
const reachable = `[...document.querySelectorAll('a[href], button, summary, [tabindex="0"]')]
  .filter((element) => element.checkVisibility()).map((element) => element.textContent.trim())`;

const focused = `{
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  const { top, bottom } = document.activeElement.getBoundingClientRect();
  ({
    label: document.activeElement.textContent.trim(),
    outlined: outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2,
    inView: top >= 0 && bottom <= innerHeight,
  });
}`;
