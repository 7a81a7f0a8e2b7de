import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { invalid, notFound } from '../errors/page-errors.ts';
import type { PageContext } from '../pages/page.ts';
import { findAll, findTags, parseHtml } from '../testing/html.ts';
import type { Person } from '../testing/index.ts';
import { startTestApp, type TestApp } from '../testing/index.ts';
import { siteFolder } from './helpers/app.ts';
import { anyPage, type SmallSite, smallSite } from './helpers/small-site.ts';
import { site } from './site/site.ts';

// A page's form is checked by its schema. What is wrong with it is said on the same page, and nothing is lost (DESIGN §3).

async function testSite(): Promise<{ app: TestApp; alice: Person }> {
  const app = await startTestApp({ site, root: siteFolder });
  onTestFinished(() => app.stop());
  return { app, alice: await app.signIn('alice', { path: '/bookings' }) };
}

const good = {
  ...{ name: 'Ann', day: '2026-11-26', people: '4', place: 'inside', wishes: 'A cake\r\nand candles' },
};

/** What the page says the bookings are. */
const bookingsOn = (body: string) =>
  findTags(parseHtml(body), 'li').flatMap(({ children }) => {
    const [text] = children;
    return typeof text === 'string' && text.startsWith('{') ? [JSON.parse(text)] : [];
  });

/** The form as it is printed: the value, or what is ticked or chosen, by field name. */
function printedForm(body: string): Record<string, unknown> {
  const controls = findTags(parseHtml(body), 'input', 'textarea', 'select');
  return Object.fromEntries(
    controls.flatMap((control): [string, unknown][] => {
      const { name = '', type, value, checked } = control.attributes;
      if (name === 'kit-form' || name === '') return [];
      if (control.tag === 'textarea') return [[name, control.children.join('')]];
      if (control.tag === 'select') {
        const chosen = findTags(control, 'option').find(
          ({ attributes }) => attributes.selected !== undefined,
        );
        return [[name, chosen?.children.join('') ?? '']];
      }
      if (type !== 'checkbox') return [[name, value]];
      return checked === undefined ? [] : [[name, value ?? 'on']];
    }),
  );
}

/** The sentences beside the fields. */
const errorsOn = (body: string) =>
  Object.fromEntries(
    findAll(parseHtml(body), ({ attributes }) => attributes.class === 'error').map(
      ({ attributes, children }) => [attributes.id?.replace(/-error$/, ''), children.join('')],
    ),
  );

describe('a form that is as its schema says', () => {
  test('hands its values over as what they are, and nothing else', async () => {
    const { alice } = await testSite();
    const sent = { ...good, vegetarian: true, extras: ['window'] };
    const page = await alice.submit(alice.page, 'Book', sent);
    expect([page.status, page.path]).toEqual([200, '/bookings']);
    await alice.post('/bookings/add', {
      ...good,
      role: 'admin',
      __proto__: '',
      constructor: 'x',
      'name[0]': 'y',
    });
    const value = { ...good, people: 4, wishes: 'A cake\nand candles' };
    expect(bookingsOn((await alice.get('/bookings')).body)).toEqual([
      { ...value, vegetarian: true, extras: ['window'] },
      { ...value, vegetarian: false, extras: [] },
    ]);
  });
});

