import { expect, test } from 'vitest';
import { z } from 'zod';
import { hasPostgres } from '../testing/index.ts';
import { smallSite } from './helpers/small-site.ts';
import { startForTest } from './helpers/test-app.ts';

// A second app at the providers of the first: with other settings beside it, or after it has stopped, as at a restart.

test('an account is the same user in an app that shares the providers', async () => {
  const first = await startForTest();
  const [alone, second] = [await startForTest(), await startForTest({ sharing: first })];
  expect(second.provider.issuer).toBe(first.provider.issuer);
  expect(second.env.OIDC_ISSUER).toBe(first.env.OIDC_ISSUER);
  expect(alone.provider.issuer).not.toBe(first.provider.issuer);
  const [here, there] = [await first.signIn('alice'), await second.signIn('alice')];
  for (const alice of [here, there]) expect((await alice.get('/profile')).status).toBe(200);
  // Each has sessions of its own.
  expect(await first.endSessions('alice')).toBe(1);
  expect((await here.fetch('/api/hello')).status).toBe(401);
  expect((await there.fetch('/api/hello')).status).toBe(200);
  // What the provider says is said to both.
  here.disable();
  await expect(second.signIn('alice')).rejects.toThrow('The account is disabled');
  expect((await there.signOut()).path).toMatch(/^\/signed-out/);
});

test('also after the other one has stopped, and each of several providers', async () => {
  const env = { OIDC_PROVIDERS: 'work,google' };
  const first = await startForTest({ env });
  await first.signIn('bob', { provider: 'google' });
  await first.stop();
  const second = await startForTest({ env, sharing: first });
  expect(second.providers.google?.issuer).toBe(first.providers.google?.issuer);
  const bob = await second.signIn('bob', { provider: 'google' });
  await bob.get('/profile');
  await second.passTime('11m');
  expect((await bob.get('/profile')).status).toBe(200);
  await second.stop();
  await expect(fetch(`${second.providers.google?.issuer}/jwks`)).rejects.toThrow();
});

test('the provider stays for those who still use it', async () => {
  const first = await startForTest();
  const second = await startForTest({ sharing: first });
  await first.stop();
  expect((await (await second.signIn('alice')).get('/profile')).status).toBe(200);
});

test.skipIf(!hasPostgres())('a database of the other is taken, not a new one', async () => {
  const { site, root } = smallSite({
    more: { settings: { DATABASE_URL: { meaning: 'the database', schema: z.string() } } },
  });
  const given = { site, root, env: { DATABASE_URL: ':postgres:' } };
  const first = await startForTest(given);
  const [alone, second] = [await startForTest(given), await startForTest({ ...given, sharing: first })];
  expect(second.env.DATABASE_URL).toBe(first.env.DATABASE_URL);
  expect(alone.env.DATABASE_URL).not.toBe(first.env.DATABASE_URL);
});

test('what is no other app is refused', async () => {
  await expect(startForTest({ sharing: { env: {} } })).rejects.toThrow(
    '`sharing` takes what startTestApp returned for another app.',
  );
});
