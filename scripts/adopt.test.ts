import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { projectRoot } from '../src/kit/folders.ts';
import { envReaders } from '../src/kit/test/helpers/env-readers.ts';
import { readArguments, titleOf } from './adopt/arguments.ts';
import { envWithSecret } from './adopt/env-file.ts';
import { moveExampleData } from './adopt/example-data.ts';
import { prune } from './adopt/lock.ts';
import { mentionedBy, packagesOf } from './adopt/mentions.ts';
import { changePackageFiles } from './adopt/package-files.ts';
import { templateTitle } from './adopt/plan.ts';
import { readSiteLines, withName } from './adopt/site-lines.ts';

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
      expect(read(path)).not.toMatch(/(?<!-)\bnotes\b|api-data|\/admin\b|API_URL|DATABASE_FILE/);
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

  test("has the template's name, which the copy's takes the place of", () => {
    expect(withName(read('src/site.ts'), templateTitle, 'Invoices')).toContain("\n  name: 'Invoices',\n");
  });

  test('a marker in the middle of a line, or in a text, makes no example line', () => {
    const text = "a(); // example\nb(); // example of mine\nc('// example');\nd(); // example  \r\n";
    expect(readSiteLines(text).map((line) => line.isExample)).toEqual([true, false, false, true]);
  });
});

describe('package.json and package-lock.json', () => {
  const template = {
    version: '1.0.0',
    description: 'A template',
    scripts: {
      dev: 'node src/kit/dev/main.ts src/site.ts',
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
    expect(changed({ name: 't', ...template }).scripts).toMatchObject({ test: 'vitest run', check: 'tsc' });
    expect(Object.keys(changed({ name: 't', ...template }).scripts)).toEqual(['dev', 'test', 'check']);
  });

  test('have npm run dev start one provider, as the tests do: a rule that fits one works in both', () => {
    expect(changed({ name: 't', ...template }).scripts.dev).toBe('node src/kit/dev/main.ts src/site.ts work');
  });

  test("keep the copier's scripts and the copier's changes", () => {
    const scripts = {
      ...template.scripts,
      dev: 'node src/kit/dev/main.ts src/site.ts --mine',
      test: 'node --test',
      check: 'tsc && npm run release -- --check && npm run mine',
      mine: 'node scripts/mine.ts',
    };
    expect(changed({ name: 't', version: '1.0.0', scripts }).scripts).toEqual({
      dev: 'node src/kit/dev/main.ts src/site.ts --mine',
      test: 'node --test',
      check: 'tsc && npm run mine',
      mine: 'node scripts/mine.ts',
    });
  });

  test('keep a script whose file stays, but for adopt itself', () => {
    const nothingGone = { ...change, gone: new Set<string>() };
    const { packageText } = changePackageFiles(JSON.stringify(template), undefined, nothingGone);
    expect(Object.keys(JSON.parse(packageText).scripts)).toEqual(['dev', 'test', 'check', 'release']);
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
  const text = envWithSecret(example);
  for (const read of Object.values(envReaders)) expect(read(text)).toEqual(parseEnv(text));
});

describe('what was entered in the example', () => {
  const gone = new Set(['src/data/database.ts']);

  function withData(...files: string[]) {
    const root = mkdtempSync(join(tmpdir(), 'adopt '));
    onTestFinished(() => rmSync(root, { recursive: true }));
    mkdirSync(join(root, 'data'));
    for (const file of files) writeFileSync(join(root, 'data', file), file);
    return { root, files: () => readdirSync(join(root, 'data')).sort() };
  }

  test('is moved aside with all its files, as its tables are not those of the app to come', () => {
    const { root, files } = withData('app.sqlite', 'app.sqlite-wal', 'other');
    expect(moveExampleData(root, gone)).toBe('data/example.sqlite');
    expect(files()).toEqual(['example.sqlite', 'example.sqlite-wal', 'other']);
  });

  test('stays where the example does, where there is none, and where it would overwrite something', () => {
    const { root } = withData('app.sqlite');
    expect(moveExampleData(root, new Set())).toBeUndefined();
    expect(moveExampleData(withData().root, gone)).toBeUndefined();
    const taken = withData('app.sqlite', 'example.sqlite');
    expect(moveExampleData(taken.root, gone)).toBeUndefined();
    expect(readFileSync(join(taken.root, 'data/example.sqlite'), 'utf8')).toBe('example.sqlite');
  });
});
