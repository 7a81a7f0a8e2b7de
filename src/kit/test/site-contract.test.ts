import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express, { Router } from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { forbidden, notFound, refuse } from '../errors/page-errors.ts';
import type { PageContext } from '../pages/page.ts';
import { getUser } from '../session/user-session.ts';
import type { AnySite } from '../site.ts';
import { startTestApp } from '../testing/index.ts';
import { anyPage, type SmallSite, smallSite, whole } from './helpers/small-site.ts';
import { startSmall } from './helpers/test-app.ts';

// What src/site.ts may hold, and what the kit makes of it.

/** Why a site or its settings are refused; undefined where they are not. */
async function refusal(parts: SmallSite, env: Record<string, string> = {}): Promise<string | undefined> {
  try {
    await (await startTestApp({ ...smallSite(parts), env })).stop();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const say: express.RequestHandler = (req, res) =>
  void res.send(`${req.method} by ${getUser(req)?.sub ?? 'nobody'}`);

describe('pages', () => {
  const view = '<h1><%= page.title %></h1><p><%= page.words %></p>';
  const saying = (path: string, words: (at: PageContext) => string) =>
    anyPage({ path, view: 'own', model: (at: PageContext) => ({ words: words(at) }) });

  test('have their title and menu entry in the language of the request', async () => {
    const words = { en: 'Bookings', de: 'Buchungen' };
    const page = anyPage({ path: '/own', view: 'own', access: 'everyone', title: words, nav: words });
    const texts = { en: {}, 'de-AT': {}, fr: {} };
    const app = await startSmall({ views: { own: view }, pages: [page], more: { texts } });
    for (const [language, word] of [
      ['en', 'Bookings'],
      ['de-AT', 'Buchungen'],
      ['fr', 'Bookings'],
    ] as const) {
      const shown = await app.visitor({ headers: { 'Accept-Language': language } }).get('/own');
      expect([shown.heading, shown.title.startsWith(word)], language).toEqual([word, true]);
      expect(
        shown.links.map(({ name }) => name),
        language,
      ).toContain(word);
    }
  });

  test('with a fixed path come before those with a parameter, whatever their order', async () => {
    const fixed = saying('/notes/new', () => 'fixed');
    const one = saying('/notes/:id', ({ params }) => `one ${params.id}`);
    const deep = saying('/:any/:more', ({ params }) => `any ${params.any} ${params.more}`);
    for (const pages of [
      [fixed, one, deep],
      [deep, one, fixed],
    ]) {
      const alice = await (await startSmall({ views: { own: view }, pages })).signIn('alice');
      const texts: string[] = [];
      for (const path of ['/notes/new', '/notes/NEW/', '/notes/7', '/notes/a%2Fb', '/x/y']) {
        texts.push((await alice.get(path)).text.replace('A page ', ''));
      }
      expect(texts).toEqual(['fixed', 'fixed', 'one 7', 'one a/b', 'any x y']);
      expect((await alice.get('/notes/%E0%A4')).status).toBe(400);
    }
  });

  test('bring everybody back to the real address: by a sign-in, a step-up and a form', async () => {
    const hourAgo = Math.floor(Date.now() / 1000) - 3_600;
    const app = await startSmall({
      views: {
        own: `<h1>Own</h1><form method="post" action="/own/a%20b/end"><%- include('/kit/form') %><button>End</button></form>`,
      },
      pages: [
        anyPage({
          ...{ path: '/own/:id', view: 'own' },
          actions: { end: { access: { maxAgeSeconds: 60 }, run: () => '/' } },
        }),
        anyPage({ path: '/fresh/:id', view: 'own', access: { maxAgeSeconds: 60 } }),
      ],
    });
    const asked = await app.get('/own/a%20b?page=2');
    expect(asked.asksToSignIn).toBe(true);
    const alice = await app.signIn('alice', { path: '/own/a%20b?page=2', claims: { auth_time: hourAgo } });
    expect(alice.page.path).toBe('/own/a%20b?page=2');

    // A form whose session has ended leads back to the page that holds it.
    const refused = await app.post('/own/a%20b/end');
    expect(refused.status).toBe(401);
    expect(refused.links.map(({ href }) => href)).toContain('/auth/login?returnTo=%2Fown%2Fa%2520b');

    const stepped = await alice.submit(alice.page, 'End');
    expect([stepped.status, stepped.path]).toEqual([200, '/own/a%20b']);
    const again = await app.signIn('alice', { claims: { auth_time: hourAgo } });
    const fresh = await again.get('/fresh/a%20b?page=2');
    expect([fresh.status, fresh.path]).toEqual([200, '/fresh/a%20b?page=2']);
  });

  test('may have a script of their own, from public, with a fingerprint', async () => {
    const page = anyPage({ path: '/own', view: 'own', script: '/js/own.js' });
    const parts: SmallSite = { views: { own: view }, files: { 'public/js/own.js': 'x' }, pages: [page] };
    const alice = await (await startSmall(parts)).signIn('alice');
    const [, address = ''] =
      /<script src="(\/js\/own\.js\?v=[^"]+)" defer>/.exec((await alice.get('/own')).body) ?? [];
    expect((await alice.fetch(address)).body).toBe('x');
    expect(await refusal({ views: { own: view }, pages: [page] })).toContain('there is no public/js/own.js');
  });

  test('are in the menu of whoever may open them', async () => {
    const app = await startSmall({
      views: { own: view },
      pages: [
        anyPage({ path: '/own', view: 'own', nav: 'Own' }),
        anyPage({ path: '/boss', view: 'own', nav: 'Boss', access: { roles: 'boss' } }),
        anyPage({ path: '/strong', view: 'own', nav: 'Strong', access: { acr: 'mfa' } }),
        anyPage({ path: '/open', view: 'own', nav: 'Open', access: 'everyone' }),
      ],
    });
    const menu = (body: string) =>
      /<nav>(.*?)<\/nav>/s
        .exec(body)?.[1]
        ?.replace(/<[^>]*>/g, '')
        .trim();
    const page = await app.get('/');
    expect(menu(page.body)).toBe('Home Open');
    expect(page.links.find(({ name }) => name === 'Sign in')?.href).toBe('/auth/login?returnTo=%2F');
    const alice = await app.signIn('alice');
    expect(menu(alice.page.body)).toBe('Home Own Strong Open Sessions');
    expect(alice.page.links.map(({ name }) => name)).not.toContain('Sign in');
    const boss = await app.signIn('boss', { claims: { roles: ['boss'] } });
    expect(menu(boss.page.body)).toBe('Home Own Boss Strong Open Sessions');
  });

  test('may be there by a setting only', async () => {
    const page = anyPage({ path: '/own', view: 'own', nav: 'Own', access: 'everyone', when: at });
    function at({ settings }: PageContext) {
      return (settings as unknown as { BETA: boolean }).BETA;
    }
    const parts: SmallSite = {
      ...{ views: { own: view }, pages: [page] },
      more: { settings: { BETA: { default: 'no', meaning: 'new pages', schema: z.stringbool() } } },
    };
    expect((await (await startSmall(parts)).get('/own')).status).toBe(404);
    expect((await (await startSmall(parts, { BETA: 'yes' })).get('/own')).status).toBe(200);
  });

  test('and their actions, and routes, throw notFound() and forbidden()', async () => {
    const no = () => {
      throw forbidden('Only on Mondays.');
    };
    const none = async () => {
      throw notFound();
    };
    const gone = () => {
      throw notFound('Somebody deleted this booking.');
    };
    const app = await startSmall({
      views: { own: view },
      pages: [
        anyPage({ path: '/own', view: 'own', actions: { no: { run: no }, none: { run: none } } }),
        anyPage({ path: '/no', view: 'own', model: no }),
        anyPage({ path: '/none', view: 'own', model: none }),
        anyPage({ path: '/gone', view: 'own', model: gone }),
        anyPage({ path: '/open', view: 'own', access: 'everyone', model: no }),
      ],
      more: {
        routes: (router) => router.get('/route/no', no).get('/route/none', none),
        publicRoutes: (router) => void router.get('/public/none', none),
      },
    });
    const alice = await app.signIn('alice');
    for (const page of [await alice.get('/no'), await alice.post('/own/no'), await alice.get('/route/no')]) {
      expect(page.status).toBe(403);
      expect(page.text).toContain('Only on Mondays.');
    }
    for (const page of [
      await alice.get('/none'),
      await alice.post('/own/none'),
      await alice.get('/route/none'),
      await app.get('/public/none'),
    ]) {
      expect(page.status).toBe(404);
      expect(page.heading).not.toBe('');
    }
    expect((await app.get('/open')).status).toBe(403);
    const deleted = await alice.get('/gone');
    expect([deleted.status, deleted.heading]).toEqual([404, (await alice.get('/none')).heading]);
    expect(deleted.text).toContain('Somebody deleted this booking.');
    expect(deleted.text).not.toContain('misspelt');
    expect((await alice.get('/')).status).toBe(200);
  });

  test('and their actions, and routes, throw refuse(): its page offers another account, and nobody is signed out', async () => {
    const out = () => {
      throw refuse('Ask <Nora> for access.');
    };
    const app = await startSmall({
      views: { own: view },
      pages: [
        anyPage({ path: '/own/:id', view: 'own', actions: { out: { run: out } } }),
        anyPage({ path: '/out/:id', view: 'own', model: out }),
        anyPage({ path: '/open', view: 'own', access: 'everyone', model: out }),
      ],
      more: {
        routes: (router) => void router.get('/route/out', out),
        publicRoutes: (router) => void router.get('/public/out', out),
      },
    });
    const alice = await app.signIn('alice');
    const from = { headers: { Referer: `${app.url}/own/7` } };
    const leads = (body: string) => /name="target_link_uri" value="([^"]*)"/.exec(body)?.[1];
    for (const [page, back] of [
      [await alice.get('/out/7?tab=2'), '/out/7?tab=2'],
      [await alice.post('/own/7/out', {}, from), '/own/7'],
      [await alice.get('/route/out'), '/route/out'],
      [await alice.get('/public/out'), '/public/out'],
      [await alice.get('/open'), '/open'],
    ] as const) {
      expect([page.status, page.heading], back).toEqual([403, "You can't use this app"]);
      expect(page.text).toContain('Ask <Nora> for access.');
      expect(page.text).toContain('Use another account');
      expect(page.text).toContain('Alice');
      expect(leads(page.body), back).toBe(back);
    }
    for (const path of ['/public/out', '/open']) {
      const page = await app.get(path);
      expect([page.status, page.text.includes('Use another account')], path).toEqual([403, true]);
    }
    expect((await alice.fetch('/auth/session')).status).toBe(200);
  });

  test.each<[string, object, string]>([
    ['no path', { path: 'own' }, 'its path must be like /notes or /notes/:id'],
    ['a slash at the end', { path: '/own/' }, 'its path must be like /notes'],
    ['a wildcard', { path: '/own/*rest' }, 'its path must be like /notes'],
    ['a parameter twice', { path: '/:a/:a' }, 'its path has one parameter twice'],
    ["the kit's path", { path: '/Sessions' }, "its path is one of the kit's own"],
    ['a path below /auth', { path: '/auth/own' }, "its path is one of the kit's own"],
    ['a parameter in the menu', { path: '/own/:id', nav: 'Own' }, 'it cannot be in the menu'],
    ['no access', { access: undefined }, 'it does not say who may see it'],
    ['no title', { title: '' }, 'it has no title'],
    ['a title in no language', { title: {} }, 'it has no title'],
    ['a title that is empty in one language', { title: { en: 'Own', de: ' ' } }, 'it has no title'],
    ['a list of titles', { title: ['Own'] }, 'it has no title'],
    ['a menu entry in no language', { nav: { 'no tag!': 'Own' } }, 'its `nav` must be a string'],
    ['no view', { view: '../../package' }, 'there is no views/'],
    [
      'a form for everyone',
      { access: 'everyone', actions: { a: { run: () => '/' } } },
      'it is for everyone, so it has no',
    ],
    [
      'an action with a slash',
      { actions: { 'a/b': { run: () => '/' } } },
      'its action "a/b" must have a name',
    ],
    [
      'a form that is a list of fields',
      { actions: { add: { form: { text: z.string() }, run: () => '/' } } },
      'its action "add" must have a zod object as its `form`',
    ],
    [
      'a form that is no object',
      { actions: { add: { form: z.object({}).transform(String), run: () => '/' } } },
      'its action "add" must have a zod object as its `form`',
    ],
    [
      'a form with an object in it',
      { actions: { add: { form: z.object({ who: z.object({}).optional() }), run: () => '/' } } },
      'its action "add" has the field who in its `form`, which no form can fill in',
    ],
    [
      "a form with the kit's own field",
      { actions: { add: { form: z.object({ 'kit-form': z.string() }), run: () => '/' } } },
      'its action "add" has a field kit-form',
    ],
  ])('with %s stop the start', async (_name, page, says) => {
    const parts = { views: { own: view }, pages: [anyPage({ path: '/own', view: 'own', ...page })] };
    expect(await refusal(parts)).toContain(says);
  });

  test('of one address, or that are none, stop the start', async () => {
    const [first, second] = ['/a/:b', '/A/:c'].map((path) => anyPage({ path, view: 'own', title: path }));
    expect(await refusal({ views: { own: view }, pages: [first, second] })).toContain(
      'The page /A/:c: two pages have one path, as /a/:b is the same address: "/a/:b" (views/own.ejs) and "/A/:c" (views/own.ejs). Give one of them another.',
    );
    const list = anyPage({ path: '/a', view: 'own', title: { en: 'List', de: 'Liste' } });
    const other = anyPage({ path: '/a', view: 'other', title: 'Other' });
    expect(await refusal({ views: { own: view, other: view }, pages: [list, other] })).toContain(
      'The page /a: two pages have this path: "List" (views/own.ejs) and "Other" (views/other.ejs). Give one of them another.',
    );
    expect(await refusal({ views: { own: view }, pages: [list, list] })).toContain(
      'The page /a: it is in the list twice. Remove one.',
    );
    expect(await refusal({ pages: [{ path: '/x' }] })).toContain(
      'number 2 of the list that `pages` returns is no page',
    );
    expect(await refusal({ more: { pages: () => 'none' } })).toContain('`pages` must return a list');
  });

  test.each([[''], ['  '], [7], [{ en: 'Bookings', de: ' ' }]])(
    'do not start with the description %j',
    async (given) => {
      expect(await refusal({ more: { description: given } as never })).toContain(
        'site.ts: `description` must be a sentence that says what the app is for.',
      );
    },
  );

  test('know what their providers are called, and what the app is for', async () => {
    const views = { own: '<h1>Own</h1><p><%= page.signInWith.join(" | ") %></p>' };
    const page = anyPage({
      ...{ path: '/own', view: 'own', access: 'everyone' },
      model: () => ({ signInWith: ['Mallory'] }),
    });
    const more = { description: 'Books "tables" & rooms.' };
    const wayIn = async (env: Record<string, string>) =>
      (await startSmall({ views, pages: [page], more }, env)).visitor().get('/own');
    const one = await wayIn({ OIDC_LABEL: 'Contoso <Staff>' });
    expect(one.text).toBe('Own Contoso <Staff>');
    expect(one.body).toContain('<meta name="description" content="Books &quot;tables&quot; &amp; rooms.">');
    expect((await wayIn({})).text).toMatch(/^Own (127\.0\.0\.1|localhost)(:\d+)?$/);
    const two = { OIDC_PROVIDERS: 'work,google', OIDC_WORK_LABEL: 'Work', OIDC_GOOGLE_LABEL: 'Google' };
    expect((await wayIn(two)).text).toBe('Own Work | Google');
  });
});

