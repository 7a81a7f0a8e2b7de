import express, { type Express, Router } from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sessionHash } from '../log/index.ts';
import { endUserSession } from '../session/user-session.ts';
import type { Sessions } from '../store/index.ts';
import type { LogLine, TestApp } from './helpers/app.ts';
import { type AppWithRoutes, startAppWithRoutes } from './helpers/app-with-routes.ts';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { withPair } from './helpers/misbehaving-sign-in.ts';

const settings = {
  // Nobody listens there: what is tested here needs no provider.
  OIDC_ISSUER: 'http://127.0.0.1:9',
  OIDC_CLIENT_ID: 'web-app',
  OIDC_CLIENT_SECRET: 'the-secret-of-the-client',
};

/** The request lines that came since, in order. */
async function linesSince(app: TestApp, from: number, count: number): Promise<LogLine[]> {
  const requests = () => app.lines.slice(from).filter(({ msg }) => msg === 'request');
  await expect.poll(() => requests().length).toBe(count);
  return requests();
}

/** The id in a browser's session cookie. */
function idIn(browser: Browser): string {
  return decodeURIComponent(browser.cookie('session') ?? '').replace(/^s:|\..*$/g, '');
}

function mount(app: Express): void {
  const things = Router({ mergeParams: true })
    .get('/', (_req, res) => void res.send('all'))
    .get('/:id', (req, res, next) => (req.params.id === 'left' ? next() : res.send('one')))
    .get('/:id/breaks', () => {
      throw new Error('broken on purpose');
    })
    .get(['/old/:id', '/older/:id'], (_req, res) => void res.send('one'));
  app.use('/shops/:shop/things', things);
  app.get('/shops/:shop/things/:thing', (_req, res) => void res.send('found later'));
  app.use(
    '/left',
    Router().get('/:id', (_req, _res, next) => next()),
  );
  app.get(/^\/files-\d+$/, (_req, res) => void res.send('a file'));
  app.use(
    '/other',
    express().get('/:id', (_req, res) => void res.send('an app of its own')),
  );
  app.use('/middleware', (_req, res) => void res.send('no route'));
}

describe('the route of a request', () => {
  let app: AppWithRoutes;
  beforeAll(async () => {
    const url = 'http://127.0.0.1:9';
    const site = { apis: () => ({ notes: { url, proxy: '/api/notes' } }) };
    app = await startAppWithRoutes(settings, { site, mount });
  });
  afterAll(() => app.stop());

  test.each<[string, string | undefined, number]>([
    ['/', '/', 200],
    ['/?tab=1', '/', 200],
    ['/profile', '/profile', 503],
    // Of the site's own routes too, when the guard answers.
    ['/api/hello', '/api/hello', 503],
    ['/auth/login', '/auth/login', 503],
    ['/auth/callback?code=a&state=b', '/auth/callback', 400],
    // Of a router: with the address that it is at, also when it has been left by an error.
    ['/shops/1/things', '/shops/1/things', 200],
    ['/shops/1/things/old/7', '/shops/1/things/old/:id', 200],
    ['/shops/1/things/7/breaks', '/shops/1/things/:id/breaks', 500],
    ['/shops/1/things/left', '/shops/:shop/things/:thing', 200],
    ['/left/7', undefined, 404],
    ['/files-7', String(/^\/files-\d+$/), 200],
    ['/other/7', '/other/:id', 200],
    // An API's addresses are its own.
    ['/api/notes', '/api/notes', 403],
    ['/api/notes/7/more?a=b', '/api/notes', 403],
    // None where nothing took it.
    ['/middleware/7', undefined, 200],
    ['/site.css', undefined, 200],
    ['/nowhere', undefined, 404],
    ['/%ff', undefined, 404],
  ])('%s has the route %s', async (path, route, status) => {
    const from = app.lines.length;
    await createBrowser().get(app.url(path), { follow: false });
    const [line] = await linesSince(app, from, 1);
    expect([line?.route, line?.status]).toEqual([route, status]);
    expect(Object.keys(line ?? {}).includes('route')).toBe(route !== undefined);
    for (const name of ['session', 'iss', 'sub']) expect(line).not.toHaveProperty(name);
  });

  test.each(['/healthz', '/readyz', '/readyz?public'])(
    'the probe %s is logged at debug, whatever it finds',
    async (path) => {
      const from = app.lines.length;
      await createBrowser().get(app.url(path), { follow: false });
      expect(await linesSince(app, from, 1)).toMatchObject([{ level: 'debug' }]);
    },
  );

  test('nobody hides a request among the probes', async () => {
    const from = app.lines.length;
    // The probes are answered as they are written only.
    const paths = ['/healthz/x', '/x?y=/healthz', '//healthz', '/left/healthz', '/READYZ', '/readyz/'];
    for (const path of paths) await createBrowser().get(app.url(path), { follow: false });
    const lines = await linesSince(app, from, paths.length);
    expect(lines.map(({ level }) => level)).toEqual(paths.map(() => 'info'));
  });
});

