import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../src/kit/folders.ts';
import { readArguments, titleOf } from './adopt/arguments.ts';
import { envWithSecret } from './adopt/env-file.ts';
import { prune } from './adopt/lock.ts';
import { mentionedBy, packagesOf } from './adopt/mentions.ts';
import { changePackageFiles } from './adopt/package-files.ts';
import { readSiteLines, type SiteLine, withName } from './adopt/site-lines.ts';
import { choicesOf, findStaying, type Staying } from './adopt/staying.ts';

// The parts of `npm run adopt`; adopt.slow.test.ts runs the whole in real copies.

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');
const kit = JSON.parse(read('src/kit/kit.json'));

describe('the files that template and copy share', () => {
  const paths = Object.keys(kit.shared).filter((path) => existsSync(join(projectRoot, path)));

  test.each(paths)('%s does not name the template', (path) => {
    expect(read(path)).not.toMatch(/express.confidential.web.app/i);
  });

  // docs/ may show the example; what a copy runs may not.
  test.each(paths.filter((path) => !path.startsWith('docs/')))(
    '%s names nothing that adopt deletes',
    (path) => {
      expect(read(path)).not.toMatch(/\bbench|\bscripts\/|CHANGELOG|screenshots|autocannon/i);
      expect(read(path)).not.toMatch(/\bnotes\b|api-data|\/admin\b|API_URL|DATABASE_FILE/);
    },
  );
});

describe('src/site.ts', () => {
  const lines = readSiteLines(read('src/site.ts'));

  test('is whole without its example lines: each name that is left is brought by a line that is left', () => {
    const [left, gone] = [lines.filter((line) => !line.isExample), lines.filter((line) => line.isExample)];
    const names = gone.flatMap((line) => line.names);
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) expect(left.filter((line) => line.words.has(name))).toEqual([]);
    expect(left.some((line) => line.names.includes('defineSite'))).toBe(true);
  });

  test('brings in its example lines nothing but files that kit.json lists', () => {
    const from = lines.filter((line) => line.isExample && line.from).map((line) => line.from ?? '');
    expect(from.filter((path) => !(path in kit.example))).toEqual([]);
  });

  test.each([
    ["  name: 'Template',\n", "  name: 'My app',\n"],
    ['  name: "Template",\n', '  name: "My app",\n'],
    ["  name: 'Mine',\n", undefined],
    ["  title: 'Template',\n", undefined],
  ])('%j is named %j', (before, after) => {
    expect(withName(before, 'Template', 'My app')).toBe(after);
  });

  test('a marker in the middle of a line, or in a text, makes no example line', () => {
    const text = "a(); // example\nb(); // example of mine\nc('// example');\nd(); // example  \r\n";
    expect(readSiteLines(text).map((line) => line.isExample)).toEqual([true, false, false, true]);
  });
});

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

