import { afterAll, expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

// About the words of views/home.ejs: change these tests with that page.

const app = await startTestApp({ site });
afterAll(() => app.stop());

test('a visitor is welcomed, and can sign in from the header and from the page', async () => {
  const home = await app.get('/');
  expect(home.heading).toBe(`Welcome to ${site.name}`);
  // If there is one provider, its name is on the page's button.
  expect(home.links.filter(({ name }) => /^Sign in( with .+)?$/.test(name))).toHaveLength(2);
});

test('whoever has signed in is greeted by name', async () => {
  const alice = await app.signIn('alice', { path: '/', claims: { name: 'Alice Adams' } });
  expect(alice.page.heading).toBe('Hello, Alice Adams');
});

test('it says what the app is for, or just to sign in', async () => {
  const description = 'Write <invoices>, and see which are paid.';
  await using described = await startTestApp({ site: { ...site, description } });
  expect((await described.get('/')).text).toContain(description);
  const { description: _said, ...unsaid } = site;
  await using plain = await startTestApp({ site: unsaid });
  expect((await plain.get('/')).text).toContain(`Sign in to use ${site.name}.`);
});
