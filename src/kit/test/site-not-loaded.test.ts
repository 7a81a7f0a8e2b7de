import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bareEnv } from './helpers/bare-env.ts';

// What `npm run dev` says of a site that Node cannot load.

const app = join(import.meta.dirname, '..', 'dev', 'app.ts');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'not loaded '));
  const files = {
    'package.json': '{ "type": "module" }',
    'src/pages/words.ts': 'export const wordsPage = 1;\n',
    'src/pages/wrong.ts': "import { a } from './words.ts';\n\nconst b: number = = a;\n",
    'src/pages/enum.ts': 'enum A { B }\nexport const a = A.B;\n',
    'src/pages/twice.ts': "import './words.ts';\nconst a = 1;\nconst a = 2;\n",
    'src/pages/wrong.json': '{ "a": 1,, }',
  };
  mkdirSync(join(folder, 'src', 'pages'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('a site that cannot be loaded is explained in one message', () => {
  test.each([
    [
      'a file that is not there',
      './pages/word.ts',
      'src/site.ts imports src/pages/word.ts, which is not there. Did you mean src/pages/words.ts?',
    ],
    [
      'a file without its ending',
      './pages/words',
      'src/site.ts imports src/pages/words, which is not there. Did you mean src/pages/words.ts?',
    ],
    [
      'a file with another ending',
      './pages/words.js',
      'src/site.ts imports src/pages/words.js, which is not there. Did you mean src/pages/words.ts?',
    ],
    [
      'a file in a folder that is not there',
      './page/words.ts',
      'src/site.ts imports src/page/words.ts, which is not there. Did you mean src/pages/words.ts?',
    ],
    [
      'a file like no other',
      './data/database.ts',
      'src/site.ts imports src/data/database.ts, which is not there.',
    ],
    ['a folder', './pages', 'src/site.ts imports the folder src/pages. Name a file in it.'],
    [
      'a package that is not installed',
      'not-installed',
      'src/site.ts imports the package not-installed, which is not installed. Correct the name, or run npm install not-installed.',
    ],
    [
      'a name that package.json lacks',
      '#kits',
      'src/site.ts imports #kits, which is not among the `imports` of package.json.',
    ],
    [
      'a mistake',
      './pages/wrong.ts',
      'src/pages/wrong.ts:3: Expression expected\n\n\nconst b: number = = a;\n                  ^',
    ],
    [
      'what Node does not take of TypeScript',
      './pages/enum.ts',
      'src/pages/enum.ts:1: TypeScript enum is not supported in strip-only mode\n\nenum A { B }\n^^^^^^^^^^^^\nexport const a = A.B;',
    ],
    [
      'an export that is not there',
      "./pages/words.ts' with {};\nimport { nope } from './pages/words.ts",
      "src/site.ts:2: The requested module './pages/words.ts' does not provide an export named 'nope'\n\nimport { nope } from './pages/words.ts';\n         ^^^^",
    ],
  ])('%s', (_, imported, message) => {
    const { status, said } = load(`import '${imported}';\nexport const site = {};\n`);
    expect(said).toBe(`The app cannot start: ${message}\n`);
    expect(status).toBe(1);
  });

  test('JSON with a mistake', () => {
    const { said } = load("import './pages/wrong.json' with { type: 'json' };\n");
    expect(said).toMatch(/^The app cannot start: src\/pages\/wrong\.json: .*JSON at position 9.*\n$/);
  });

  test('a mistake of which only Node itself knows the place, without a stack', () => {
    const { said } = load("import './pages/twice.ts';\n");
    expect(said).toContain('pages/twice.ts:3\nconst a = 2;\n      ^\n');
    expect(said).toContain("Identifier 'a' has already been declared");
    expect(said).not.toMatch(/^ +at /m);
  });

  test('what the site itself throws, with where it did', () => {
    const { said } = load('export const site = nothing;\n');
    expect(said).toMatch(/ReferenceError: nothing is not defined\n +at .*src\/site\.ts:1:/);
  });
});

describe('a setting of npm run dev that is misspelt', () => {
  const site = 'export const site = { name: 1, settings: { DEV_RULES: { meaning: "of the site" } } };\n';
  test.each([
    ['DEV_ROLE', 'DEV_ROLES'],
    ['DEV_SOCAIL_PORT', 'DEV_SOCIAL_PORT'],
    ['DEV_APIPORT', 'DEV_API_PORT'],
    ['DEV_WORK_PORT', 'DEV_PROVIDER_PORT'],
  ])('%s is named', (name, meant) => {
    const { status, said } = load(site, { [name]: '1' });
    expect(said).toBe(`The app cannot start:\n- ${name} is not a setting. Did you mean ${meant}?\n`);
    expect(status).toBe(78);
  });

  test.each(['DEV_ROLES', 'DEV_DATABASE', 'DEVICE', 'DEV_RULES'])('%s is not', (name) => {
    expect(load(site, { [name]: '1' }).said).not.toContain(`${name} is not a setting`);
  });
});

function load(text: string, env: Record<string, string> = {}): { status: number | null; said: string } {
  writeFileSync(join(folder, 'src', 'site.ts'), text);
  const args = [app, join('src', 'site.ts')];
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    env: { ...bareEnv, ...env },
    encoding: 'utf8',
  });
  return { status, said: stderr };
}
