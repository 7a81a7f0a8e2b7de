import { describe, expect, onTestFinished, test } from 'vitest';
import { forbidden, notFound } from '../errors/page-errors.ts';
import { requireAuth } from '../guard/require-auth.ts';
import type { Rule } from '../guard/rules.ts';
import type { AnySite } from '../site.ts';
import { openTestApp } from '../testing/app.ts';
import { startTestApp, type TestApp } from '../testing/index.ts';
import { anyPage, smallSite } from './helpers/small-site.ts';

// Rules that ask a database: `claims`, `member` and `allow` may answer at once or later.

async function start(pages: Page[], more: Partial<AnySite> = {}): Promise<TestApp> {
  const views = {
    own: '<h1>Own</h1><p>Plan <%= page.user && page.user.member && page.user.member.plan %></p>',
  };
  const list = pages.map(({ path, access, nav, ...rest }) =>
    anyPage({ path, access, view: 'own', ...(nav && { nav }), ...rest }),
  );
  const { app } = await openTestApp(smallSite({ views, pages: list, more }), { quiet: true });
  onTestFinished(() => app.stop());
  return app;
}

type Page = { path: string; access: Rule | 'everyone'; nav?: string };
/** A rule whose answer has no type to keep to. */
const rule = (parts: object) => parts as Rule;
const linesOf = (app: TestApp) => JSON.stringify(app.log);

test('only true lets in, at once or later; whatever else is no yes (R18)', async () => {
  const answers: [unknown, number][] = [
    [true, 200],
    [Promise.resolve(true), 200],
    ...[false, undefined, null, 0, 1, 'yes', 'true', {}, [], Object(true)].map(
      (no) => [no, 403] as [unknown, number],
    ),
    ...[false, undefined, 1, 'yes', {}].map((no) => [Promise.resolve(no), 403] as [unknown, number]),
  ];
  const names = ['claims', 'member', 'allow'] as const;
  const pages = answers.flatMap(([answer], at) =>
    names.map((name) => ({ path: `/${name}-${at}`, access: rule({ [name]: () => answer }) })),
  );
  const alice = await (await start(pages)).signIn('alice');
  for (const [at, [, status]] of answers.entries()) {
    for (const name of names) {
      expect((await alice.get(`/${name}-${at}`)).status, `${name} ${at}`).toBe(status);
    }
  }
});

test('a rule that throws, at once or later, lets nobody in; it may say that there is nothing here', async () => {
  const app = await start([
    {
      path: '/throws',
      access: rule({
        allow: () => {
          throw new Error('the table is gone');
        },
      }),
    },
    { path: '/rejects', access: rule({ allow: () => Promise.reject(new Error('the table is gone')) }) },
    { path: '/member', access: rule({ member: (member: { plan: string }) => member.plan === 'gold' }) },
    { path: '/hidden', access: rule({ allow: () => Promise.reject(notFound()) }) },
    { path: '/closed', access: rule({ allow: () => Promise.reject(forbidden('Closed on Sundays.')) }) },
  ]);
  const alice = await app.signIn('alice');
  for (const path of ['/throws', '/rejects', '/member']) {
    const page = await alice.get(path);
    expect([page.status, page.text.includes('table')]).toEqual([500, false]);
  }
  expect(linesOf(app)).toContain('the table is gone');
  expect((await alice.get('/hidden')).status).toBe(404);
  const closed = await alice.get('/closed');
  expect([closed.status, closed.text]).toEqual([403, expect.stringContaining('Closed on Sundays.')]);
});

test('a rule is handed the user, the request and the data of the site, and the member as signIn gave it', async () => {
  const seen: unknown[] = [];
  const app = await start(
    [
      {
        path: '/teams/:id',
        access: rule({
          member: (member: unknown) => seen.push(member) > 0,
          allow: async ({
            user,
            req,
            data,
          }: {
            user: { sub: string };
            req: { params: object };
            data: unknown;
          }) => seen.push(user.sub, { ...req.params }, data) > 0,
        }),
      },
    ],
    { open: () => ({ data: { teams: 3 } }), signIn: () => ({ member: { plan: 'gold' } }) },
  );
  const alice = await app.signIn('alice');
  const page = await alice.get('/teams/7');
  expect([page.status, page.text]).toEqual([200, expect.stringContaining('Plan gold')]);
  expect(seen).toEqual([{ plan: 'gold' }, 'alice', { id: '7' }, { teams: 3 }]);
});

test('roles come first: no database is asked for somebody who lacks the role, nor for nobody', async () => {
  let asked = 0;
  const allow = async () => {
    asked++;
    return true;
  };
  const app = await start([
    { path: '/board', access: { roles: 'board', allow, claims: allow, member: allow } },
  ]);
  expect((await app.get('/board')).asksToSignIn).toBe(true);
  const alice = await app.signIn('alice');
  expect([(await alice.get('/board')).status, asked]).toEqual([403, 0]);
  const bob = await app.signIn('bob', { claims: { roles: ['board'] } });
  expect([(await bob.get('/board')).status, asked]).toEqual([200, 3]);
});

test('nobody proves themselves again for what they may not open; who may does', async () => {
  const hourAgo = Math.floor(Date.now() / 1000) - 3_600;
  const app = await start([
    { path: '/no', access: { maxAgeSeconds: 60, allow: async () => false } },
    { path: '/yes', access: { maxAgeSeconds: 60, allow: async () => true } },
  ]);
  const alice = await app.signIn('alice', { claims: { auth_time: hourAgo } });
  const [no, yes] = [await alice.get('/no', { follow: false }), await alice.get('/yes', { follow: false })];
  expect([no.status, yes.status]).toEqual([403, 302]);
});

