import { describe, expect, test } from 'vitest';
import { notFound } from '../errors/page-errors.ts';
import type { PageContext } from '../pages/page.ts';
import { givenNames } from '../testing/check-reads.ts';
import { checkSite } from '../testing/index.ts';
import { anyPage, bottom, type SmallSite, smallSite, top } from './helpers/small-site.ts';
import { startSmall } from './helpers/test-app.ts';

// A name that is misspelt in a view prints nothing, and no request fails.

async function problemsOf(parts: SmallSite): Promise<string[]> {
  const { site, root } = smallSite(parts);
  const error: unknown = await checkSite(site, { root }).catch((reason: unknown) => reason);
  return error instanceof Error ? error.message.split('\n').slice(1) : [];
}

const shifts = { reader: 'Ada', shifts: [] as { day: string }[] };

/** A page whose view prints this and whose model returns that. */
const page = (view: string, model: unknown = () => shifts, more: Partial<SmallSite> = {}): SmallSite => ({
  views: { shifts: `<h1>Shifts</h1>\n${view}` },
  pages: [anyPage({ path: '/shifts', view: 'shifts', ...(model !== 'none' && { model }) })],
  ...more,
});

const notReturned = (name: string) =>
  `- views/shifts.ejs:3: it reads page.${name}, which the model of /shifts doesn't return (it returns reader and shifts).`;

describe('checkSite names what a view reads and nothing gives', () => {
  test('with what was probably meant', async () => {
    expect(await problemsOf(page('<p><%= page.raeder %></p>'))).toEqual([
      `${notReturned('raeder')} Did you mean page.reader? If not, have the model return it, as undefined where there is none.`,
    ]);
  });

  test.each([
    ['<p><%= page.total %></p>', 'total'],
    ['<p title="<%= page . total %>"></p>', 'total'],
    ['<% const { reader, total } = page; %>', 'total'],
    ['<% const { total: sum } = page; %>', 'total'],
    ['<p><%= `$' + '{page.total} shifts` %></p>', 'total'],
    ["<p><%= 'page.no ' + page.total // page.none %></p>", 'total'],
    ["<%- include('/kit/rows', { rows: page.total ?? [] }) %><%= page.sum %>", 'sum'],
  ])('which is no misspelt name: %s', async (view, name) => {
    expect(await problemsOf(page(view))).toEqual([
      `${notReturned(name)} Have the model return it, as undefined where there is none.`,
    ]);
  });

  test.each([
    '<% if (page.raeder) { %><p>x</p><% } %>',
    '<% for (const shift of page.shifts) { %><p><%= shift.day %> <%= page.raeder %></p><% } %>',
    "<p><%= page.raeder ?? '' %></p>",
    "<p><%= page.user ? '' : page.raeder %></p>",
  ])('also where it is read only sometimes, if the name is misspelt: %s', async (view) => {
    const [problem, ...others] = await problemsOf(page(view));
    expect([problem, others]).toEqual([expect.stringContaining('Did you mean page.reader?'), []]);
  });

  test('on a page without a model', async () => {
    expect(await problemsOf(page('<p><%= page.usr %></p>', 'none'))).toEqual([
      '- views/shifts.ejs:3: it reads page.usr, but the page /shifts has no model. Did you mean page.user? If not, have the model return it, as undefined where there is none.',
    ]);
  });

  test('on a page that finds nothing for the check, by what its code says', async () => {
    const parts: SmallSite = {
      views: { shift: '<h1><%= page.shfit.day %></h1><%= page.other %>' },
      pages: [
        anyPage({
          ...{ path: '/shifts/:id', view: 'shift' },
          model: ({ params }: PageContext) => {
            const shift = shifts.shifts.find(({ day }) => day === params.id);
            if (!shift) throw notFound();
            return { shift };
          },
        }),
      ],
    };
    expect(await problemsOf(parts)).toEqual([
      "- views/shift.ejs:2: it reads page.shfit, which the model of /shifts/:id doesn't return. Did you mean page.shift? If not, have the model return it, as undefined where there is none.",
    ]);
  });

  test('in the layout and in what a view includes', async () => {
    const files = {
      'views/partials/bottom.ejs': bottom.replace('</main>', '</main><%= page.tilte %>'),
      'views/shift-row.ejs': '<p><%= page.shift %> <%= page.isLast %> <%= page.isLsat %></p>',
    };
    const view = "<%- include('/shift-row', { shift: 1, isLast: true }) %>";
    const found = await problemsOf(page(view, undefined, { files }));
    expect(found.map((problem) => problem.split(' If not')[0]).sort()).toEqual([
      '- views/partials/bottom.ejs:1: it reads page.tilte, which no model returns. Did you mean page.title?',
      '- views/shift-row.ejs:1: it reads page.isLsat, which no model returns. Did you mean page.isLast?',
    ]);
  });
});

