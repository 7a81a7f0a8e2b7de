import { afterAll, expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

const app = await startTestApp({ site });
afterAll(() => app.stop());

test('a note is added, read and deleted', async () => {
  const alice = await app.signIn('alice');
  const notes = await alice.submit(await alice.get('/notes'), 'Add', { title: 'Buy milk' });
  expect(notes.path).toBe('/notes');

  const note = await alice.click(notes, 'Buy milk');
  expect(note.text).toContain('Buy milk');

  const after = await alice.submit(note, 'Delete');
  expect(after.path).toBe('/notes');
  expect(after.text).not.toContain('Buy milk');
});

test('an empty note is not added', async () => {
  const alice = await app.signIn('dora');
  const page = await alice.submit(await alice.get('/notes'), 'Add', { title: '  ' });
  expect(page.text).toContain('You have no notes yet.');
});

test('nobody sees or deletes the note of somebody else', async () => {
  const alice = await app.signIn('alice');
  const notes = await alice.submit(await alice.get('/notes'), 'Add', { title: 'A secret' });
  const { path } = await alice.click(notes, 'A secret');

  const bob = await app.signIn('bob');
  expect((await bob.get('/notes')).text).not.toContain('A secret');
  expect((await bob.get(path)).status).toBe(404);
  await bob.post(`${path}/delete`);
  expect((await alice.get(path)).status).toBe(200);
});