describe('routes', () => {
  test('of `routes` ask for a sign-in; an address without a route stays a 404', async () => {
    const app = await startSmall({
      more: {
        routes: (router) => {
          router.get('/report', say).post('/report', express.urlencoded(), say);
          router.use('/deep', Router().use(['/er', '/est'], Router().get('/:id', say)));
          router.use(
            (error: unknown, _req: express.Request, _res: express.Response, next: express.NextFunction) =>
              next(error),
          );
        },
      },
    });
    const alice = await app.signIn('alice');
    for (const path of ['/report', '/deep/er/7', '/Deep/est/a%20b/', '/REPORT/']) {
      expect((await app.get(path)).asksToSignIn, path).toBe(true);
      expect((await app.fetch(path)).status, path).toBe(401);
      expect((await app.fetch(path, { method: 'HEAD' })).status, path).toBe(401);
      expect((await alice.get(path)).body, path).toBe('GET by alice');
    }
    expect((await app.post('/report')).status).toBe(401);
    expect((await alice.post('/report')).body).toBe('POST by alice');
    expect((await alice.fetch('/report', { method: 'HEAD' })).status).toBe(200);
    for (const by of [app, alice]) {
      for (const path of ['/nowhere', '/deep', '/deep/er', '/deeper/7', '/report/7'])
        expect((await by.get(path)).status, path).toBe(404);
    }
    expect((await alice.post('/report', {}, { headers: { 'Sec-Fetch-Site': 'cross-site' } })).status).toBe(
      403,
    );
  });

  test('of `routes` run nothing for nobody, middleware included', async () => {
    let ran = 0;
    const app = await startSmall({
      more: {
        routes: (router) => {
          router.use((_req, _res, next) => {
            ran++;
            next();
          });
          router.get('/report', say);
        },
        publicRoutes: (router) => void router.get('/feed', say),
      },
    });
    await app.get('/report');
    await app.get('/nowhere');
    expect((await app.get('/feed')).body).toBe('GET by nobody');
    expect(ran).toBe(0);
    const alice = await app.signIn('alice');
    expect((await alice.get('/report')).body).toBe('GET by alice');
    expect((await alice.get('/nowhere')).status).toBe(404);
    expect(ran).toBe(2);
  });

  test('of `publicRoutes` are for everyone, come before `routes`, and know who is signed in', async () => {
    const app = await startSmall({
      more: {
        routes: (router) => void router.get('/feed', (_req, res) => void res.send('protected')),
        publicRoutes: (router) => router.get('/feed', say).post('/contact', express.urlencoded(), say),
      },
    });
    const alice = await app.signIn('alice');
    expect((await app.get('/feed')).body).toBe('GET by nobody');
    expect((await alice.get('/feed')).body).toBe('GET by alice');
    expect((await app.post('/contact')).body).toBe('POST by nobody');
    expect((await app.fetch('/contact')).status).toBe(405);
    expect((await app.post('/contact', {}, { headers: { 'Sec-Fetch-Site': 'cross-site' } })).status).toBe(
      403,
    );
  });

  test.each(['routes', 'publicRoutes'] as const)(
    'of `%s` win over nothing of the kit, and over no page',
    async (part) => {
      const caught: express.RequestHandler = (_req, res) => void res.send('caught');
      const app = await startSmall({
        views: { own: '<h1>Own</h1>' },
        pages: [anyPage({ path: '/own/:id', view: 'own', actions: { end: { run: () => '/own/ended' } } })],
        more: {
          [part]: (router: Router) => {
            router.get('/own/7', caught);
            router.post('/own/7', caught);
            router.post('/own/7/end', caught);
            router.use(caught);
          },
        },
      });
      const alice = await app.signIn('alice');
      expect((await alice.get('/own/7')).heading).toBe('Own');
      expect((await alice.post('/own/7/end')).path).toBe('/own/ended');
      expect((await alice.post('/own/7')).body).toBe('caught');
      for (const path of [
        '/',
        '/sessions',
        '/signed-out',
        '/auth/session',
        '/healthz',
        '/readyz',
        '/kit.css',
        '/site.css',
      ]) {
        const { status, body } = await alice.get(path);
        expect([status, body === 'caught'], path).toEqual([200, false]);
      }
      expect((await app.get('/own/7')).asksToSignIn).toBe(true);
      expect((await app.get('/auth/login?returnTo=/')).asksToSignIn).toBe(true);
      expect((await alice.get('/anything/else')).body).toBe('caught');
      expect((await alice.signOut()).path).toMatch(/^\/signed-out/);
    },
  );
});