describe('who asked', () => {
  const routes = {
    mount(app: Express) {
      app.get('/leave', async (req, res) => {
        await endUserSession(req, res, 'signed-out');
        res.send('left');
      });
      app.get('/destroys', (req, res) => req.session.destroy(() => res.send('gone')));
      app.use(
        '/sub',
        express().get('/who', (_req, res) => void res.send('a foreign prototype')),
      );
    },
  };

  test('is on the lines of whoever is signed in, from the answer that signed in to the one that signed out', () =>
    withPair({ routes }, async ({ op, app, browser, open }) => {
      const asked = async (path: string, count = 1) => {
        const from = app.lines.length;
        await open(path);
        return linesSince(app, from, count);
      };
      const nobody = ['session', 'iss', 'sub'] as const;
      const [sentOff, answered, page] = await asked('/profile', 3);
      const who = { iss: op.issuer, sub: 'user-1', session: sessionHash(idIn(browser)) };
      for (const name of nobody) expect(sentOff).not.toHaveProperty(name);
      expect(answered).toMatchObject({ route: '/auth/callback', status: 303, ...who });
      expect(page).toMatchObject({ route: '/profile', status: 200, ...who });
      expect(await asked('/')).toMatchObject([{ status: 200, ...who }]);
      expect(await asked('/nowhere')).toMatchObject([{ status: 404, ...who }]);
      expect(await asked('/sub/who')).toMatchObject([{ route: '/sub/who', ...who }]);
      // What is answered before the session is read costs no look at it.
      for (const path of ['/site.css', '/healthz'])
        for (const name of nobody) expect((await asked(path))[0]).not.toHaveProperty(name);

      expect(await asked('/leave')).toMatchObject([{ status: 200, ...who }]);
      for (const name of nobody) expect((await asked('/'))[0]).not.toHaveProperty(name);
      expect(JSON.stringify(app.lines)).not.toContain(idIn(browser) || 'no cookie');
    }));

  test('is whoever came, where the page ends the session itself or a sign-in fails', () =>
    withPair({ routes: { ...routes, site: { loginParameters: ['prompt=login'] } } }, async (pair) => {
      const { op, app, browser, open } = pair;
      await open('/profile');
      const who = { sub: 'user-1', session: sessionHash(idIn(browser)) };
      op.next({ idToken: { nonce: 'another' } });
      let from = app.lines.length;
      await open('/auth/login?prompt=login');
      const [, failed] = await linesSince(app, from, 2);
      expect(failed).toMatchObject({ route: '/auth/callback', status: 502, ...who });
      from = app.lines.length;
      await open('/destroys');
      expect(await linesSince(app, from, 1)).toMatchObject([{ ...who }]);
    }));
});

describe('a failed sign-in', () => {
  const address = '203.0.113.7';
  const at = { headers: { 'X-Forwarded-For': `198.51.100.1, ${address}:49152` } };
  const who = { sub: 'user-1' };

  test.each([
    ['a userinfo of somebody else', { userinfo: { json: { sub: 'user-2' } } }, 'userinfo_sub_mismatch', who],
    ['no usable userinfo', { userinfo: { status: 500, body: 'no' } }, 'userinfo_refused', who],
    ['another level than asked for', { idToken: { acr: 'low' } }, 'acr_not_met', who],
    ['an ID token for another sign-in', { idToken: { nonce: 'another' } }, 'nonce_mismatch', undefined],
    ['an ID token for another app', { idToken: { azp: 'another' } }, 'id_token_claims', undefined],
    ['an ID token of an old sign-in', { idToken: { exp: 1 } }, 'id_token_expired', undefined],
    ['no token', { token: { status: 400, json: { error: 'invalid_grant' } } }, 'token_refused', undefined],
  ])('by %s names the client, and the user where the ID token was verified', (_what, lies, reason, known) =>
    withPair(
      { env: { TRUST_PROXY_HOPS: '1', OIDC_ACR_VALUES: 'high' }, op: { acr: 'high' } as object },
      async ({ op, app, browser }) => {
        op.next({ ...lies, idToken: { acr: 'high', ...('idToken' in lies && lies.idToken) } } as typeof lies);
        await browser.get(app.url('/profile'), at);
        const [event] = app.events('sign_in.failed');
        expect(event).toMatchObject({ reason, 'client.address': address, iss: op.issuer, ...known });
        if (!known) expect(event).not.toHaveProperty('sub');
      },
    ),
  );

  test('whose session was ended meanwhile names the user', () => {
    const wrap = (sessions: Sessions) => Object.assign(sessions, { enter: async () => 'ended' as const });
    return withPair({ routes: { wrap } }, async ({ app, open }) => {
      await open('/profile');
      const about = { ...who, 'client.address': expect.stringMatching(/127\.0\.0\.1$/) };
      expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'ended_meanwhile', ...about }]);
    });
  });
});
