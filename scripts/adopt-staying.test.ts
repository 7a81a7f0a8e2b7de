import { describe, expect, test } from 'vitest';
import { readSiteLines, type SiteLine } from './adopt/site-lines.ts';
import { choicesOf, findStaying, type Staying } from './adopt/staying.ts';

// Which files and lines `npm run adopt` leaves; adopt-keeps.slow.test.ts runs the whole in real copies.

describe('what stays', () => {
  const site = `import { openData } from './data/data.ts'; // example
import { a } from './pages/a.ts'; // example
import { b } from './pages/b.ts'; // example
site({
  open: openData, // example
  pages: [
    a, // example
    b, // example
  ],
});
`;
  const example = {
    'src/data/data.ts': 'export const openData = 1;',
    'src/pages/a.ts': "import './shared.ts'; definePage({ view: 'a' });",
    'src/pages/b.ts': "import './shared.ts'; definePage({ view: 'b' });",
    'src/pages/shared.ts': '',
    'views/a.ejs': "<%- include('/parts/a') %>",
    'views/b.ejs': '',
    'views/parts/a.ejs': '',
    'test/a.test.ts': "import '../src/site.ts';",
    'test/b-in-a-form.test.ts': "import '../src/site.ts';",
    'test/data.test.ts': "import '../src/data/data.ts';",
  };

  const keptOf = (lines: readonly SiteLine[], found: Staying) =>
    lines.filter((line) => line.isExample && found.lines.has(line)).map((line) => line.text.trim());

  function staying(edited: string[], own: Record<string, string> = {}, text = site) {
    const lines = readSiteLines(text);
    const found = findStaying({
      listed: new Set(Object.keys(example)),
      edited: new Set(edited),
      sources: new Map(Object.entries({ ...example, ...own })),
      lines,
    });
    return { files: [...found.files.keys()].sort(), lines: keptOf(lines, found) };
  }

  test('is nothing where nothing was edited and nothing is used', () => {
    const own = { 'src/pages/mine.ts': "import './other.ts'; definePage({ path: '/a', view: 'mine' });" };
    expect(staying([], own)).toEqual({ files: [], lines: [] });
  });

  test('is a page that was edited, with its view, its parts, its test and its lines', () => {
    expect(staying(['src/pages/a.ts'])).toEqual({
      files: ['src/pages/a.ts', 'src/pages/shared.ts', 'test/a.test.ts', 'views/a.ejs', 'views/parts/a.ejs'],
      lines: ["import { a } from './pages/a.ts'; // example", 'a, // example'],
    });
  });

  test('is a view that was edited, and what it includes', () => {
    expect(staying(['views/a.ejs'])).toEqual({ files: ['views/a.ejs', 'views/parts/a.ejs'], lines: [] });
  });

  test('is a test that was edited, with its page', () => {
    expect(staying(['test/b-in-a-form.test.ts']).files).toEqual([
      ...['src/pages/b.ts', 'src/pages/shared.ts', 'test/b-in-a-form.test.ts', 'views/b.ejs'],
    ]);
  });

  test.each([
    ['a page', { 'src/pages/mine.ts': "import { openData } from '../data/data.ts';" }],
    ['a type of a page', { 'src/pages/mine.ts': "import type { D } from '../data/data.ts';" }],
    ['a test', { 'test/mine.test.ts': "await import('../src/data/data.ts');" }],
  ])('is what %s of the copier imports, with its lines and its test', (_what, own) => {
    expect(staying([], own)).toEqual({
      files: ['src/data/data.ts', 'test/data.test.ts'],
      lines: ["import { openData } from './data/data.ts'; // example", 'open: openData, // example'],
    });
  });

  test.each([
    ['a page', { 'src/pages/mine.ts': "definePage({ view: 'b' })" }],
    ['a route', { 'src/routes.ts': "res.render('b', {})" }],
    ['a view', { 'views/mine.ejs': "<%- include('b') %>" }],
  ])('is a view that %s of the copier prints', (_what, own) => {
    expect(staying([], own)).toEqual({ files: ['views/b.ejs'], lines: [] });
  });

  test.each([
    ['a page of the example that was edited', ['src/pages/b.ts'], {}],
    ['a page of the copier', [], { 'src/pages/mine.ts': "({ to: '/a/new?from=mine' })" }],
    ['a view of the copier', [], { 'views/mine.ejs': '<a href="/a/<%= page.id %>">' }],
  ])('is a page that %s links to', (_what, edited, own) => {
    const pages = {
      'src/pages/a.ts': "define({ path: '/a/new' }); define({ path: '/a/:id', view: 'a' });",
      'src/pages/b.ts': "define({ path: '/b', view: 'b' });",
      'views/b.ejs': '<a href="/a/new">',
    };
    const { files, lines } = staying(edited, { ...pages, ...own });
    expect(files).toContain('src/pages/a.ts');
    expect(lines).toContain('a, // example');
  });

  test('is no page whose view alone stays, and none that has the address of a page of the copier', () => {
    const pages = {
      'src/pages/a.ts': "define({ path: '/a', view: 'a' });",
      'views/a.ejs': '<a href="/a">',
    };
    expect(staying(['views/a.ejs'], pages).files).toEqual(['views/a.ejs']);
    expect(staying([], { ...pages, 'src/pages/mine.ts': "define({ path: '/a' })" }).files).toEqual([]);
  });

  test('is what a line of the copier in src/site.ts uses', () => {
    const found = staying([], {}, site.replace('b, // example', 'b, mine,'));
    expect(found.files).toContain('src/pages/b.ts');
    expect(found.lines).toEqual(["import { b } from './pages/b.ts'; // example"]);
  });

  test('is tried with each set of the lines that pages work with, once, the least first', () => {
    const lines = readSiteLines(`import { openData } from './data/data.ts'; // example
import { a, aSettings } from './pages/a.ts'; // example
import { signIn } from './data/sign-in.ts'; // example
site({
  settings: {
    ...aSettings, // example
  },
  open: openData, // example
  signIn, // example
  apis: ({ settings }) => settings.A, // example
  pages: [
    a, // example
  ],
});
`);
    const sources = new Map([
      ['src/data/data.ts', ''],
      ['src/data/sign-in.ts', "import './data.ts';"],
      ['src/pages/a.ts', ''],
    ]);
    const choices = choicesOf({ listed: new Set(sources.keys()), edited: new Set(), sources, lines });
    const kept = choices.map((choice) =>
      keptOf(lines, choice)
        .filter((line) => !line.startsWith('import'))
        .map((line) => line.replace(/\W*(\w+).*/, '$1'))
        .join(),
    );
    expect(kept).toEqual([
      ...['', 'apis', 'open', 'aSettings,a', 'open,apis', 'aSettings,apis,a', 'open,signIn'],
      ...['aSettings,open,a', 'open,signIn,apis', 'aSettings,open,apis,a', 'aSettings,open,signIn,a'],
      'aSettings,open,signIn,apis,a',
    ]);
  });
});
