import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import express, { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { kitNames } from '../pages/kit-names.ts';
import type { PageContext } from '../pages/page.ts';
import { startTestApp, type TestApp } from '../testing/index.ts';
import { anyPage, type SmallSite, smallSite } from './helpers/small-site.ts';

// What somebody sends, and a site hands on without a look at it.

async function start(parts: SmallSite): Promise<TestApp> {
  const app = await startTestApp(smallSite(parts));
  onTestFinished(() => app.stop());
  return app;
}

describe('a request of nobody', () => {
  const paths = [
    ...[
      '/a/1',
      '/A/1/',
      '//a/1',
      '/a//1',
      '/a%2f1',
      '/%61/1',
      '/a/%2e',
      '/a/..',
      '/./a/1',
      '/a/1%00',
      '/a/%E0',
    ],
    ...['/rex', '/REX', '/re', '/one', '/two/1', '/all', '/both', '/wild', '/wild/', '/wild/x/y', '/n/1'],
    ...['/n/1/', '/n/1/x', '/n/1/X/', '/n//x', '/n/1/deep/S/', '/n/1/deep/s', '/app', '/app/x', '/app%2fx'],
    ...['/mw', '/mw/', '/mw;x', '/skip', 'http://evil.example/a/1', '*', '/a/1?x', '/a/\\', '\\a/1'],
  ];

  test('runs nothing of `routes`, whatever its address and method are, or a public middleware makes of it', async () => {
    const ran: string[] = [];
    const note: RequestHandler = (req, _res, next) => {
      ran.push(`${req.method} ${req.originalUrl}`);
      next();
    };
    const app = await start({
      more: {
        publicRoutes: (router) => {
          router.use((req, _res, next) => {
            req.url = req.get('X-To') ?? req.url;
            next();
          });
          router.get('/skip', (_req, _res, next) => next('router'));
        },
        routes: (router) => {
          router.param('id', (req, res, next) => note(req, res, next));
          router
            .get('/a/:id', note)
            .get(/^\/re(x)?/, note)
            .get(['/one', '/two/:id'], note)
            .all('/all', note);
          router.route('/both').get(note).post(note);
          router.all('/wild/{*rest}', note);
          const strict = Router({ strict: true, caseSensitive: true }).get('/S/', note);
          const nested = Router({ mergeParams: true }).get('/', note).get('/x', note).use('/deep', strict);
          router.use('/n/:id', nested).use('/app', express().use(note)).use('/mw', note);
          const onError: ErrorRequestHandler = (error, req, res, next) => note(req, res, () => next(error));
          router.use(onError);
        },
      },
    });
    const answered = new Set<string>();
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE', 'PROPFIND', 'TRACE']) {
      for (const path of paths) answered.add(await raw(app.url, `${method} ${path}`, ''));
    }
    for (const path of ['/a/1', '//a/1', '/n/1/x', '/wild/x', '/mw'])
      answered.add(await raw(app.url, 'GET /elsewhere', `X-To: ${path}\r\n`));
    expect(ran).toEqual([]);
    expect([...answered].sort()).toEqual(['204', '302', '400', '401', '404', '405']);
    // The routes are there.
    await (await app.signIn('alice')).get('/n/1/deep/S/');
    expect(ran).toContain('GET /n/1/deep/S/');
  });

  /** The status of an answer. By hand, as every client would correct these addresses. */
  async function raw(origin: string, request: string, headers: string): Promise<string> {
    const { hostname, port, host } = new URL(origin);
    const socket = connect(Number(port), hostname);
    socket.write(
      `${request} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\n${headers}\r\n`,
    );
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    return answer.slice(9, 12);
  }
});

