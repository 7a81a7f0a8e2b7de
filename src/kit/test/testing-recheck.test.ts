import { expect, test } from 'vitest';
import { startForTest } from './helpers/test-app.ts';

// The recheck of a signed-in person, as tests of an app write it: what changes at the provider, and time that passes.

test('a role that somebody loses at the provider is lost here after eleven minutes', async () => {
  const app = await startForTest();
  const alice = await app.signIn('alice', { roles: ['admin'] });
  alice.setRoles([]);
  expect((await alice.get('/admin')).status).toBe(200);
  await app.passTime('11m');
  expect((await alice.get('/admin')).status).toBe(403);
});

test('somebody who is disabled at the provider is out after eleven minutes, in each browser', async () => {
  const app = await startForTest();
  const [one, two] = [await app.signIn('alice'), await app.signIn('alice')];
  one.disable();
  await app.passTime('11m');
  for (const browser of [one, two]) {
    const page = await browser.get('/profile');
    expect([page.status, page.text]).toEqual([401, expect.stringContaining('account')]);
  }
  expect(await app.logged('session.ended', { sub: 'alice', reason: 'account' })).toBeDefined();
});

test('while the provider is away, everybody stays in with what was known', async () => {
  const app = await startForTest();
  const alice = await app.signIn('alice', { roles: ['admin'] });
  alice.setRoles([]);
  await app.provider.goAway();
  await app.passTime('11m');
  expect((await alice.get('/admin')).status).toBe(200);
  await app.provider.comeBack();
  await app.passTime('2m');
  expect((await alice.get('/admin')).status).toBe(403);
});