describe('contentSecurityPolicy', () => {
  test('is added to that of the kit', async () => {
    const contentSecurityPolicy = {
      imgSrc: ['https://img.example.com', 'https://tiles.example.com:8443'],
      frameSrc: ['https://player.example.com'],
    };
    const { headers } = await (await startSmall({ more: { contentSecurityPolicy } })).get('/');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(
      /img-src 'self'[^;]* https:\/\/img\.example\.com https:\/\/tiles\.example\.com:8443/,
    );
    expect(policy).toMatch(/frame-src [^;]*https:\/\/player\.example\.com/);
    expect(policy).toMatch(/script-src 'self'(;|$)/);
    expect(policy).not.toContain('unsafe');
  });

  test.each<[string, unknown]>([
    ["scriptSrc: 'unsafe-inline'", { scriptSrc: ["'unsafe-inline'"] }],
    ["scriptSrc: 'unsafe-eval'", { scriptSrc: ["'unsafe-eval'"] }],
    ['scriptSrc: data:', { scriptSrc: ['data:'] }],
    ['imgSrc: *', { imgSrc: ['*'] }],
    ['imgSrc: a wildcard', { imgSrc: ['https://*.example.com'] }],
    ['imgSrc: http', { imgSrc: ['http://img.example.com'] }],
    ['imgSrc: a path', { imgSrc: ['https://img.example.com/a'] }],
    ['imgSrc: another directive behind it', { imgSrc: ['https://a.example; script-src *'] }],
    ['imgSrc: a text', { imgSrc: 'https://img.example.com' }],
    ['imgSrc: a number', { imgSrc: [1] }],
    ['formAction', { formAction: ['https://a.example'] }],
    ['defaultSrc', { defaultSrc: ['https://a.example'] }],
    ['frameAncestors', { frameAncestors: ['https://a.example'] }],
    ['a list', ['https://a.example']],
  ])('stops the start: %s', async (_name, contentSecurityPolicy) => {
    expect(await refusal({ more: { contentSecurityPolicy } as never })).toContain(
      'site.ts: contentSecurityPolicy',
    );
  });
});

