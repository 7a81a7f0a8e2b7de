import { expect, test } from 'vitest';
import { getUser } from '../session/user-session.ts';
import { startSmall } from './helpers/test-app.ts';

// A cache in front of the app must not give one user's answer to the next (R16), also where a route of the site's own
// answers everyone.

test('a public route that asks who is signed in is kept by no cache, unless it says how', async () => {
  const app = await startSmall({
    more: {
      publicRoutes: (router) => {
        router.get('/hello', (req, res) => void res.send(getUser(req)?.name ?? 'nobody'));
        router.get('/kept', (req, res) => {
          res.setHeader('Cache-Control', 'private, max-age=60');
          res.send(getUser(req)?.name ?? 'nobody');
        });
        router.get('/feed', (_req, res) => void res.send('the same for all'));
      },
    },
  });
  for (const person of [await app.signIn('alice'), app.visitor()]) {
    const cacheControl = async (path: string) => (await person.get(path)).headers.get('cache-control');
    expect(await cacheControl('/hello')).toBe('no-store');
    expect(await cacheControl('/kept')).toBe('private, max-age=60');
    expect(await cacheControl('/feed')).toBeNull();
  }
});
