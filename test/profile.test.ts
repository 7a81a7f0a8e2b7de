import { afterAll, expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

// About views/profile.ejs: change these tests with that page.

const app = await startTestApp({ site });
afterAll(() => app.stop());

test('the profile has a few rows, and every claim under "Technical details"', async () => {
  const claims = { name: 'Alice Adams', preferred_username: 'alice', email_verified: true, shoe_size: 42 };
  const { page } = await app.signIn('alice', { path: '/profile', claims });
  expect(page.heading).toBe('Your account');
  expect(page.text).toMatch(/Alice Adams[\s\S]*alice@example\.com/);
  const [rows = '', details = ''] = page.body.split('Technical details');
  expect(rows).toMatch(/alice@example\.com<\/bdi> <span class="badge">Verified</);
  expect(rows).not.toContain('shoe_size');
  expect(details).toContain('shoe_size');
  expect(page.body).toContain('<details>');
});

test.each([
  [false, 'Not verified'],
  ['true', 'Verified'],
  ['maybe', undefined],
  [undefined, undefined],
])('an email address with email_verified %j is shown as %j', async (email_verified, expected) => {
  const { page } = await app.signIn('alice', { path: '/profile', claims: { email_verified } });
  expect(/<span class="badge">((?:Not v|V)erified)</.exec(page.body)?.[1]).toBe(expected);
});

test('of many roles twenty are shown, and how many more there are', async () => {
  const rolesOf = async (count: number) => {
    const roles = Array.from({ length: count }, (_, index) => `role-${index}`);
    const { page } = await app.signIn('dave', { path: '/profile', roles });
    const [rows = ''] = page.body.split('Technical details');
    return { badges: rows.match(/class="badge"><bdi>role-/g) ?? [], more: /and \d+ more/.exec(rows)?.[0] };
  };
  expect(await rolesOf(40)).toMatchObject({ badges: { length: 20 }, more: 'and 20 more' });
  expect(await rolesOf(20)).toMatchObject({ badges: { length: 20 }, more: undefined });
  expect(await rolesOf(0)).toMatchObject({ badges: { length: 0 }, more: undefined });
});