test('a file of public at the address of a page, or of the kit, stops the start', async () => {
  const files = {
    'public/Own': 'x',
    'public/auth/login': 'x',
    'public/healthz': 'x',
    'public/sessions': 'x',
  };
  const page = anyPage({ path: '/own', view: 'own' });
  const message = await refusal({ files, views: { own: '<h1>Own</h1>' }, pages: [page] });
  expect(message).toContain('The page /own: public/own would be served in its place, to everyone.');
  for (const path of ['/auth/login', '/healthz', '/sessions'])
    expect(message).toContain(`public${path} would be served in the place of an address of the kit's own.`);
});

test('contentSecurityPolicy takes nothing from a prototype, which the start has not looked at', async () => {
  const hidden = Object.create({ scriptSrc: ['*'], frameSrc: ['*'] });
  const { headers } = await (
    await startSmall({
      more: { contentSecurityPolicy: Object.assign(hidden, { imgSrc: ['https://a.example'] }) },
    })
  ).get('/');
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/script-src 'self'(;|$)/);
  expect(policy).toContain("img-src 'self' https://a.example");
  expect(policy).not.toContain('*');
  expect(await refusal({ more: { contentSecurityPolicy: JSON.parse('{"__proto__":{}}') } })).toContain(
    'contentSecurityPolicy takes no __proto__',
  );
});