describe('a form that is not', () => {
  test('prints its page again with what was typed and what is wrong, and does nothing', async () => {
    const { alice } = await testSite();
    expect(printedForm(alice.page.body)).toMatchObject({ name: '', people: '', wishes: '' });
    expect(errorsOn(alice.page.body)).toEqual({});
    const typed = {
      ...{ name: '"><script>alert(1)</script>', day: 'tomorrow', people: '1e1', place: 'outside' },
      ...{
        extras: ['high-chair', 'window'],
        vegetarian: true,
        wishes: '<b>\r\n مرحبا 😀',
        password: 'short',
      },
    };
    const page = await alice.submit(alice.page, 'Book', typed);
    expect([page.status, page.path]).toEqual([422, '/bookings/add']);
    // Of the page, which a reload and a bookmark open.
    expect(page.body).toContain('<meta name="kit-address" content="/bookings">');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect([page.title, page.heading]).toEqual(['Error: Bookings · Test site', 'Bookings']);
    expect(page.body).not.toContain('<script>alert');
    expect(page.body).not.toContain('short');
    expect(printedForm(page.body)).toEqual({
      ...{ name: typed.name, day: 'tomorrow', people: '1e1', place: 'outside', extras: 'window' },
      ...{ vegetarian: 'on', wishes: '<b>\n مرحبا 😀', password: '' },
    });
    expect(page.body.match(/ checked/g)).toHaveLength(3);
    expect(errorsOn(page.body)).toEqual({
      day: 'Enter a real date.',
      people: 'Enter a whole number, such as 12.',
      extras: 'Choose no more than 1.',
      password: 'Enter at least 8 characters.',
    });
    // At the top, each with what the page calls its field.
    expect(page.links.filter(({ href }) => href.startsWith('#') && href !== '#main')).toEqual([
      { href: '#day', name: 'Day: Enter a real date.' },
      { href: '#people', name: 'People: Enter a whole number, such as 12.' },
      { href: '#extras', name: 'Extras: Choose no more than 1.' },
      { href: '#password', name: 'Password: Enter at least 8 characters.' },
    ]);
    expect(bookingsOn(page.body)).toEqual([]);

    // The page can be sent again as it is.
    const then = await alice.submit(page, 'Book', {
      ...good,
      extras: ['window'],
      vegetarian: false,
      password: '',
    });
    expect(bookingsOn(then.body)).toMatchObject([{ name: 'Ann', vegetarian: false }]);
  });

  test('that is empty keeps what was emptied empty', async () => {
    const { alice } = await testSite();
    const page = await alice.post('/bookings/add', {});
    expect(page.status).toBe(422);
    expect(errorsOn(page.body)).toEqual({
      ...{
        name: 'Enter something here.',
        day: 'Choose a date.',
        people: 'Enter a whole number, such as 12.',
      },
      ...{ place: 'Choose one of the options.' },
    });
  });

  test('is refused by what run throws in the same way', async () => {
    const { alice } = await testSite();
    const closed = await alice.submit(alice.page, 'Book', {
      ...good,
      day: '2026-12-25',
      password: 'a long password',
    });
    expect([closed.status, errorsOn(closed.body)]).toEqual([422, { day: 'We are closed on that day.' }]);
    expect(printedForm(closed.body)).toMatchObject({
      day: '2026-12-25',
      wishes: 'A cake\nand candles',
      password: '',
    });
    const many = await alice.submit(alice.page, 'Book', { ...good, people: '11' });
    expect([many.status, errorsOn(many.body)]).toEqual([422, {}]);
    expect(many.text).toContain('We have no table for eleven.');
  });

  test('tells a script by field', async () => {
    const { alice } = await testSite();
    const body = new URLSearchParams({ ...good, people: '0', password: 'x' }).toString();
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const answer = await alice.fetch('/bookings/add', { method: 'POST', body, headers: type });
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.json()).toEqual({
      ...{ title: 'There is a problem', status: 422, requestId: expect.any(String), summary: [] },
      errors: { people: 'Enter a number that is 1 or more.', password: 'Enter at least 8 characters.' },
    });
    const invalidToo = await alice.fetch('/bookings/add', {
      method: 'POST',
      body: new URLSearchParams({ ...good, people: '11' }).toString(),
      headers: type,
    });
    expect(invalidToo.json()).toMatchObject({ errors: {}, summary: ['We have no table for eleven.'] });
  });

  test('is refused before that where its sender is nobody, somebody else, or not allowed', async () => {
    const ran: unknown[] = [];
    const { app, alice } = await own({
      form: z.object({ text: z.string() }),
      access: { roles: 'boss' },
      run: ({ values }: { values: unknown }) => ran.push(values),
    });
    const statuses = [
      await app.post('/own/add', {}),
      await alice.post('/own/add', { 'kit-form': 'x' }),
      await alice.post('/own/add', { text: '' }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 403, 403]);
    const boss = await app.signIn('boss', { path: '/own', claims: { roles: ['boss'] } });
    expect((await boss.post('/own/add', { text: '' })).status).toBe(422);
    expect(ran).toEqual([]);
  });
});