describe('checkSite leaves alone', () => {
  test.each<[what: string, view: string, model?: unknown]>([
    ['what a model returns as undefined', '<p><%= page.note %></p>', () => ({ note: undefined })],
    [
      'what a model returns only sometimes',
      '<p><%= page.note %> <%= page.reader2 %></p>',
      ({ req }: PageContext) => (req.query.never ? { note: 'x', reader2: 1 } : shifts),
    ],
    [
      'what a model returns to some people only',
      '<p><%= page.boss %></p>',
      ({ user }: PageContext) => (user ? { boss: true } : {}),
    ],
    [
      'what a view says may be missing',
      `<p><%= page.a ?? 'x' %> <%= page.b?.c %> <% if (page.d) { %><%= page.d %><% } %> <%= page.e && 'x' %>
        <%= 'f' in page ? page.f : '' %> <% const { g = 1, ...rest } = page; %> <%= page.h || 'x' %> <%= page.i ? 1 : 2 %>
        <% if (!page.j && page.k !== undefined && typeof page.l === 'string') { %><% } %></p>`,
    ],
    ['what is read only behind a condition', '<p><%= page.shifts.length > 9 ? page.total : 0 %></p>'],
    [
      'what is read in a block',
      '<% for (const one of page.shifts) { %><%= page.total %><% } %><% if (page.shifts.length > 9) { %><%= page.total %><% } %>',
    ],
    ['what a view computes', "<p><%= page['a' + 1] %></p>"],
    ['what is called page in the view itself', '<p><%= page.shifts.map((page) => page.readers) %></p>'],
    [
      'what is a text',
      "<p>page.a</p><p><%= 'page.a' %> <%= `page.b $" +
        '{page.reader}` %> <%# page.c %></p><!-- <%= page.d %> -->',
    ],
    ['what a view sets', '<% page.sum = 1 %><p><%= page.sum %></p>'],
    ['what the kit gives', givenNames.map((name) => `<% page.${name} %>`).join('')],
  ])('%s', async (_what, view, model = () => shifts) => {
    expect(await problemsOf(page(view, model))).toEqual([]);
  });

  test('what a view hands to what it includes, and what the layout reads of messages', async () => {
    const files = {
      'views/partials/top.ejs': top.replace('<main>', '<main class="<%= page.status %>">'),
      'views/shift-row.ejs': '<p><%= page.day %></p>',
    };
    const view = "<% const day = 'x'; %><%- include('/shift-row', { day }) %>";
    expect(await problemsOf(page(view, undefined, { files }))).toEqual([]);
  });

  test('what a file of the site gives that names the view', async () => {
    const parts = page('<p><%= page.note %></p>', () => shifts);
    const naming = "const view = 'shifts'; export const sometimes = () => ({ note: 1 });";
    expect(await problemsOf(parts)).toHaveLength(1);
    expect(await problemsOf({ ...parts, files: { 'src/pages/shifts.ts': naming } })).toEqual([]);
    expect(await problemsOf({ ...parts, files: { 'src/kit/shifts.ts': naming } })).toHaveLength(1);
  });
});

test('what views are given besides what a model returns is known to checkSite', async () => {
  const views = { own: '<h1>Own</h1><p><%= Object.keys(page) %></p>' };
  const app = await startSmall({
    views,
    pages: [anyPage({ path: '/own', view: 'own', access: 'everyone' })],
  });
  const alice = await app.signIn('alice');
  for (const visitor of [app, alice]) {
    const names = (await visitor.get('/own')).text.replace(/^.*Own /s, '').split(',');
    const ofExpress = ['settings', '_locals', 'cache'];
    expect(names.length).toBeGreaterThan(8);
    expect(names.filter((name) => ![...givenNames, ...ofExpress].includes(name.trim()))).toEqual([]);
  }
});
