import { expect, onTestFinished, test } from 'vitest';
import type { PageContext } from '../pages/page.ts';
import { fillIn } from '../testing/forms.ts';
import { parseHtml } from '../testing/html.ts';
import { type Fields, startTestApp, type TestPage, type Visitor } from '../testing/index.ts';
import { createPage } from '../testing/page.ts';
import { anyPage, smallSite } from './helpers/small-site.ts';

const answered = { url: 'http://127.0.0.1/', status: 200, heading: 'Own' };
const form = `<h1>Own</h1>
<form method="post" action="/own/save" id="main">
  <%- include('/kit/form') %>
  <input type="date" name="day" value="2030-01-31">
  <textarea name="long">one</textarea>
  <select name="size"><option value="s">Small<option value="m" selected>Middle</select>
  <select name="tags" multiple><option selected>a<option>b<option selected>c</select>
  <input type="hidden" name="agree" value="no"><input type="checkbox" name="agree" value="yes">
  <input type="checkbox" name="days" value="mon" checked><input type="checkbox" name="days" value="tue">
  <input type="radio" name="kind" value="a"><input type="radio" name="kind" value="b" checked>
  <input name="off" disabled value="x">
  <fieldset disabled><input name="inside" value="x"><button name="do" value="closed">Closed</button></fieldset>
  <button name="do" value="save">Save</button>
  <button name="do" value="later" disabled>Later</button>
</form>
<form method="post" action="/own/7/end"><input name="why" value="a"><button>End</button></form>
<form method="post" action="/own/8/end"><input name="why" value="b"><button>End</button></form>
<form method="post" action="/own/save"><button>Same</button></form>
<form method="post" action="/own/save"><button>Same</button></form>`;

let sent: Record<string, unknown> = {};

async function open(): Promise<{ alice: Visitor; page: TestPage }> {
  const save = ({ req }: PageContext) => {
    const { 'kit-form': _mark, ...rest } = req.body;
    sent = rest;
    return '/own';
  };
  const own = anyPage({ path: '/own', view: 'own', actions: { save: { run: save } } });
  const app = await startTestApp(smallSite({ views: { own: form }, pages: [own] }));
  onTestFinished(() => app.stop());
  const alice = await app.signIn('alice');
  return { alice, page: await alice.get('/own') };
}

test('a form is sent as a browser sends it: what is disabled stays behind, a hidden field goes along', async () => {
  const { alice, page } = await open();
  await alice.submit(page, 'Save');
  expect(sent).toEqual({
    ...{ day: '2030-01-31', long: 'one', size: 'm', tags: ['a', 'c'], agree: 'no', days: 'mon', kind: 'b' },
    do: 'save',
  });
});

test('what is chosen is named by its value or by what it says, ticks by true and false', async () => {
  const { alice, page } = await open();
  const typed = {
    day: '2031-02-01',
    size: 'Small',
    tags: ['b'],
    agree: true,
    days: ['mon', 'tue'],
    kind: 'a',
  };
  await alice.submit(page, 'Save', typed);
  expect(sent).toMatchObject({ ...typed, size: 's', tags: 'b', agree: ['no', 'yes'] });
  await alice.submit(page, 'Save', { agree: false, days: false, tags: [], size: 's' });
  expect(sent).toMatchObject({ agree: 'no', size: 's' });
  for (const none of ['days', 'tags']) expect(sent).not.toHaveProperty(none);
});

test('whatever the order they are given in, fields and values are sent in that of the page', async () => {
  const page = parseHtml(`<form>
    <input name="people"><input type="checkbox" name="equipment" value="Projector">
    <input type="checkbox" name="equipment" value="Whiteboard"><select name="room"><option>Attic<option>Cellar</select>
    <input type="checkbox" name="equipment" value="Coffee"><select name="tags" multiple><option>a<option>b<option>c</select>
    <input name="row" value="1"><input name="row" value="2"><input name="row" value="3"><textarea name="notes"></textarea>
    <button>Book</button></form>`);
  const typed = {
    ...{ notes: 'one\ntwo', row: ['first', 'second'], tags: ['c', 'a'], equipment: ['Coffee', 'Whiteboard'] },
    ...{ room: 'Cellar', people: 4 },
  };
  expect(fillIn(page, answered, 'Book', typed).fields).toEqual([
    ...[
      ['people', '4'],
      ['equipment', 'Whiteboard'],
      ['room', 'Cellar'],
      ['equipment', 'Coffee'],
    ],
    ...[
      ['tags', 'a'],
      ['tags', 'c'],
      ['row', 'first'],
      ['row', 'second'],
      ['row', '3'],
      ['notes', 'one\r\ntwo'],
    ],
  ]);
});