/** An app with one page, whose view prints `page.form` as JSON. */
async function own(action: object, page: object = {}, more: Partial<SmallSite> = {}) {
  const parts: SmallSite = {
    views: {
      own: `<h1><%= page.title %></h1><p id="form"><%= JSON.stringify(page.form) %></p><p><%= page.note %></p><p><%= JSON.stringify(page.nav) %></p>`,
    },
    pages: [
      anyPage({ path: '/own', view: 'own', nav: 'Own', actions: { add: action }, ...page }),
      anyPage({
        path: '/open',
        view: 'own',
        access: 'everyone',
        model: () => ({ form: { action: 'mine' } }),
      }),
    ],
    ...more,
  };
  const app = await startTestApp(smallSite(parts));
  onTestFinished(() => app.stop());
  return { app, alice: await app.signIn('alice', { path: '/own' }) };
}

const formOn = (body: string) => {
  const [paragraph] = findAll(parseHtml(body), ({ attributes }) => attributes.id === 'form');
  return JSON.parse(paragraph?.children.join('') ?? 'null');
};

const empty = { action: '', values: {}, errors: {}, summary: [] };

describe('page.form', () => {
  test('is empty on a fresh page, on one for everyone too, and no model can set it', async () => {
    const { app, alice } = await own({ run: () => '/own' });
    expect(formOn(alice.page.body)).toEqual(empty);
    expect(formOn((await app.get('/open')).body)).toEqual(empty);
    expect(app.log.find(({ msg }) => msg.includes("names of the kit's"))).toMatchObject({ names: ['form'] });
  });

  test('is there in the views of routes', async () => {
    const { app } = await own(
      { run: () => '/own' },
      {},
      {
        more: {
          publicRoutes: (router) => router.get('/route', (_req, res) => res.render('own', { title: 'x' })),
        },
      },
    );
    expect(formOn((await app.get('/route')).body)).toEqual(empty);
  });

  test('has what was typed, by field', async () => {
    const form = z.object({
      text: z.string(),
      list: z.array(z.string()),
      one: z.string().optional(),
      box: z.boolean(),
      never: z.literal('x'),
    });
    const { alice } = await own({ form, run: () => '/own' });
    const sent = { text: '\0', list: ['a\r\nb\0'], one: ['b', 'c'], box: 'yes', other: 'd' };
    expect(formOn((await alice.post('/own/add', sent)).body)).toEqual({
      action: 'add',
      values: { text: '', list: ['a\nb'], one: 'b', box: 'yes' },
      errors: {
        text: "This isn't right. Check it and try again.",
        list: "This isn't right. Check it and try again.",
        one: 'Enter one value only.',
        never: 'Choose one of the options.',
      },
      summary: [],
    });
  });

  test('never has a secret', async () => {
    const secret = z.string().meta({ secret: true });
    const form = z.object({
      pin: secret,
      optional: secret.optional(),
      after: secret.min(3).trim(),
      piped: z.string().pipe(secret),
      through: secret.transform((text) => text),
      lazy: z.lazy(() => secret.nullable().default('x')),
      list: z.array(secret),
      either: z.union([z.email(), secret]),
      newPassword: z.string(),
      PASSWORD2: z.string(),
      plain: z.string().meta({ secret: false }),
      missing: z.string(),
    });
    const { app, alice } = await own({ form, run: () => '/own' });
    const names = Object.keys(form.shape).filter((name) => name !== 'missing');
    const page = await alice.post(
      '/own/add',
      Object.fromEntries(names.map((name) => [name, 'hunter2hunter2'])),
    );
    expect(formOn(page.body).values).toEqual({ plain: 'hunter2hunter2' });
    expect(JSON.stringify(app.log)).not.toContain('hunter2');
  });

  test('is there for what an action without a form throws', async () => {
    const run = ({ values }: { values: object }) => {
      throw invalid({ text: `No. ${JSON.stringify(values)}`, other: 'Nor this.' });
    };
    const { alice } = await own({ run });
    expect(
      formOn((await alice.post('/own/add', { text: 'a', list: ['b', 'c'], password: 'd' })).body),
    ).toEqual({
      action: 'add',
      values: { text: 'a', list: ['b', 'c'] },
      errors: { text: 'No. {}' },
      summary: ['Nor this.'],
    });
  });
});

