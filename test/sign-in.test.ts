import { afterAll, expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

// True of any app, whatever its pages say: /sessions is a page of the kit.

const app = await startTestApp({ site });
afterAll(() => app.stop());

test('a visitor finds a link to sign in on the home page, and is asked to for a protected one', async () => {
  const home = await app.get('/');
  expect(home.status).toBe(200);
  expect(home.links.some(({ href }) => href.startsWith('/auth/login?'))).toBe(true);
  expect((await app.get('/sessions')).asksToSignIn).toBe(true);
});

test('whoever signs in comes to the page they asked for', async () => {
  const alice = await app.signIn('alice', { path: '/sessions' });
  expect([alice.page.status, alice.page.path]).toEqual([200, '/sessions']);
});

test('signing out ends the session', async () => {
  const alice = await app.signIn('alice');
  const page = await alice.submit(await alice.get('/'), '/auth/logout');
  expect(page.path).toMatch(/^\/signed-out/);
  expect((await alice.get('/auth/session')).status).toBe(401);
});