describe('where a form leads', () => {
  type Run = (body: Record<string, string>) => unknown;

  /** The address that the answer of a page's action names. */
  async function destination(run: Run): Promise<{ location: string | null; hints: unknown[] }> {
    const action = ({ req }: PageContext) => run(req.body);
    const app = await start({
      views: { own: '<h1>Own</h1>' },
      pages: [anyPage({ path: '/own/:id', view: 'own', actions: { go: { run: action } } })],
    });
    const alice = await app.signIn('alice', { path: '/own/7' });
    const [, mark = ''] = /name="kit-form" content="([^"]+)"/.exec(alice.page.body) ?? [];
    const { status, headers, body } = await alice.fetch('/own/7/go', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Kit-Form': mark },
      body: 'a=b',
    });
    expect([status, body]).toEqual([303, '']);
    return { location: headers.get('location'), hints: app.log.map(({ hint }) => hint).filter(Boolean) };
  }

  test.each([
    ['//evil.example', '/'],
    ['https://evil.example/', '/'],
    ['/\\evil.example', '/'],
    ['\\\\evil.example', '/'],
    ['/..//evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['/a\r\nSet-Cookie: a=b', '/'],
    ['javascript:alert(1)', '/'],
    [`/${'a'.repeat(3_000)}`, '/'],
    ['own', '/'],
    ['/own/8?a=b#c', '/own/8?a=b#c'],
    ['/auth/logout', '/auth/logout'],
  ])('%j is a path of the app, or it becomes "/"', async (next, expected) => {
    const { location, hints } = await destination(() => next);
    expect(location).toBe(expected);
    if (expected === '/') expect(hints).toContain('have `run` return a path of this app, such as /notes');
  });

  test.each<[string, unknown, string]>([
    ['an address of another site', new URL('https://evil.example/'), '/'],
    ['nothing', undefined, '/own/7'],
    ['an object', { a: 1 }, '/own/7'],
    ['a list', ['//evil.example'], '/own/7'],
  ])('%s leads nowhere else', async (_name, next, expected) => {
    expect((await destination(() => next)).location).toBe(expected);
  });
});

describe('a page whose model returns whatever it was sent', () => {
  const echo = (access: string) =>
    anyPage({
      ...{ path: '/own', view: 'own', access, script: '/own.js' },
      model: ({ req }: PageContext) => ({ ...req.query }),
    });
  const parts = (access: string): SmallSite => ({
    views: { own: '<h1><%= page.title %></h1><p><%= page.wish %></p>' },
    files: { 'public/own.js': '' },
    pages: [echo(access)],
  });
  const names = [
    ...kitNames,
    ...['settings', 'cache', '_locals', '__proto__', 'constructor', 'escapeFunction', 'client'],
    ...['outputFunctionName', 'localsName', 'root', 'filename', 'delimiter', 'views'],
  ];

  test("gives a view of the kit's around each page nothing that it acts on", () => {
    const folder = join(import.meta.dirname, '../views/kit');
    const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
    const read = texts.flatMap((text) =>
      [...text.matchAll(/\bpage\??\.(\w+)/g)].map(([, name = '']) => name),
    );
    // What a page's own view hands over, or the kit's views for it; and `status`, which a page may show something by: it
    // only takes away the notice that an error page has in its text.
    const handedOver = ['field', 'kind', 'rows', 'ended', 'text'];
    const ofPages = ['title', 'user', 'status', ...handedOver];
    expect(read.length).toBeGreaterThan(30);
    expect(read.filter((name) => !kitNames.includes(name) && !ofPages.includes(name))).toEqual([]);
  });

  test.each(['everyone', 'signed-in'])(
    'prints the same page, whatever the names are (%s)',
    async (access) => {
      const app = await start(parts(access));
      const alice = await app.signIn('alice');
      const visitors = access === 'everyone' ? [app, alice] : [alice];
      for (const visitor of visitors) {
        const stable = (body: string) => body.replaceAll(/data-now="[^"]*"|T[\d:.]+Z/g, '');
        const { body } = await visitor.get('/own');
        expect(body).toContain('<script src="/own.js');
        for (const name of names) {
          const page = await visitor.get(`/own?${name}=https://evil.example/`);
          expect([page.status, stable(page.body)], name).toEqual([200, stable(body)]);
        }
        const page = await visitor.get('/own?title=<i>&wish=<b>');
        expect(page.body).toContain('<h1>&lt;i&gt;</h1><p>&lt;b&gt;</p>');
      }
      const told = app.log.filter(({ msg }) => msg === "the model of a page uses names of the kit's");
      expect(told.map(({ page }) => page)).toEqual(['/own']);
    },
  );

  test.each(['everyone', 'signed-in'])(
    'says who is signed in, whoever the page is about (%s)',
    async (access) => {
      const model = () => ({ user: { name: 'Mallory', initials: 'M' }, storeAway: true });
      const views = { own: '<p>About <%= page.user.name %></p>' };
      const app = await start({ views, pages: [anyPage({ path: '/own', view: 'own', access, model })] });
      const alice = await app.signIn('alice', { path: '/own' });
      expect(alice.page.body).toContain('<p>About Mallory</p>');
      expect(alice.page.body).toMatch(/Signed in as <\/span><bdi>(?!Mallory)/);
      if (access !== 'everyone') return;
      const { body } = await app.get('/own');
      expect(body).toContain('<p>About Mallory</p>');
      expect(body).toContain('href="/auth/login?returnTo=%2Fown">Sign in<');
      expect(body).not.toContain('Sign out');
      expect(body).not.toContain('role="status"');
    },
  );
});
