import { afterAll, expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

const app = await startTestApp({ site });
afterAll(() => app.stop());

test('a visitor sees the home page, and is asked to sign in for the profile', async () => {
  const home = await app.get('/');
  expect(home.heading).toBe(`Welcome to ${site.name}`);
  // In the header and on the page. If there is one provider, its name is on the page's button.
  expect(home.links.filter(({ name }) => /^Sign in( with .+)?$/.test(name))).toHaveLength(2);
  expect((await app.get('/profile')).asksToSignIn).toBe(true);
});

test('whoever signs in comes to the page they asked for', async () => {
  const alice = await app.signIn('alice', { path: '/profile', claims: { name: 'Alice Adams' } });
  expect(alice.page.path).toBe('/profile');
  expect(alice.page.heading).toBe('Your account');
  expect(alice.page.text).toMatch(/Alice Adams[\s\S]*alice@example\.com/);
});

test('signing out ends the session', async () => {
  const alice = await app.signIn('alice');
  const page = await alice.submit(await alice.get('/'), 'Sign out');
  expect(page.path).toMatch(/^\/signed-out/);
  expect((await alice.get('/auth/session')).status).toBe(401);
});
