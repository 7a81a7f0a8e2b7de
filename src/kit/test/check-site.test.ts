import express from 'express';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { refuse } from '../errors/page-errors.ts';
import { requireAuth } from '../guard/require-auth.ts';
import type { PageContext } from '../pages/page.ts';
import { checkSite } from '../testing/index.ts';
import { siteFolder } from './helpers/app.ts';
import { anyPage, bottom, type SmallSite, smallSite, top, whole } from './helpers/small-site.ts';
import { site as testSite } from './site/site.ts';

/** What the check says of a site, a line each. */
async function problemsOf(parts: SmallSite, env: Record<string, string> = {}): Promise<string[]> {
  const { site, root } = smallSite(parts);
  const error: unknown = await checkSite(site, { root, env }).catch((reason: unknown) => reason);
  return error instanceof Error ? error.message.split('\n').slice(1) : [];
}

const check = (parts: SmallSite, env?: Record<string, string>) => {
  const { site, root } = smallSite(parts);
  return checkSite(site, { root, ...(env && { env }) });
};

const view = (text: string): SmallSite => ({
  views: { own: text },
  pages: [
    anyPage({
      path: '/own',
      view: 'own',
      model: ({ user, params, req }: PageContext) => ({ u: user, params, q: req }),
    }),
  ],
});

interface Case {
  name: string;
  parts: SmallSite;
  /** All that the check must say. */
  says: (string | RegExp)[];
}

const inView: [name: string, text: string, says: string | RegExp][] = [
  ['output that is not escaped', '<h1>x</h1><%- "<b>" %>', 'views/own.ejs:2: <%- prints without escaping'],
  [
    'output behind an include',
    `<h1>x</h1>\n<%- include('/kit/form') + page.title %>`,
    'views/own.ejs:3: <%- prints',
  ],
  [
    'an inline script',
    '<h1>x</h1><script>let a = 1;</script>',
    'views/own.ejs:2: inline scripts are blocked',
  ],
  ['a style element', '<h1>x</h1><style>b { }</style>', 'views/own.ejs:2: inline styles are blocked'],
  ['a style attribute', '<h1 style="color: red">x</h1>', 'views/own.ejs:2: inline styles are blocked'],
  [
    'an event handler',
    '<h1>x</h1><button type="button" onclick="go()">Go</button>',
    'onclick="…" is blocked',
  ],
  ['a javascript: link', '<h1>x</h1><a href="javascript:go()">Go</a>', 'href="javascript:…" is blocked'],
  [
    'an attribute without quotes',
    '<h1>x</h1><p title=<%= page.title %>>y</p>',
    'title=<%= … %> needs quotes',
  ],
  [
    'a script of another host',
    '<h1>x</h1><script src="https://cdn.example.com/a.js"></script>',
    'is of another host',
  ],
  ['an image of another host', '<h1>x</h1><img alt="" src="//cdn.example.com/a.png">', 'is of another host'],
  [
    'a file that is not there',
    `<h1>x</h1><img alt="" src="<%= page.asset('/no.png') %>">`,
    'there is no file public/no.png',
  ],
  ['a second h1', '<h1>x</h1><h1>y</h1>', 'The page /own (views/own.ejs) has 2 <h1>'],
  ['no h1', '<h2>y</h2>', 'The page /own (views/own.ejs) has 0 <h1>'],
];

