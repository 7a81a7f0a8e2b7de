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

test('two people of one name are told apart, on the page and by their buttons', async () => {
  await app.signIn('erin', { claims: { name: 'Same Name' } });
  await app.signIn('frank', { claims: { name: 'Same Name' } });
  const alice = await app.signIn('alice', { roles: ['admin'] });
  const page = await alice.get('/admin');
  const names = [...page.body.matchAll(/Make editor<span class="unseen">: (Same Name[^<]*)</g)];
  expect(names.map(([, name]) => name?.replace(/ at http.*/, ''))).toEqual([
    ...['Same Name, erin', 'Same Name, frank'],
  ]);
  expect(page.text).toMatch(/\berin at http/);
});

test('whoever has a name without end fills no page with it', async () => {
  await app.signIn('dave', {
    claims: { name: 'D'.repeat(20_000), email: `${'d'.repeat(20_000)}@example.com` },
  });
  const alice = await app.signIn('alice', { roles: ['admin'] });
  const page = await alice.get('/admin');
  expect(page.body.length).toBeLessThan(15_000);
  const after = await alice.submit(page, `Make editor: ${'D'.repeat(200)}`);
  expect(after.said).toBe(`${'D'.repeat(200)} is now an editor.`);
});