test.each(['claims', 'member', 'allow'])(
  '%s that is no function is refused when the rule is written',
  (name) => {
    for (const wrong of [true, 'admin', { role: 'admin' }, Promise.resolve(true), null]) {
      expect(() => requireAuth(rule({ [name]: wrong }))).toThrow(`\`${name}\` of a rule must be a function`);
    }
  },
);

describe('in the menu', () => {
  const nav = (page: { body: string }) =>
    [...(/<nav>(.*?)<\/nav>/s.exec(page.body)?.[1] ?? '').matchAll(/>([^<]+)</g)].map((match) =>
      match[1]?.trim(),
    );
  const shown = (page: { body: string }) => nav(page).filter(Boolean);

  test('is what they may open, on each kind of page; one that fails is left out and logged', async () => {
    let calls = 0;
    const app = await start(
      [
        { path: '/yes', nav: 'Yes', access: { allow: async () => ++calls > 0 } },
        { path: '/no', nav: 'No', access: { allow: async () => false } },
        { path: '/at-once', nav: 'At once', access: { claims: () => true } },
        {
          path: '/fails',
          nav: 'Fails',
          access: { allow: () => Promise.reject(new Error('the table is gone')) },
        },
        {
          path: '/throws',
          nav: 'Throws',
          access: {
            allow: () => {
              throw new Error('at once');
            },
          },
        },
      ],
      {
        publicRoutes: (router) => {
          router.get('/rendered', (_req, res) => res.render('own', { title: 'Rendered' }));
          router.get('/broken', (_req, res) =>
            res.render('own', {
              get title() {
                throw new Error('no title');
              },
            }),
          );
        },
      },
    );
    const alice = await app.signIn('alice');
    for (const [path, status] of Object.entries({
      '/': 200,
      '/yes': 200,
      '/rendered': 200,
      '/nowhere': 404,
      '/no': 403,
      '/fails': 500,
    })) {
      const page = await alice.get(path);
      expect([page.status, shown(page)], path).toEqual([status, ['Home', 'Yes', 'At once', 'Sessions']]);
    }
    expect((await alice.get('/broken')).status).toBe(500);
    expect(linesOf(app)).toMatch(/its page is not in the menu/);
    // A visitor costs no question.
    const before = calls;
    expect(shown(await app.get('/'))).toEqual(['Home']);
    expect(calls).toBe(before);
  });

  test('is waited for one second: then the page comes without it', async () => {
    const app = await start([
      { path: '/never', nav: 'Never', access: { allow: () => new Promise<boolean>(() => {}) } },
      { path: '/never-2', nav: 'Never 2', access: { allow: () => new Promise<boolean>(() => {}) } },
      { path: '/yes', nav: 'Yes', access: { allow: async () => true } },
    ]);
    const began = performance.now();
    const alice = await app.signIn('alice');
    expect(shown(alice.page)).toEqual(['Home', 'Yes', 'Sessions']);
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  test('a page that was answered while it waited for the menu ends nothing but itself', async () => {
    const app = await start(
      [
        {
          path: '/slow',
          nav: 'Slow',
          access: { allow: () => new Promise((resolve) => setTimeout(resolve, 100, true)) },
        },
      ],
      {
        publicRoutes: (router) => {
          router.get('/twice', requireAuth(), (_req, res) => {
            res.render('own', { title: 'Twice' });
            res.send('answered already');
          });
        },
      },
    );
    const alice = await app.signIn('alice');
    expect((await alice.get('/twice')).text).toContain('answered already');
    // The page comes late, finds an answer there, and that is in the log; the process goes on.
    await expect.poll(() => linesOf(app)).toMatch(/HEADERS_SENT|headers after they are sent/);
    expect((await alice.get('/')).status).toBe(200);
  });
});

test('a form that leads to a page whose rule asks a database does not ask it for the way there', async () => {
  const asked: string[] = [];
  const allow = async ({ req }: { req: { method: string } }) => asked.push(req.method) > 0;
  const pages = [
    anyPage({ path: '/target', access: { allow }, view: 'form' }),
    anyPage({ path: '/own', view: 'form', actions: { end: { run: () => '/target' } } }),
  ];
  const views = {
    form: `<h1>Own</h1><form method="post" action="/own/end"><%- include('/kit/form') %><button>End</button></form>`,
  };
  const app = await startTestApp(smallSite({ views, pages }));
  onTestFinished(() => app.stop());
  const alice = await app.signIn('alice', { path: '/own' });
  expect((await alice.submit(alice.page, 'End')).path).toBe('/target');
  expect(asked).toEqual(['GET']);
});

test('a form is acted upon where its rule says yes later, and not where it says no', async () => {
  let ran = 0;
  let may = true;
  const page = anyPage({
    ...{ path: '/own', access: { allow: async () => true }, view: 'form' },
    actions: { end: { access: { allow: async () => may }, run: () => void ran++ } },
  });
  const views = {
    form: `<h1>Own</h1><form method="post" action="/own/end"><%- include('/kit/form') %><button>End</button></form>`,
  };
  const app = await startTestApp(smallSite({ views, pages: [page] }));
  onTestFinished(() => app.stop());
  const alice = await app.signIn('alice', { path: '/own' });
  await alice.submit(alice.page, 'End');
  expect(ran).toBe(1);
  may = false;
  expect((await alice.submit(await alice.get('/own'), 'End')).status).toBe(403);
  expect(ran).toBe(1);
});
