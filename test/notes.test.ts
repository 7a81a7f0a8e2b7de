import { afterAll, expect, test } from 'vitest';
import { type Person, startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

const app = await startTestApp({ site });
afterAll(() => app.stop());

const milk = { title: 'Buy milk', kind: 'task', text: 'Two litres' };

async function add(person: Person, fields: Record<string, string | boolean>) {
  return person.submit(await person.get('/notes/new'), 'Save', fields);
}

test('a note is added, read, changed and deleted', async () => {
  const alice = await app.signIn('alice');
  const list = await add(alice, { ...milk, pinned: true });
  expect(list).toMatchObject({ path: '/notes', said: '“Buy milk” is saved.' });

  const note = await alice.click(list, 'Buy milk');
  expect(note).toMatchObject({ heading: 'Buy milk', said: '' });
  expect(note.field('text')).toBe('Two litres');
  const changed = await alice.submit(note, 'Save', { text: 'One litre', pinned: false });
  expect(changed.said).toBe('Your changes are saved.');
  expect(changed.field('text')).toBe('One litre');

  const question = await alice.click(changed, 'Delete');
  expect(question.heading).toBe('Delete this note?');
  const after = await alice.submit(question, 'Delete');
  expect(after.text).toContain('There are no notes here.');
  expect((await alice.get(note.path)).status).toBe(404);
});

test('what is wrong with a note is said beside its field, and nothing that was typed is lost', async () => {
  const alice = await app.signIn('alice');
  const page = await add(alice, { title: ' ', remindOn: '2026-02-30', text: 'Two litres' });
  expect(page.status).toBe(422);
  expect(Object.keys(page.errors)).toEqual(['title', 'kind', 'remindOn']);
  expect(page.field('text')).toBe('Two litres');
  expect((await alice.submit(page, 'Save', { ...milk, remindOn: '2026-12-24' })).path).toBe('/notes');
});

test('a form that is sent twice adds one note', async () => {
  const alice = await app.signIn('alice twice');
  const form = await alice.get('/notes/new');
  await Promise.all([alice.submit(form, 'Save', milk), alice.submit(form, 'Save', milk)]);
  expect((await alice.get('/notes')).text.match(/Buy milk/g)).toHaveLength(1);

  const other = await alice.submit(form, 'Save', { ...milk, title: 'Buy bread' });
  expect(other.said).toBe('This form was sent already. To add another note, open a new one.');
});

test('nobody reads, changes or deletes the notes of somebody else', async () => {
  const [carol, dave] = [await app.signIn('carol'), await app.signIn('dave')];
  const note = await carol.click(await add(carol, milk), 'Buy milk');
  expect((await dave.get(note.path)).status).toBe(404);
  expect((await dave.get(`${note.path}/delete`)).status).toBe(404);
  expect((await dave.post(`${note.path}/save`, milk)).status).toBe(404);
  expect((await dave.post(`${note.path}/delete/confirm`)).status).toBe(404);
  expect((await dave.get('/notes')).text).toContain('There are no notes here.');
  expect((await carol.get(note.path)).heading).toBe('Buy milk');
});

test('a long list goes on, on the next page and for the script of this one', async () => {
  const erin = await app.signIn('erin');
  for (let number = 1; number <= 21; number++) await add(erin, { ...milk, title: `Note ${number}` });
  const first = await erin.get('/notes');
  expect(first.text).toContain('Note 21');
  expect(first.text).not.toMatch(/Note 1\b/);
  const second = await erin.click(first, 'Older notes');
  expect(second.text).toMatch(/Note 1\b/);
  expect((await erin.fetch('/api/notes?page=2')).json()).toEqual({
    notes: [{ id: expect.any(Number), title: 'Note 1', kind: 'task', pinned: false }],
    hasMore: false,
  });
  expect((await erin.get('/notes?page=1e3')).text).toContain('Note 21');
  expect((await app.fetch('/api/notes')).status).toBe(401);
});

test('a session that ended while somebody typed loses nothing', async () => {
  const alice = await app.signIn('frank');
  const form = await alice.get('/notes/new');
  await alice.endSession();
  const page = await alice.submit(form, 'Save', milk);
  expect(page.status).toBe(401);
  await alice.signIn('frank');
  expect((await alice.submit(page, 'Send again')).text).toContain('Buy milk');
});
