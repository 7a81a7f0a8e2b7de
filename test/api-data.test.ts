import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

const asked: string[] = [];
const api = createServer((req, res) => {
  asked.push(req.headers.authorization ?? '');
  res.setHeader('Content-Type', 'application/json').end('{"notes":[{"text":"Water the plants"}]}');
});
await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
const API_URL = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
afterAll(() => api.close());

test('what the API answers is shown', async () => {
  await using app = await startTestApp({ site, env: { API_URL } });
  const alice = await app.signIn('alice');
  expect((await alice.get('/api-data')).text).toContain('Water the plants');
  expect(asked.splice(0)).toEqual([expect.stringMatching(/^Bearer ./)]);
});

test('an API of another provider gets no token, and the page says why', async () => {
  await using app = await startTestApp({ site, env: { API_URL, API_PROVIDER: 'another' } });
  const alice = await app.signIn('alice');
  const page = await alice.get('/api-data');
  expect(page.status).toBe(200);
  expect(page.text).toContain('This API only knows people who sign in another way.');
  expect(page.links.map(({ name }) => name)).toContain('Use another account');
  expect(asked).toEqual([]);
});