test('an option that is disabled is neither sent nor chosen', () => {
  const page = parseHtml(`<form><select name="room"><option disabled>None<option>Attic</select>
    <select name="size"><option value="" disabled selected>Choose<option>s</select><button>Book</button></form>`);
  expect(fillIn(page, answered, 'Book', {}).fields).toEqual([['room', 'Attic']]);
  expect(() => fillIn(page, answered, 'Book', { room: 'None' })).toThrow(
    'The field "room" has no choice "None". It has: "Attic".',
  );
});

test.each<[Fields, string]>([
  [{ nope: '1' }, 'The form "Save" has no field "nope". It has: "day", "long", "size"'],
  [{ size: 'xl' }, 'The field "size" has no choice "xl". It has: "s", "m".'],
  [{ size: ['s', 'm'] }, 'The field "size" takes one choice, but it was given 2.'],
  [{ tags: ['a', 'z'] }, 'The field "tags" has no choice "z". It has: "a", "b", "c".'],
  [{ kind: 'z' }, 'The field "kind" has no choice "z". It has: "a", "b".'],
  [{ kind: true }, 'The field "kind" is not a box to tick, but it was given true.'],
  [{ day: false }, 'The field "day" is not a box to tick, but it was given false.'],
  [{ days: true }, 'The field "days" has 2 boxes. Name those to tick: "mon", "tue".'],
  [{ off: '1' }, 'The field "off" is disabled.'],
  [{ inside: '1' }, 'The field "inside" is disabled.'],
  [{ day: new Date() as never }, "given a Date: write it as the field sends it, such as '2030-01-31'"],
  [
    { day: undefined as never },
    'takes a string, a number, true, false or a list of strings, but it was given undefined.',
  ],
  [{ long: {} as never }, 'The field "long" takes a string'],
  [{ long: [['a']] as never }, 'given a list of lists'],
  [{ long: Number.NaN }, 'given NaN'],
])('nobody can type %j', async (typed, says) => {
  const { alice, page } = await open();
  await expect(alice.submit(page, 'Save', typed)).rejects.toThrow(says);
});

test('a button that is disabled cannot be pressed, and one of several must be named', async () => {
  const { alice, page } = await open();
  for (const button of ['Later', 'Closed']) {
    await expect(alice.submit(page, button)).rejects.toThrow(`The button "${button}" is disabled.`);
  }
  await expect(alice.submit(page, 'End')).rejects.toThrow(
    'Name one by its address: "/own/7/end", "/own/8/end".',
  );
  await expect(alice.submit(page, 'Same')).rejects.toThrow(
    'The page has 2 forms "Same". Give each an aria-label or an id of its own, and name one by that.',
  );
});

test('a page says what its fields hold', async () => {
  const { page } = await open();
  const names = ['day', 'long', 'size', 'tags', 'agree', 'days', 'kind', 'off'];
  expect(Object.fromEntries(names.map((name) => [name, page.field(name)]))).toEqual({
    ...{
      day: '2030-01-31',
      long: 'one',
      size: 'm',
      tags: ['a', 'c'],
      agree: false,
      days: ['mon'],
      kind: 'b',
    },
    off: 'x',
  });
  expect(page.field('why', '/own/8/end')).toBe('b');
  expect(() => page.field('why')).toThrow(
    "2 forms with a field \"why\". Say which: page.field('why', 'the button of the form').",
  );
  expect(() => page.field('nope')).toThrow('The page has no field "nope". It has: "day"');
  expect(() => page.field('why', 'Save')).toThrow('The form "Save" has no field "why"');
});

test('a page says what was wrong and what was said', () => {
  const pageOf = (body: string) =>
    createPage(
      {
        status: 422,
        headers: new Headers({ 'Content-Type': 'text/html' }),
        ...{ url: 'http://127.0.0.1/own', location: undefined, body },
      },
      { origin: 'http://127.0.0.1', issuers: ['http://127.0.0.2'] },
    );
  const page = pageOf(`<p class="said" role="status">Your table is <b>booked</b>.</p><main>
    <p class="error" id="date-error">Choose a date.</p><p class="error wide" id="a-b-error"> Too   long </p>
    <p class="error">No field</p><p class="error" id="elsewhere">No field</p><p id="other-error">No error</p></main>`);
  expect(page.errors).toEqual({ date: 'Choose a date.', 'a-b': 'Too long' });
  expect(page.said).toBe('Your table is booked.');
  expect(pageOf('<main></main>')).toMatchObject({ errors: {}, said: '' });
});