describe('loginParameters', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty list', []],
    ['names and values', ['login_hint', 'prompt', 'hd=example.com', 'hd=example.org', 'claims', 'a.b-c_d']],
    ['a value with odd characters', ['domain_hint=a b=c&d/é']],
  ])('may be %s', async (_name, loginParameters) => {
    expect(await refusal({ more: { loginParameters } as Partial<AnySite> })).toBeUndefined();
  });

  test.each<[string, unknown, string]>([
    ['a text', 'login_hint', '`loginParameters` must be a list'],
    ['an object', { login_hint: true }, '`loginParameters` must be a list'],
    ['null', null, '`loginParameters` must be a list'],
    ['no text', [7], '`loginParameters`: number 1 is not a string'],
    ['empty', ['login_hint', ''], '`loginParameters`: number 2 is empty'],
    ['blank', [' '], 'is empty'],
    ['twice', ['hd', 'login_hint', 'hd'], '"hd" is listed twice. Remove one.'],
    ['a name with a blank', ['login hint'], '"login hint" is not the name of a parameter'],
    ['a name with brackets', ['hd[]'], '"hd[]" is not the name of a parameter'],
    ['without a name', ['=create'], 'is not the name of a parameter'],
    ['without a value', ['prompt='], 'has no value. Write prompt, or prompt=value'],
    ['prompt=none', ['prompt=none'], '"prompt=none" can never come from a link'],
    ['with none among others', ['prompt=login none'], 'can never come from a link'],
    ['none in capitals', ['prompt=None'], 'can never come from a link'],
    ['prompt in capitals', ['Prompt'], 'Write prompt.'],
    ['no prompt', ['prompt=a+b'], 'is not a prompt'],
    ['a control character', ['hd=a\nb'], 'contains a control character'],
    ['very long', [`hd=${'x'.repeat(500)}`], 'is longer than 200 characters'],
    ['a name that is too long', ['x'.repeat(65)], 'is not the name of a parameter'],
    ['many', Array.from({ length: 51 }, (_, i) => `hint_${i}`), 'more than 50 entries'],
    ...['returnTo', 'renew', 'restarted'].map(
      (name) => [name, [name], `"${name}" is one of the kit's own`] as [string, unknown, string],
    ),
    ...[
      ...['response_type', 'response_mode', 'client_id', 'redirect_uri', 'scope', 'state', 'nonce'],
      ...['code_challenge', 'code_challenge_method', 'request', 'request_uri', 'id_token_hint', 'max_age'],
      ...['acr_values', 'resource', 'audience', 'dpop_jkt', 'client_secret', 'scope=openid', 'Redirect_URI'],
    ].map(
      (name) =>
        [name, ['login_hint', name], `"${name}" can never come from a link`] as [string, unknown, string],
    ),
  ])('stop the start where an entry is %s', async (_name, loginParameters, message) => {
    const problems = await refusal({ more: { loginParameters } as Partial<AnySite> });
    expect(problems).toContain('site.ts: `loginParameters`');
    expect(problems).toContain(message);
  });

  test('stop the start with every entry that cannot be, at once', async () => {
    const loginParameters = ['state', 'prompt=none', 'hd', 'hd'];
    const problems = await refusal({ more: { loginParameters } });
    expect(problems?.match(/`loginParameters`/g)).toHaveLength(3);
  });
});

