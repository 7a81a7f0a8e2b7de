import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fillIn } from '../testing/forms.ts';
import { parseHtml } from '../testing/html.ts';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';

// What a test submits is what Chromium sends: the same fields, in the same order.

const html = `<input name="before" form="own" value="1">
<form id="own" action="/own" METHOD>
  <input type="hidden" name="key" value="k">
  <label><input type="checkbox" name="equipment" value="Projector">Projector</label>
  <label><input type="checkbox" name="equipment" value="Whiteboard" checked>Whiteboard</label>
  <input name="people" value="4">
  <label><input type="checkbox" name="equipment" value="Coffee">Coffee</label>
  <input type="hidden" name="agree" value="no"><input type="checkbox" name="agree" value="yes">
  <select name="tags" multiple>
    <option>a<option selected>b<option disabled selected>c<optgroup disabled><option selected>d</optgroup><option>e</select>
  <select name="room"><option value="" disabled>Choose<option>Attic<option>Library</select>
  <select name="size"><option value="" disabled selected>Choose<option>s<option>m</select>
  <input type="radio" name="kind" value="x"><input type="radio" name="kind" value="y">
  <input name="row" value="1"><input name="row" value="2"><input name="row" value="3">
  <textarea name="notes">
one
two</textarea>
  <input value="no name"><input name="off" value="x" disabled>
  <fieldset disabled><input name="inside" value="x"></fieldset>
  <button name="do" value="save">Save</button>
  <input type="image" name="map" alt="Map">
  <input name="last" value="z">
</form>
<textarea name="after" form="own">2</textarea>`;

describeWithChromium('a form', () => {
  let chromium: Browser;
  beforeAll(async () => {
    chromium = await launchChromium();
  });
  afterAll(() => chromium?.close());

  const post = html.replace('METHOD', 'method="post"');

  /** What Chromium sends after somebody did this. */
  async function sent(text: string, act: (page: Page) => Promise<unknown>): Promise<string> {
    const page = await chromium.newPage();
    await page.route('http://app.test/', (route) => route.fulfill({ contentType: 'text/html', body: text }));
    const asked = page.waitForRequest(/app\.test\/own/);
    await page.route('http://app.test/own**', (route) => route.fulfill({ body: 'ok' }));
    await page.goto('http://app.test/');
    await act(page);
    const request = await asked;
    await page.close();
    return request.postData() ?? new URL(request.url()).search.slice(1);
  }

  const encoded = (text: string, button: string, typed = {}) =>
    new URLSearchParams(
      fillIn(parseHtml(text), { url: 'http://app.test/', status: 200, heading: '' }, button, typed).fields,
    ).toString();

  test.each([
    ['post', post],
    ['get', html.replace('METHOD', '')],
  ])('that nobody typed into, by %s', async (_method, text) => {
    const expected = await sent(text, (page) => page.getByRole('button', { name: 'Save' }).click());
    expect(encoded(text, 'Save')).toBe(expected);
  });

  test('whatever the order in which somebody fills it in', async () => {
    const expected = await sent(post, async (page) => {
      await page.locator('[name=after]').fill('later');
      await page.locator('[name=notes]').fill('three\nfour');
      for (const value of ['Coffee', 'Projector']) await page.locator(`[value=${value}]`).check();
      await page.locator('[value=Whiteboard]').uncheck();
      await page.locator('[name=tags]').selectOption(['e', 'a']);
      await page.locator('[name=row]').nth(0).fill('first');
      await page.locator('[name=row]').nth(1).fill('second');
      await page.locator('[value=y]').check();
      await page.locator('[name=size]').selectOption('m');
      await page.locator('[name=agree][type=checkbox]').check();
      await page.locator('[name=people]').fill('5');
      await page.getByRole('button', { name: 'Save' }).click();
    });
    const typed = {
      ...{ after: 'later', notes: 'three\nfour', equipment: ['Coffee', 'Projector'], tags: ['e', 'a'] },
      ...{ row: ['first', 'second'], kind: 'y', size: 'm', agree: true, people: 5 },
    };
    expect(encoded(post, 'Save', typed)).toBe(expected);
  });

  test('by a picture that is pressed', async () => {
    const expected = await sent(post, (page) => page.locator('[name=map]').press('Enter'));
    expect(encoded(post, 'Map')).toBe(expected);
  });
});