describe('package.json and package-lock.json', () => {
  const template = {
    version: '1.0.0',
    description: 'A template',
    scripts: {
      test: 'vitest run --mode all',
      adopt: 'node scripts/adopt.ts',
      check: 'tsc && npm run release -- --check',
      release: 'node scripts/release.ts',
    },
  };
  const gone = new Set(['scripts/adopt.ts', 'scripts/release.ts']);
  const change = { name: 'my-app', template, gone, unused: new Set(['only-bench']) };
  const changed = (json: object) =>
    JSON.parse(changePackageFiles(JSON.stringify(json), undefined, change).packageText);

  test('lose the scripts of what is gone, and calls of these', () => {
    expect(changed({ name: 't', ...template }).scripts).toEqual({ test: 'vitest run', check: 'tsc' });
  });

  test("keep the copier's scripts and the copier's changes", () => {
    const scripts = {
      ...template.scripts,
      test: 'node --test',
      check: 'tsc && npm run release -- --check && npm run mine',
      mine: 'node scripts/mine.ts',
    };
    expect(changed({ name: 't', version: '1.0.0', scripts }).scripts).toEqual({
      test: 'node --test',
      check: 'tsc && npm run mine',
      mine: 'node scripts/mine.ts',
    });
  });

  test('keep a script whose file stays, but for adopt itself', () => {
    const nothingGone = { ...change, gone: new Set<string>() };
    const { packageText } = changePackageFiles(JSON.stringify(template), undefined, nothingGone);
    expect(Object.keys(JSON.parse(packageText).scripts)).toEqual(['test', 'check', 'release']);
  });

  test('have the same name, version and packages', () => {
    const json = {
      name: 't',
      version: '1.0.0',
      license: 'MIT',
      devDependencies: { 'only-bench': '1', kept: '1' },
    };
    const lock = {
      name: 't',
      version: '1.0.0',
      lockfileVersion: 3,
      packages: {
        '': json,
        'node_modules/kept': { dependencies: { both: '1' } },
        'node_modules/only-bench': { dependencies: { both: '2', inner: '1' } },
        'node_modules/only-bench/node_modules/both': {},
        'node_modules/both': {},
        'node_modules/inner': {},
      },
    };
    const { lockText = '' } = changePackageFiles(JSON.stringify(json), JSON.stringify(lock), change);
    expect(JSON.parse(lockText)).toEqual({
      name: 'my-app',
      version: '0.1.0',
      lockfileVersion: 3,
      packages: {
        '': { name: 'my-app', version: '0.1.0', devDependencies: { kept: '1' } },
        'node_modules/kept': { dependencies: { both: '1' } },
        'node_modules/both': {},
      },
    });
  });

  test.each([
    ['no JSON', '{', '{}', /^package\.json cannot be read as JSON/],
    ['a list', '[]', '{}', /^package\.json cannot be read as JSON/],
    ['a lock that is none', '{}', '{}', /^package-lock\.json is not as npm writes it/],
    ['a lock with a conflict in it', '{}', '<<<<<<< HEAD', /^package-lock\.json cannot be read as JSON/],
  ])('are refused where they are %s', (_what, json, lock, sentence) => {
    expect(() => changePackageFiles(json, lock, change)).toThrow(sentence);
  });

  test('a package that only a linked folder of the project needs is kept', () => {
    const packages = {
      '': { dependencies: { part: '*' } },
      'node_modules/part': { resolved: 'parts/part', link: true },
      'parts/part': { dependencies: { deep: '1' } },
      'node_modules/deep': {},
      'node_modules/nobodys': {},
    };
    expect(Object.keys(prune(packages))).toEqual([
      '',
      'node_modules/part',
      'parts/part',
      'node_modules/deep',
    ]);
  });
});

test.each([
  ['my-app', 'My app'],
  ['my_other.app', 'My other app'],
  ['2048', '2048'],
  ['a--b', 'A b'],
])('%s is shown as %s', (name, title) => {
  expect(titleOf(name)).toBe(title);
});

test('the option may stand before or behind the name, and twice', () => {
  const wishes = { name: 'my-app', keepExamples: true };
  const keep = '--keep-examples';
  for (const args of [
    [keep, 'my-app'],
    ['my-app', keep],
    [keep, 'my-app', keep],
  ])
    expect(readArguments(args, 'template')).toEqual(wishes);
});

test.each([
  ["import a, { b } from 'one/two'; import 'three';", ['one', 'three']],
  ["const c = await import('@scope/name/deep.js'); require('four');", ['@scope/name', 'four']],
  ["import x from './x.ts'; import y from 'node:fs'; import z from '#kit';", []],
])('of %j, the packages are %j', (text, packages) => {
  expect([...packagesOf(text)]).toEqual(packages);
});

test('a script of a page and a file beside it are named by it', () => {
  const text = "definePage({ script: '/a.js' }); new URL('./a.sql', import.meta.url);";
  expect([...mentionedBy('src/pages/a.ts', text)].sort()).toEqual(['public/a.js', 'src/pages/a.sql']);
});

test.each([
  ['as it is', read('.env.example')],
  ['without the line', '# PORT=3000'],
  ['with another example', '# SESSION_SECRET=…\n'],
])('.env gets a secret from an .env.example %s, a new one each time', (_what, example) => {
  const [one, two] = [envWithSecret(example), envWithSecret(example)].map((text) => parseEnv(text));
  expect(one).toEqual({ SESSION_SECRET: expect.stringMatching(/^[\w-]{43}$/) });
  expect(one).not.toEqual(two);
});