describe('own settings', () => {
  const own = (setting: object, name = 'API_KEY') => ({
    more: { settings: { [name]: { meaning: 'opens the API', schema: z.string().min(8), ...setting } } },
  });
  /** What `open` is handed. */
  async function opened(parts: SmallSite, env: Record<string, string>): Promise<unknown> {
    let given: unknown;
    const open = ({ settings }: { settings: unknown }) => {
      given = settings;
      return { data: undefined };
    };
    await startSmall({ ...parts, more: { ...parts.more, open } } as SmallSite, env);
    return given;
  }

  test('are handed over checked, with their defaults, and cannot be changed', async () => {
    expect(await opened(own({}), { API_KEY: '12345678' })).toEqual({ API_KEY: '12345678' });
    expect(await opened(own({ default: 'abcdefgh' }), {})).toEqual({ API_KEY: 'abcdefgh' });
    expect(await opened(own({ default: 'abcdefgh' }), { API_KEY: '' })).toEqual({ API_KEY: 'abcdefgh' });
    expect(await opened(own({ schema: z.coerce.number() }), { API_KEY: '7' })).toEqual({ API_KEY: 7 });
    expect(Object.isFrozen(await opened(own({}), { API_KEY: '12345678' }))).toBe(true);
    const key = z.base64().transform((value) => Buffer.from(value, 'base64'));
    expect(await opened(own({ schema: key }), { API_KEY: 'a2V5' })).toEqual({ API_KEY: Buffer.from('key') });
    const list = z.string().transform((value) => [{ value }]);
    const { API_KEY } = (await opened(own({ schema: list }), { API_KEY: 'a' })) as { API_KEY: object[] };
    expect([API_KEY, API_KEY[0]].every(Object.isFrozen)).toBe(true);
  });

  test('have another default while developing, and none of it anywhere else', async () => {
    const development = { NODE_ENV: 'development' };
    const file = own({ schema: z.string().optional(), development: 'data/app' });
    expect(await opened(file, development)).toEqual({ API_KEY: 'data/app' });
    expect(await opened(file, { ...development, API_KEY: 'mine' })).toEqual({ API_KEY: 'mine' });
    for (const mode of [{}, { NODE_ENV: 'production' }, { NODE_ENV: 'test' }, { NODE_ENV: 'Development' }])
      expect(await opened(file, mode)).toEqual({ API_KEY: undefined });
    const both = own({ default: 'abcdefgh', development: 'while-developing' });
    expect(await opened(both, development)).toEqual({ API_KEY: 'while-developing' });
    expect(await opened(both, {})).toEqual({ API_KEY: 'abcdefgh' });
    expect(await refusal(own({ development: 'abcdefgh' }))).toContain('API_KEY is missing: opens the API.');
  });

  test('that are secret come from a file too, and are never shown', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'settings-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'key');
    writeFileSync(file, 'from-the-file\n');
    expect(await opened(own({ secret: true }), { API_KEY_FILE: file })).toEqual({ API_KEY: 'from-the-file' });
    expect(await refusal(own({ secret: true }), { API_KEY: 'hunter2' })).toMatch(/API_KEY: (?!.*hunter2)/);
    expect(await refusal(own({ secret: true }), { API_KEY_FILE: join(folder, 'none') })).toContain(
      'API_KEY_FILE',
    );
    expect(await refusal(own({ secret: true }), { API_KEY_FILE: file, API_KEY: 'from-the-env' })).toContain(
      'both set',
    );
  });

  test('stop the start with a sentence where their schema throws, and show no secret then', async () => {
    const schema = z.string().transform((value) => new URL(value));
    for (const secret of [true, false]) {
      const message = await refusal(own({ secret, schema }), { API_KEY: 'hunter-22, not an address' });
      expect(message).toContain('API_KEY is not accepted by its schema, which threw a TypeError.');
      expect(message).not.toContain('hunter-22');
    }
    expect(await refusal(own({ schema, default: 'hunter-22' }))).toMatch(
      /the default of API_KEY does not pass/,
    );
    const slow = z.string().refine(async () => true);
    expect(await refusal(own({ schema: slow }), { API_KEY: 'hunter-22' })).toContain(
      'API_KEY is not accepted',
    );
  });

  test('stop the start together with those of the kit, each with a sentence', async () => {
    const message = await refusal(own({}), { SESSION_IDLE_MINUTES: '0' });
    expect(message).toContain('API_KEY is missing: opens the API.');
    expect(message).toContain('SESSION_IDLE_MINUTES');
    expect(await refusal(own({}), { API_KEY: 'short' })).toMatch(
      /API_KEY: .*It is now "short"\. What it is for: opens the API\./,
    );
    expect(await refusal(own({ meaning: 'Opens the API.' }))).toContain('API_KEY is missing: Opens the API.');
  });

  test.each([
    ["the kit's", 'PORT', {}],
    ["the file of one of the kit's", 'SESSION_SECRET_FILE', {}],
    ["like the kit's", 'OIDC_MINE', {}],
    ['in small letters', 'api_key', {}],
    ['without a meaning', 'API_KEY', { meaning: '' }],
    ['without a schema', 'API_KEY', { schema: undefined }],
    ['with a default that does not pass', 'API_KEY', { default: 'short' }],
    ['with a default for development that does not pass', 'API_KEY', { development: 'short' }],
    ['with a default for development that is not a string', 'API_KEY', { development: true }],
    [
      'with two defaults of which one does not pass',
      'API_KEY',
      { default: '12345678', development: 'short' },
    ],
  ])('stop the start where one is %s', async (_name, name, setting) => {
    const message = await refusal(own(setting, name), { API_KEY: '12345678' });
    expect(message).toMatch(new RegExp(`settings in site\\.ts: .*${name}`));
  });
});

