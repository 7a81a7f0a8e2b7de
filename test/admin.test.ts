import { afterAll, expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

const app = await startTestApp({ site });
afterAll(() => app.stop());

test('the page for administrators needs the role', async () => {
  const alice = await app.signIn('alice', { roles: ['admin'] });
  expect((await alice.get('/admin')).text).toContain('Your roles admin');

  const bob = await app.signIn('bob');
  expect((await bob.get('/admin')).status).toBe(403);
  expect((await bob.get('/')).links.map(({ name }) => name)).not.toContain('Admin');
});
