import { afterAll, expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

const app = await startTestApp({ site });
afterAll(() => app.stop());

test('the page for administrators needs the role', async () => {
  const alice = await app.signIn('alice', { roles: ['admin'] });
  expect((await alice.get('/admin')).heading).toBe('Administration');

  const bob = await app.signIn('bob');
  expect((await bob.get('/admin')).status).toBe(403);
  expect((await bob.get('/')).links.map(({ name }) => name)).not.toContain('Admin');
});

test('an administrator makes somebody an editor, who is one from their next page on', async () => {
  const carol = await app.signIn('carol');
  expect((await carol.get('/profile')).text).not.toContain('editor');

  const alice = await app.signIn('alice', { roles: ['admin'] });
  const after = await alice.submit(await alice.get('/admin'), 'Make editor: Carol');
  expect(after.said).toBe('Carol is now an editor.');
  expect((await carol.get('/profile')).text).toContain('editor');

  await alice.submit(after, 'Remove editor: Carol');
  expect((await carol.get('/profile')).text).not.toContain('editor');
});