const cases: Case[] = [
  ...inView.map(([name, text, said]) => ({ name, parts: view(text), says: [said] })),
  {
    name: 'an image that the page links to and that is not there',
    parts: view('<h1>x</h1><img alt="" src="/img/<%= 1 + 1 %>.png">'),
    says: ['The page /own: it links to /img/2.png, and there is no file public/img/2.png.'],
  },
  {
    name: 'a link of a claim',
    parts: view('<h1>x</h1><a href="<%= page.u.claims.website %>">Site</a>'),
    says: [/The page \/own .* prints a claim that holds the address javascript:…/],
  },
  {
    name: 'a claim, a parameter and a query that a model turns into HTML',
    parts: {
      files: { 'views/kit/rows.ejs': '<div><%- page.html %></div>' },
      views: { own: "<h1>x</h1><%- include('/kit/rows', { html: page.html }) %>" },
      pages: [
        anyPage({
          path: '/by-name',
          view: 'own',
          model: ({ user }: PageContext) => ({ html: user.name }),
        }),
        anyPage({
          path: '/by-id/:id',
          view: 'own',
          model: ({ params }: PageContext) => ({ html: params.id }),
        }),
        anyPage({
          path: '/by-query',
          access: 'everyone',
          view: 'own',
          model: ({ req }: PageContext) => ({ html: req.query.q ?? '' }),
        }),
      ],
    },
    says: [
      'The page /by-name (views/own.ejs) prints the claim name without escaping',
      'The page /by-id/:id (views/own.ejs) prints its parameter without escaping',
      'The page /by-query (views/own.ejs) prints its query without escaping',
      'views/kit/rows.ejs:1: <%- prints without escaping',
    ],
  },
  {
    name: 'a form without the mark',
    parts: {
      views: { own: '<h1>x</h1><form method="post" action="/own/<%= 7 %>/end"><button>End</button></form>' },
      pages: [anyPage({ path: '/own/:id', view: 'own', actions: { end: { run: () => '/' } } })],
    },
    says: [
      "views/own.ejs: the form that posts to /own/:id/end will be refused. Write <%- include('/kit/form') %> inside it.",
    ],
  },
  {
    name: 'a form without controls for its fields, and without what says what is wrong',
    parts: {
      files: { 'views/fields.ejs': '<%- include(\'/kit/form\') %><input name="a"><button name=b>A</button>' },
      views: {
        own: `<h1>x</h1><form method="post" action="/own/<%= 7 %>/add"><%- include('/fields') %></form>
          <form method="post" action="/own/7/end"><%- include('/kit/form') %><textarea name='d'></textarea></form>`,
      },
      pages: [
        anyPage({
          ...{ path: '/own/:id', view: 'own' },
          actions: {
            add: {
              form: z.object({ a: z.string(), b: z.string(), c: z.array(z.string()), e: z.boolean() }),
              run: () => '/',
            },
            end: { form: z.object({ d: z.string() }), run: () => '/' },
            elsewhere: { form: z.object({ f: z.string() }), run: () => '/' },
          },
        }),
      ],
    },
    says: [
      'views/own.ejs: the form that posts to /own/:id/add has no control named "c"',
      'views/own.ejs: the form that posts to /own/:id/add has no control named "e"',
      "views/own.ejs: it does not say what is wrong with the form that posts to /own/:id/add. Write <%- include('/kit/errors') %> before its <h1>.",
    ],
  },
  {
    name: 'a layout without the parts of the kit',
    parts: {
      files: {
        'views/partials/top.ejs': top
          .replace("<%- include('/kit/head') %>", '')
          .replace(' lang="<%= page.lang %>"', ''),
        'views/partials/bottom.ejs': bottom.replace("<%- include('/kit/foot') %>", ''),
      },
    },
    says: [
      'The page / (views/home.ejs), like 2 more, does not say its language',
      "views/home.ejs lacks <%- include('/kit/head') %>, <%- include('/kit/foot') %>.",
    ],
  },
  {
    name: 'a layout that says who is signed in, and not what an action said',
    parts: { files: { 'views/partials/top.ejs': top.replace('/kit/header', '/kit/who') } },
    says: ["views/home.ejs lacks <%- include('/kit/said') %>."],
  },
  {
    name: "a view of its own for a page of the kit's",
    parts: {
      files: {
        'views/sessions.ejs': whole('<h2>You</h2><form method="post" action="/sessions/end-all"></form>'),
        'views/signed-out.ejs':
          '<html lang="en"><head><title>Bye</title></head><h1><%= page.no.such %></h1></html>',
      },
    },
    says: [
      'The page /sessions (views/sessions.ejs) has 0 <h1>',
      'views/sessions.ejs: the form that posts to /sessions/end-all will be refused.',
      'The page /signed-out (views/signed-out.ejs) answers 500: TypeError',
      "views/signed-out.ejs lacks <%- include('/kit/head') %>",
    ],
  },
  {
    name: 'a page that fails for some addresses',
    parts: {
      views: { own: '<h1>x</h1>' },
      pages: [
        anyPage({
          path: '/own/:id',
          view: 'own',
          model: ({ params }: PageContext) => BigInt(params.id ?? 0) && {},
        }),
      ],
    },
    says: [
      /The page \/own\/:id \(views\/own\.ejs\) answers 500: SyntaxError: .* its model throws notFound\(\)/,
    ],
  },
  {
    name: 'a page for everyone that fails for visitors',
    parts: {
      views: { own: '<h1><%= page.u.name %></h1>' },
      pages: [
        anyPage({
          path: '/own',
          view: 'own',
          access: 'everyone',
          model: ({ user }: PageContext) => ({ u: user }),
        }),
      ],
    },
    says: [/The page \/own \(views\/own\.ejs\) answers 500: TypeError: .*name/],
  },
  {
    name: 'a page that does not say who may see it',
    parts: {
      views: { own: '<h1>x</h1>' },
      pages: [anyPage({ path: '/own', view: 'own', access: undefined })],
    },
    says: ['The page /own: it does not say who may see it'],
  },
  {
    name: 'a page with an access that there is not',
    parts: {
      views: { own: '<h1>x</h1>' },
      pages: [anyPage({ path: '/own', view: 'own', access: 'public' })],
    },
    says: [/it does not say who may see it: set `access` to .* It is now "public"\.$/],
  },
  {
    name: 'a page without a view',
    parts: { pages: [anyPage({ path: '/own', view: 'none' })] },
    says: ['The page /own: there is no views/none.ejs. Write it.'],
  },
  {
    name: 'a page whose view is misspelt',
    parts: { views: { invoice: '<h1>x</h1>' }, pages: [anyPage({ path: '/own', view: 'invoic' })] },
    says: ['The page /own: there is no views/invoic.ejs. Did you mean "invoice"?'],
  },
  {
    name: 'a setting that has no default',
    parts: { more: { settings: { KEY: { meaning: 'opens the safe', schema: z.string() } } } },
    says: ['KEY is missing: opens the safe.', 'A setting without a default gets its value here'],
  },
  {
    name: 'a setting whose default does not pass',
    parts: { more: { settings: { SIZE: { default: 'x', meaning: 'how many', schema: z.coerce.number() } } } },
    says: ['the default of SIZE does not pass'],
  },
  {
    name: 'a site that does not open',
    parts: { more: { open: () => Promise.reject(new Error('no database there')) } },
    says: [/The site does not start: .*no database there/],
  },
  {
    name: 'routes that nothing comes to',
    parts: {
      views: { own: '<h1>x</h1>' },
      pages: [anyPage({ path: '/own/:id', view: 'own', actions: { end: { run: () => '/' } } })],
      more: {
        publicRoutes: (router) => {
          router.get('/auth/login', answer);
          router.get('/site.css', answer);
          router.get('/own/report', answer);
          router.post('/own/7/end', answer);
          router.get('/feeds/:name', answer);
          router.get('/sessions', answer);
        },
        routes: (router) => {
          router.get('/feeds/news', answer);
          const nested = express.Router();
          nested.get('/a', answer);
          nested.all('/{*rest}', answer);
          nested.get('/b', answer);
          router.use('/nested', nested);
        },
      },
    },
    says: [
      'GET /auth/login of `publicRoutes` cannot be reached: the kit answers there. Give it another address.',
      'GET /site.css of `publicRoutes` cannot be reached: the file public/site.css answers there. Give it another address.',
      'GET /own/report of `publicRoutes` cannot be reached: the page /own/:id answers there. Give it another address.',
      'POST /own/7/end of `publicRoutes` cannot be reached: the form of a page, /own/:id/end, answers there. Give it another address.',
      'GET /sessions of `publicRoutes` cannot be reached: the page /sessions answers there. Give it another address.',
      'GET /feeds/news of `routes` cannot be reached: GET /feeds/:name of `publicRoutes` answers there. Give it another address.',
      'GET /nested/b of `routes` cannot be reached: the route /nested/{*rest} of `routes` answers there. Give it another address, or put it before.',
    ],
  },
];