describe('the page of a form that is refused', () => {
  const form = z.object({ text: z.string() });

  test('has its model run again, with its parameters and its place in the menu', async () => {
    const model = ({ params, user }: PageContext) => ({ note: `${params.id} of ${user.sub}` });
    const { alice } = await own({ form, run: () => '/own' }, { path: '/own/:id', nav: undefined, model });
    const page = await alice.post('/own/a%20b/add', {});
    expect([page.status, page.text]).toEqual([422, expect.stringContaining('a b of alice')]);
    const inMenu = await own({ form, run: () => '/own' });
    const again = await inMenu.alice.post('/own/add', {});
    expect(again.text).toContain('{"href":"/own","label":"Own","current":true}');

    // Sent once more from there, it still is that page to which a sign-in comes back.
    const headers = { Referer: `${inMenu.app.url}/own/add` };
    const third = await inMenu.alice.post('/own/add', {}, { headers });
    expect(third.body).toContain('/auth/login?returnTo=%2Fown&amp;renew=1');
  });

  test('is a 404 where its model says so', async () => {
    const model = ({ req }: PageContext) => {
      if (req.method === 'POST') throw notFound();
      return {};
    };
    const { alice } = await own({ form, run: () => '/own' }, { model });
    expect((await alice.post('/own/add', {})).status).toBe(404);
  });

  test('is a redirect where its model answers itself', async () => {
    const model = ({ req, res }: PageContext) => req.method === 'POST' && res.redirect(303, '/');
    const { alice } = await own({ form, run: () => '/own' }, { model });
    expect((await alice.post('/own/add', {})).path).toBe('/');
  });

  test('is a 500 where the schema throws', async () => {
    const boom = z.object({
      text: z.string().refine(async () => {
        throw new Error('boom');
      }),
    });
    const { alice } = await own({ form: boom, run: () => '/own' });
    expect((await alice.post('/own/add', { text: 'x' })).status).toBe(500);
  });

  test('says so where an asynchronous schema does', async () => {
    const taken = z.object({ text: z.string().refine(async (text) => text !== 'x', 'Taken.') });
    const { alice } = await own({ form: taken, run: () => '/' });
    expect(formOn((await alice.post('/own/add', { text: 'x' })).body).errors).toEqual({ text: 'Taken.' });
    expect((await alice.post('/own/add', { text: 'y' })).path).toBe('/');
  });
});

describe('invalid()', () => {
  test('elsewhere is a page of its own', async () => {
    const { app, alice } = await own(
      { run: () => '/own' },
      { path: '/own' },
      {
        pages: [
          anyPage({
            ...{ path: '/own', view: 'own' },
            model: ({ req }: PageContext) => {
              if (req.query.wrong) throw invalid('We are closed.');
            },
          }),
        ],
        more: {
          publicRoutes: (router) =>
            router.post('/route', () => {
              throw invalid({ day: 'Taken.', name: 'Too long.' });
            }),
        },
      },
    );
    const page = await alice.get('/own?wrong=1');
    expect([page.status, page.heading, page.text]).toEqual([
      422,
      'There is a problem',
      expect.stringContaining('We are closed.'),
    ]);
    expect((await app.post('/route')).text).toContain('Taken. Too long.');
    expect((await app.fetch('/route', { method: 'POST' })).json()).toMatchObject({
      ...{ status: 422, errors: { day: 'Taken.', name: 'Too long.' }, summary: [] },
    });
  });

  test.each([undefined, null, 7, '', ' ', {}, [], ['x'], { a: '' }, { a: 7 }, { a: ['x'] }])(
    'takes sentences only, not %j',
    (mistakes) => {
      expect(() => invalid(mistakes as string)).toThrow(/^invalid\(\) needs a sentence/);
    },
  );
});