describe('views', () => {
  const parts: SmallSite = {
    files: {
      'views/signed-out.ejs': whole('<h1>Bye</h1><%- include("/kit/signed-out") %>'),
      'views/kit/header.ejs':
        '<header>My header<% if (page.user) { %> for <%= page.user.name %><% } %></header>',
      'views/parts/row.ejs': '<p><%= page.row %></p>',
    },
    views: { own: `<h1>Own</h1><%- include('/parts/row', { row: 'a row' }) %><%- include('/kit/form') %>` },
    pages: [anyPage({ path: '/own', view: 'own' })],
  };

  test.each(['production', 'development'])(
    "of the site win by name over the kit's, in %s too",
    async (mode) => {
      const app = await startSmall(parts, { NODE_ENV: mode });
      const alice = await app.signIn('alice', { path: '/own' });
      expect(alice.page.body).toContain('My header for Alice');
      expect(alice.page.text).toContain('a row');
      expect(alice.page.body).toContain('name="kit-form"');
      // A page of the kit's, with the layout of the site.
      expect((await alice.get('/sessions')).body).toContain('My header for Alice');
      expect((await app.get('/nowhere')).body).toContain('My header');
      expect((await alice.signOut()).heading).toBe('Bye');
    },
  );

  test('in development, a form without the mark is reported with its view', async () => {
    const unmarked: SmallSite = {
      views: { own: '<h1>Own</h1><form method="post" action="/own/a"><button>Do</button></form>' },
      pages: [anyPage({ path: '/own', view: 'own', actions: { a: { run: () => '/' } } })],
    };
    const alice = await (await startSmall(unmarked, { NODE_ENV: 'development' })).signIn('alice', {
      path: '/own',
    });
    const refused = await alice.submit(alice.page, 'Do');
    expect(refused.status).toBe(403);
    expect(refused.text).toContain("include('/kit/form')");
    expect(refused.text).toContain('views/own.ejs');
  });
});