const answer: express.RequestHandler = (_req, res) => void res.send('here');

describe('checkSite names', () => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, { parts, says }) => {
    const problems = await problemsOf(parts);
    expect(problems, problems.join('\n')).toHaveLength(says.length);
    for (const [index, said] of says.entries()) {
      if (typeof said === 'string') expect(problems[index]).toContain(said);
      else expect(problems[index]).toMatch(said);
    }
  });

  test('that nobody can be signed in', async () => {
    const problems = await problemsOf({}, { OIDC_ID_TOKEN_ALG: 'ES256' });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("signIn('check-site') did not sign in");
  });

  test('that nobody of its own can be let in, and how they can', async () => {
    const signIn = () => Promise.reject(refuse('You are not on the list.'));
    const problems = await problemsOf({ more: { signIn } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('Give the check one that lets everyone in: checkSite({ ...site, signIn: ');
    const { site, root } = smallSite({ more: { signIn } });
    await checkSite({ ...site, signIn: () => ({ roles: ['admin'] }) }, { root });
  });

  test('a link that leads nowhere, where it is written out in a view', async () => {
    const own = `<h1>x</h1><a href="/shfits">a</a> <a href='/owm#top'>b</a> <a href="/own?q=1#top">c</a> <a href="//x.example">d</a>
      <a href="<%= page.made %>">e</a> <% if (false) { %><a href="/never-printed">f</a><% } %>`;
    const made = { path: '/own', view: 'own', model: () => ({ made: '/made/up' }) };
    expect(await problemsOf({ views: { own }, pages: [anyPage(made)] })).toEqual([
      '- The page /own: it links to /shfits, and nothing answers there.',
      '- The page /own: it links to /owm, and nothing answers there.',
    ]);
  });

  test('that nothing answers at /', async () => {
    const pages = () => [anyPage({ path: '/own', view: 'home' })];
    expect(await problemsOf({ more: { pages } })).toEqual([
      '- Nothing answers at /, where the header, error pages, sign-ins and sign-outs lead. Give a page the path /, or redirect from there in `publicRoutes`.',
    ]);
    const publicRoutes = (router: express.Router) =>
      void router.get('/', (_req, res) => res.redirect('/own'));
    expect(await problemsOf({ more: { pages, publicRoutes } })).toEqual([]);
  });

  test('what a view prints without saying of what', async () => {
    const own = '<h1><%= reader %></h1>';
    const [problem] = await problemsOf({ views: { own }, pages: [anyPage({ path: '/own', view: 'own' })] });
    expect(problem).toMatch(/reader is not defined\. A view prints what the model returned as page\.reader;/);
  });

  test('everything at once, in one error', async () => {
    const { site, root } = smallSite({
      views: { own: '<p onclick="x">y</p>' },
      pages: [anyPage({ path: '/own', view: 'own' })],
    });
    await expect(checkSite(site, { root })).rejects.toThrow(/^The site has 2 problems:\n- .*\n- .*$/);
  });

  test('what it is not handed', async () => {
    await expect(checkSite(undefined as never)).rejects.toThrow(
      'checkSite(site), with what src/site.ts exports',
    );
  });
});