describe('the body of a form', () => {
  const form = z.object({ text: z.string().optional(), list: z.array(z.string()) });
  const type = 'application/x-www-form-urlencoded';

  /** What the action is handed, or the status of the refusal. */
  async function posted() {
    const seen: unknown[] = [];
    const run = ({ values }: { values: unknown }) => {
      seen.push(values);
      return '/own';
    };
    const { app, alice } = await own({ form, run });
    const mark = /name="kit-form" content="([^"]+)"/.exec(alice.page.body)?.[1] ?? '';
    const post = async (
      body: string | undefined,
      headers: Record<string, string> = { 'Content-Type': type },
    ) => {
      seen.length = 0;
      const init = {
        method: 'POST',
        headers: { 'Kit-Form': mark, ...headers },
        ...(body !== undefined && { body }),
      };
      const answer = await alice.fetch('/own/add', init);
      return seen[0] ?? answer;
    };
    return { app, alice, post };
  }

  test('may be missing, with and without a type', async () => {
    const { post } = await posted();
    expect(await post(undefined, {})).toEqual({ list: [] });
    expect(await post('', {})).toEqual({ list: [] });
    expect(await post('')).toEqual({ list: [] });
    expect(await post(undefined, { 'Content-Type': 'application/json' })).toEqual({ list: [] });
  });

  test('is read as browsers read it', async () => {
    const { post } = await posted();
    const read: [string, object][] = [
      ['text=100%&list=%zz', { text: '100%', list: ['%zz'] }],
      ['text=%ff%ed%a0%80', { text: '����', list: [] }],
      ['text=a+b%2Bc&&=&list', { text: 'a b+c', list: [] }],
      ['text=%F0%9F%98%80é', { text: '😀é', list: [] }],
      ['text[a]=1&list[]=2&text.b=3', { list: [] }],
      ['__proto__=1&constructor=2&__proto__[text]=3', { list: [] }],
    ];
    for (const [body, values] of read) expect(await post(body), body).toEqual(values);
    expect(await post('text=a', { 'Content-Type': `${type}; charset=UTF-8` })).toMatchObject({ text: 'a' });
    expect(await post('text=a', { 'Content-Type': type.toUpperCase() })).toMatchObject({ text: 'a' });
  });

  test('of another type, charset or encoding is refused with 415 and a sentence', async () => {
    const { app, alice, post } = await posted();
    const others: Record<string, string>[] = [
      {},
      { 'Content-Type': 'application/json' },
      { 'Content-Type': 'text/plain' },
      { 'Content-Type': 'multipart/form-data; boundary=x' },
      { 'Content-Type': 'x' },
      { 'Content-Type': `${type}; charset=iso-8859-1` },
      { 'Content-Type': `${type}; charset=utf-16` },
      { 'Content-Type': type, 'Content-Encoding': 'snappy' },
    ];
    for (const headers of others) {
      expect(await post('{"text":"a"}', headers), JSON.stringify(headers)).toMatchObject({
        status: 415,
        body: expect.stringContaining('read that form'),
      });
    }
    const navigation = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document', Accept: 'text/html' };
    const page = await post('{}', { 'Content-Type': 'application/json', ...navigation });
    expect(page).toMatchObject({ status: 415, heading: "We couldn't read that form" });
    const multipart = `<form method="post" action="/own/add" enctype="multipart/form-data"><button>Go</button></form>`;
    expect((await alice.submit({ ...alice.page, body: multipart }, 'Go')).status).toBe(415);
    // Who is asking comes first.
    expect(
      (await app.fetch('/own/add', { method: 'POST', body: '{}', headers: others[1] ?? {} })).status,
    ).toBe(401);
  });

  test('that is too large, or has too many fields, is refused with 413', async () => {
    const { app, post } = await posted();
    const large = (bytes: number) => `text=${'x'.repeat(bytes - 5)}`;
    expect(await post(large(64 * 1024))).toMatchObject({ list: [] });
    expect(await post(large(64 * 1024 + 1))).toMatchObject({ status: 413 });
    expect(await post('list=a&'.repeat(99))).toMatchObject({ list: Array(99).fill('a') });
    expect(await post('list=a&'.repeat(100))).toMatchObject({ status: 413 });
    expect(await post('&'.repeat(100))).toMatchObject({ status: 413 });
    expect(
      (
        await app.fetch('/own/add', {
          method: 'POST',
          body: large(70_000),
          headers: { 'Content-Type': type },
        })
      ).status,
    ).toBe(401);
  });
});
