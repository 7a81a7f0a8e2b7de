import express, { type ErrorRequestHandler, Router } from 'express';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { knownMethods, listRoutes } from '../http/methods.ts';

function createApp(settings: string[] = []) {
  const app = express();
  for (const each of settings) app.enable(each);
  const done = (_req: unknown, res: express.Response) => void res.send('done');
  app.use(knownMethods(app));
  const auth = Router();
  auth.get('/login', done);
  auth.route('/callback').get(done).post(done);
  auth.use('/deep', Router().delete('/item', done));
  app.get('/', done);
  app.get('/profile', done);
  app.post('/sessions/end', done);
  app.get('/orders/:id', done);
  app.post('/orders/:id', done);
  app.get('/files/:id/*rest', done);
  app.get('/from/:year-:month-:day', done);
  app.post('/files/7/upload', done);
  app.post('/orders/export', done);
  app.post('/orders/:id/delete', done);
  app.get(['/one', '/two'], done);
  app.route('/any').all(done);
  app.use('/auth', auth);
  app.use('/plain', (_req, res) => void res.send('middleware'));
  app.post('/{*rest}', (_req, res) => void res.status(404).send('caught by a wildcard'));
  const printError: ErrorRequestHandler = (error, _req, res, _next) =>
    void res.status(error.status).json(error.page);
  app.use(printError);
  return app;
}

const client = supertest(createApp());
const ask = (method: string, path: string) =>
  (client as never as Record<string, (p: string) => supertest.Test>)[method]?.(path) as supertest.Test;

describe('a known address asked with another method', () => {
  test.each([
    ['post', '/profile', 'GET, HEAD, OPTIONS'],
    ['put', '/profile', 'GET, HEAD, OPTIONS'],
    ['delete', '/', 'GET, HEAD, OPTIONS'],
    ['trace', '/profile', 'GET, HEAD, OPTIONS'],
    ['propfind', '/profile', 'GET, HEAD, OPTIONS'],
    ['get', '/sessions/end', 'POST, OPTIONS'],
    ['head', '/sessions/end', 'POST, OPTIONS'],
    ['patch', '/auth/callback', 'GET, POST, HEAD, OPTIONS'],
    ['post', '/auth/login', 'GET, HEAD, OPTIONS'],
    ['post', '/auth/deep/item', 'DELETE, OPTIONS'],
    ['delete', '/orders/7', 'GET, POST, HEAD, OPTIONS'],
    ['delete', '/orders/export', 'POST, GET, HEAD, OPTIONS'],
    ['delete', '/from/2026-11-26', 'GET, HEAD, OPTIONS'],
    ['delete', '/from/20-26-11-26', 'GET, HEAD, OPTIONS'],
    ['post', '/two', 'GET, HEAD, OPTIONS'],
    ['post', '/PROFILE/', 'GET, HEAD, OPTIONS'],
  ])('%s %s gets 405 and hears what is allowed', async (method, path, allow) => {
    const { status, headers } = await ask(method, path);
    expect(status).toBe(405);
    expect(headers.allow).toBe(allow);
  });

  test.each([
    ['/orders/7/delete', '/orders/7'],
    ['/auth/callback/', undefined],
    ['/sessions/end', undefined],
    ['//orders/7/delete', undefined],
  ])('%s, the address of a form, names the page that holds it: %s', async (path, page) => {
    const { status, body } = await client.get(path);
    expect([200, 404, 405]).toContain(status);
    expect(body?.action?.href).toBe(page ?? (status === 405 ? '/' : undefined));
  });

  test('a form that WebKit posts once more at a reload, to the page that held it, leads to that page', async () => {
    const post = (headers: object) => client.post('/profile').set({ Accept: 'text/html', ...headers });
    const again = { Referer: 'https://app.example.com/profile?x=1', 'Sec-Fetch-Site': 'same-origin' };
    const led = await post(again);
    expect([led.status, led.headers.location]).toEqual([303, '/profile']);
    for (const other of [
      {},
      { ...again, Referer: 'https://app.example.com/' },
      { ...again, Referer: 'no address' },
      { ...again, 'Sec-Fetch-Site': 'cross-site' },
      { ...again, 'Sec-Fetch-Mode': 'cors' },
    ])
      expect((await post(other)).status, JSON.stringify(other)).toBe(405);
  });

  test('OPTIONS is answered without a body and without CORS', async () => {
    const { status, headers, text } = await client
      .options('/auth/callback')
      .set({ Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' });
    expect([status, text]).toEqual([204, '']);
    expect(headers.allow).toBe('GET, POST, HEAD, OPTIONS');
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test.each([
    ['get', '/profile'],
    ['head', '/profile'],
    ['get', '/PROFILE/'],
    ['head', '/orders/7'],
    ['post', '/orders/7'],
    ['delete', '/auth/deep/item'],
    ['propfind', '/any'],
    ['put', '/plain/x'],
    ['post', '/orders/export'],
    ['get', '/orders/export'],
    ['get', '/files/7/upload'],
    ['get', '/from/20-26-11-26'],
  ])('%s %s is right and goes through', async (method, path) => {
    expect((await ask(method, path)).status).toBe(200);
  });

  test('an unknown address is a matter for the 404, not for the 405', async () => {
    for (const path of [
      '/nowhere',
      '/profile/below',
      '/orders/7/8',
      '/orders/',
      '/authlogin',
      '/files/7/rest',
      '/from/2026-11',
      '/from/2026-11-',
    ]) {
      expect((await client.put(path)).status, path).toBe(404);
    }
  });

  test('strict routing is heeded', async () => {
    const strict = supertest(createApp(['strict routing', 'case sensitive routing']));
    expect((await strict.put('/profile')).status).toBe(405);
    expect((await strict.put('/profile/')).status).toBe(404);
    expect((await strict.put('/Profile')).status).toBe(404);
  });
});

test('all routes can be listed, those of mounted routers included', () => {
  expect(listRoutes(createApp()).map(({ path, methods }) => `${methods} ${path}`)).toEqual([
    'GET /',
    'GET /profile',
    'POST /sessions/end',
    'GET /orders/:id',
    'POST /orders/:id',
    'GET /files/:id/*rest',
    'GET /from/:year-:month-:day',
    'POST /files/7/upload',
    'POST /orders/export',
    'POST /orders/:id/delete',
    'GET /one',
    'GET /two',
    '* /any',
    'GET /auth/login',
    'GET,POST /auth/callback',
    'DELETE /auth/deep/item',
    'POST /{*rest}',
  ]);
});