describe('checkSite passes', () => {
  test('the site that the tests of the kit run, with an API that is away', async () => {
    const report = await checkSite(testSite, { root: siteFolder, env: { API_URL: 'http://127.0.0.1:9/' } });
    expect(report).toEqual({ public: ['GET /'], unseen: [] });
  });

  test('pages for everyone, for a role, for a stronger and a fresh sign-in, with a parameter and in a folder', async () => {
    const report = await check({
      views: {
        about:
          '<h1>About</h1><script type="application/json">{}</script><a href="https://example.com">More</a>',
        'team/list': '<h1>Team</h1><%- include("/team/row", { row: 1 }) %>',
        member: '<h1><%= page.id %></h1>',
      },
      files: { 'views/team/row.ejs': '<p title="<%= page.row %>">Row</p>', 'public/js/team.js': '' },
      pages: [
        anyPage({ path: '/about', view: 'about', access: 'everyone' }),
        anyPage({
          path: '/team',
          view: 'team/list',
          access: { roles: ['lead', 'boss'] },
          script: '/js/team.js',
        }),
        anyPage({ path: '/strong', view: 'team/list', access: { acr: 'mfa', maxAgeSeconds: 60 } }),
        anyPage({ path: '/closed', view: 'team/list', access: { claims: () => false } }),
        anyPage({
          path: '/moved',
          view: 'team/list',
          model: ({ res }: PageContext) => res.redirect('/team'),
        }),
        anyPage({
          path: '/team/:id',
          view: 'member',
          model: ({ params }: PageContext) => ({ id: params.id }),
        }),
      ],
    });
    expect(report).toEqual({ public: ['GET /', 'GET /about'], unseen: ['/closed', '/moved'] });
  });

  test('forms that are marked, also by a partial, and forms of plain routes', async () => {
    await check({
      files: { 'views/fields.ejs': '<%- include(\'/kit/form\') %><input name="a">' },
      views: {
        own: `<h1>x</h1>
          <form method="post" action="/own/a"><%- include('/kit/form') %><button>A</button></form>
          <form method="post" action="/own/b"><%- include('/fields') %><button>B</button></form>
          <form method="post" action="/contact"><button>Send</button></form>
          <form action="/own"><input name="q"></form>`,
      },
      pages: [
        anyPage({ path: '/own', view: 'own', actions: { a: { run: () => '/' }, b: { run: () => '/' } } }),
      ],
      more: { publicRoutes: (router) => void router.post('/contact', answer) },
    });
  });

  test('forms whose controls are printed in a loop, by a script or by a partial, and views that say themselves what is wrong', async () => {
    const form = z.object({ a: z.string(), b: z.string().optional() });
    const add = (path: string, more: object = {}) =>
      anyPage({ path, view: path.slice(1), actions: { add: { form, run: () => '/' } }, ...more });
    const within = (path: string, text: string) =>
      `<%- include('/kit/errors') %><h1>x</h1><form method="post" action="${path}/add"><%- include('/kit/form') %>${text}</form>`;
    await check({
      files: {
        'public/own.js': '',
        'views/fields.ejs': '<select name="a"></select><input name="<%= page.field %>">',
        'views/partials/named.ejs': '<input name="a">',
      },
      views: {
        loop: within('/loop', `<% for (const field of ['a', 'b']) { %><input name="<%= field %>"><% } %>`),
        script: within('/script', ''),
        partial: within('/partial', `<%- include('/fields', { field: 'b' }) %>`),
        dynamic: within('/dynamic', `<%- include('/partials/' + 'named') %>`),
        silent: within('/silent', '<input name="a"><input name="b">').replace(
          "<%- include('/kit/errors') %>",
          '<% for (const sentence of page.form.summary) { %><p><%= sentence %></p><% } %>',
        ),
        posted: '<h1>x</h1>',
      },
      pages: [
        ...[add('/loop'), add('/script', { script: '/own.js' }), add('/partial'), add('/dynamic')],
        ...[add('/silent'), add('/posted')],
      ],
    });
  });

  test('emails among the views, which have styles inside and are no pages', async () => {
    await check({
      files: {
        'views/mail/welcome.ejs':
          '<p style="color: red">Hello <%= page.name %></p><img src="https://a.example/b.png">',
        'views/mail/welcome.txt.ejs': 'Hello <%- page.name %>',
      },
    });
    const problems = await problemsOf({
      files: {
        'views/mail/welcome.ejs': 'Hello <%- page.name %>',
        'views/report.ejs':
          "<p style='color: red'></p><%- include('parts/report') %><%- include('/kit/foot') %>",
        'views/parts/report.ejs': '<p onclick="x"></p>',
      },
    });
    expect(problems.map((problem) => problem.split(' ')[1]).sort()).toEqual([
      'views/mail/welcome.ejs:1:',
      'views/parts/report.ejs:1:',
      'views/report.ejs:1:',
    ]);
  });

  test('plain routes with guards, parsers, parameters, patterns and streams, and says which are public', async () => {
    let ran = 0;
    const report = await check({
      more: {
        publicRoutes: (router) => {
          router.use(express.json());
          router.use('/files', express.static('/nowhere'));
          router.get('/feed', (_req, res) => void res.send(String(++ran)));
          router.post('/contact', () => void ran++);
          router.get(/^\/old-.*$/, answer);
        },
        routes: (router) => {
          router.all('/{*any}', (_req, _res, next) => next());
          router.use('/boss', requireAuth({ roles: 'boss' }));
          router.get('/boss/list', answer);
          router.get(['/a', '/b/:c'], answer);
          router
            .route('/things')
            .get(answer)
            .post(() => void ran++)
            .delete(() => void ran++);
          router.get('/events', (_req, res) => void res.write('data: 1\n\n'));
        },
      },
    });
    expect(report.public).toEqual(['GET /', 'GET /feed', 'POST /contact', 'ALL /*', 'ALL /files/*']);
    expect(ran).toBe(0);
  });

  test('files of other hosts that the content security policy lets in', async () => {
    const { views, pages } = view('<h1>x</h1><img alt="" src="https://img.example.com/a.png">');
    await check({
      ...(views && { views }),
      ...(pages && { pages }),
      more: { contentSecurityPolicy: { imgSrc: ['https://img.example.com'] } },
    });
  });

  test('settings and resources, and closes what it opened', async () => {
    let open = 0;
    await check(
      {
        more: {
          settings: { KEY: { meaning: 'opens the safe', schema: z.string(), secret: true } },
          open: () => ({ data: ++open, close: () => void open-- }),
        },
      },
      { KEY: 'abc' },
    );
    expect(open).toBe(0);
  });
});
