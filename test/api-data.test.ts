import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

// A small API, and what was asked of it. `answers` is what it says to anything but a look at the notes.

const asked: string[] = [];
let notes: { id: number; text: string }[] | undefined = [];
let answers: { status: number; body: object; challenge?: string };
const api = createServer(async (req, res) => {
  let body = '';
  for await (const chunk of req) body += chunk;
  asked.push(`${req.method} ${req.url} ${req.headers.authorization?.split(' ')[0]} ${body}`.trim());
  const { status, body: said, challenge } = req.method === 'GET' ? look(req.url) : answers;
  if (req.method === 'POST' && status === 201) notes?.push({ id: 7, text: JSON.parse(body).text });
  if (req.method === 'DELETE') notes = [];
  if (challenge) res.setHeader('WWW-Authenticate', challenge);
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(said));
});
function look(path: string | undefined): { status: number; body: object; challenge?: string } {
  if (path !== '/history') return { status: 200, body: notes ? { notes } : { plan: 'gold' } };
  // Shown to the second who asks: by then they have signed in again.
  const count = asked.filter((line) => line.includes('/history')).length;
  if (count > 1)
    return {
      status: 200,
      body: { changes: [{ at: '2026-11-26T12:00:00Z', what: 'added', note: { text: 'Milk' } }] },
    };
  const challenge = 'Bearer error="insufficient_user_authentication", acr_values="strong", max_age="300"';
  return { status: 401, body: {}, challenge };
}
await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
const API_URL = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
afterAll(() => api.close());
beforeEach(() => {
  asked.length = 0;
  notes = [];
  answers = { status: 201, body: {} };
});

test('what the API answers is shown', async () => {
  await using app = await startTestApp({ site, env: { API_URL } });
  const alice = await app.signIn('alice');
  notes = [{ id: 1, text: '<b>Water</b> the plants' }];
  expect((await alice.get('/api-data')).text).toContain('<b>Water</b> the plants');
  expect(asked).toEqual(['GET / Bearer']);
});

test('of another API without notes the answer alone is shown', async () => {
  await using app = await startTestApp({ site, env: { API_URL } });
  const alice = await app.signIn('alice');
  notes = undefined;
  const page = await alice.get('/api-data');
  expect(page.text).toContain('gold');
  expect(page.text).not.toContain('Add a note');
});

test('what needs a stronger sign-in leads to the provider, and is shown then', async () => {
  await using app = await startTestApp({ site, env: { API_URL } });
  const alice = await app.signIn('alice');
  const page = await alice.click(await alice.get('/api-data'), 'What happened to your notes');
  expect(page).toMatchObject({ status: 200, path: '/api-data/history' });
  expect(page.text).toContain('Milk');
});

test('a note is added and deleted, by forms', async () => {
  await using app = await startTestApp({ site, env: { API_URL } });
  const alice = await app.signIn('alice');
  const page = await alice.submit(await alice.get('/api-data'), 'Add', { text: ' Milk ' });
  expect(page).toMatchObject({ path: '/api-data', said: 'Your note is added.' });
  expect(page.text).toContain('Milk');
  expect(asked).toContain('POST /notes Bearer {"text":"Milk"}');
  const after = await alice.submit(page, 'Delete Milk');
  expect(after.said).toBe('Your note is deleted.');
  expect(after.text).toContain('There are no notes here.');
  expect(asked).toContain('DELETE /notes/7 Bearer');
});

test.each([
  [400, { errors: { text: ['Too short'] } }, { text: 'Too short' }],
  [409, { detail: 'There are too many' }, 'The API said: There are too many'],
  [418, ['no problem'], 'The API refused this (418).'],
  [403, {}, 'The API denied access (403).'],
  [500, {}, 'The API returned an error (500).'],
])('what the API refuses with %i is said, and nothing that was typed is lost', async (status, body, said) => {
  await using app = await startTestApp({ site, env: { API_URL } });
  const alice = await app.signIn('alice');
  answers = { status, body };
  const page = await alice.submit(await alice.get('/api-data'), 'Add', { text: 'Milk' });
  expect([page.status, page.field('text')]).toEqual([422, 'Milk']);
  if (typeof said === 'string') expect(page.text).toContain(said);
  else expect(page.errors).toEqual(said);
});

test('the script of the page asks through this app, which adds the token', async () => {
  await using app = await startTestApp({ site, env: { API_URL, API_RESOURCE: 'https://notes.example' } });
  const alice = await app.signIn('alice');
  notes = [{ id: 1, text: 'Milk' }];
  expect((await alice.fetch('/api/data/notes')).json()).toEqual({ notes });
  expect((await alice.fetch('/api/data/notes', { json: { text: 'Bread' } })).status).toBe(201);
  expect(asked).toEqual(['GET /notes Bearer', 'POST /notes Bearer {"text":"Bread"}']);
  expect((await app.fetch('/api/data/notes')).status).toBe(401);
});

test('a user of another provider reads where to sign in, and their token stays here', async () => {
  await using app = await startTestApp({ site, env: { API_URL, OIDC_PROVIDERS: 'work,social' } });
  const alice = await app.signIn('alice', { provider: 'social' });
  const page = await alice.get('/api-data');
  expect(page.status).toBe(403);
  expect(page.text).toContain('You need to sign in with an account from work.');
  expect(page.links.map(({ name }) => name)).toContain('Use another account');
  expect((await alice.fetch('/api/data/notes')).status).toBe(403);
  expect(asked).toEqual([]);
});
