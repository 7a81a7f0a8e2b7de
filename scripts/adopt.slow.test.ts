import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { asAdopted } from '../src/kit/upgrade/as-adopted.ts';
import {
  expectAdopted,
  expectNoExample,
  expectUnchanged,
  itFits,
  itSignsIn,
  notInstalled,
} from './helpers/adopted.ts';
import { type Copies, type Copy, hideLink, prepareCopies } from './helpers/copies.ts';

// `npm run adopt` in real copies of this tree, each with its checks, its tests and one sign-in after it.

// Each adopts a copy, and TypeScript looks at all of it.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** What somebody may add to an app; none of it is imported. */
const additions = {
  'src/lib/sums.ts': 'export const one = 1;\n',
  'src/jobs.ts': 'export const two = 2;\n',
  'app/main.ts': 'export const three = 3;\n',
  'tools/old.js': 'export const four = 4;\n',
  'infra/package.json': '{\n  "private": true,\n  "dependencies": {\n    "aws-cdk-lib": "^2.0.0"\n  }\n}\n',
  'infra/main.ts': "import { App } from 'aws-cdk-lib';\n\nnew App();\n",
  'public/vendor/some.min.js': 'var a=1;if(a==1){a=a+1}',
  'test/helper.ts': 'export const five = 5;\n',
};

let copies: Copies;
/** The files of the clone below as adopt left them, which pass every check there. */
let adopted: Record<string, string>;
beforeAll(() => {
  copies = prepareCopies();
});
afterAll(() => copies?.remove());

describe('a clone that is adopted', () => {
  let copy: Copy;
  let before: Record<string, string>;
  beforeAll(() => {
    copy = copies.clone('clone');
    before = copy.snapshot();
  });

  test('says what it did', () => {
    const said = expectAdopted(copy);
    expect(said).toMatch(
      /^This is my-app now: "My app"\.\n- The example is out: \d+ files, and the lines of src\/site\.ts that end in "\/\/ example"\.\n/,
    );
    expect(said).toContain('gone: CHANGELOG.md, bench/, docs/screenshots/, scripts/,');
    expect(said).toContain('.env has a fresh SESSION_SECRET');
    expect(said).not.toMatch(/stay:/);
    adopted = filesOf(copy);
  });

  itSignsIn(() => copy);

  test('has its name, and a version of its own', () => {
    const json = JSON.parse(copy.read('package.json'));
    const lock = JSON.parse(copy.read('package-lock.json'));
    for (const one of [json, lock, lock.packages['']])
      expect([one.name, one.version]).toEqual(['my-app', '0.1.0']);
    expect(JSON.parse(copy.read('src/kit/kit.json')).version).not.toBe('0.1.0');
    expect(copy.read('src/site.ts')).toContain("name: 'My app'");
    expect(json).not.toHaveProperty('description');
    expect(json).not.toHaveProperty('license');
  });

  test('deletes the files that kit.json lists, and writes five more', () => {
    const { example, templateOnly } = JSON.parse(copy.read('src/kit/kit.json'));
    const after = copy.snapshot();
    const gone = Object.keys(before).filter((path) => !(path in after));
    expect(gone.sort()).toEqual(Object.keys({ ...example, ...templateOnly }).sort());
    const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
    expect(changed.sort()).toEqual([
      ...['.env', 'README.md', 'package-lock.json', 'package.json', 'src/site.ts'],
    ]);
    expectNoExample(copy);
  });

  test('names the template in LICENSE and kit.json only', () => {
    const named = copy.git('grep', '--name-only', '--untracked', '-iE', 'express.confidential.web.app');
    expect(named.trim().split('\n').sort()).toEqual(['LICENSE', 'src/kit/kit.json']);
  });

  test('has no sample account and no gallery page that names a page which is gone', () => {
    const sources = [
      'src/kit/dev',
      // The sample API is another server, which keeps notes at addresses of its own.
      ':!src/kit/dev/api*.ts',
      'src/kit/views',
      'src/pages',
      'src/site.ts',
      'views',
      'public',
      'README.md',
    ];
    const found = copy.git('grep', '--untracked', '-cE', '/(admin|api-data|notes)\\b|^$', '--', ...sources);
    expect(found).not.toBe('');
    expect(() =>
      copy.git('grep', '--untracked', '-E', '/(admin|api-data|notes)\\b', '--', ...sources),
    ).toThrow();
  });

  test('has scripts and packages that an upgrade takes for those of the template', () => {
    const { package: template } = JSON.parse(copy.read('src/kit/kit.json'));
    const { scripts, devDependencies } = JSON.parse(copy.read('package.json'));
    const expected = asAdopted(template, new Set(['autocannon', 'pg', '@types/pg']));
    expect({ scripts, devDependencies }).toEqual({
      scripts: expected.scripts,
      devDependencies: expected.devDependencies,
    });
    expect(scripts.test).toBe('vitest run');
  });

  test('has a lock as npm would write it without network, which `npm ci` takes', () => {
    const lock = copy.read('package-lock.json');
    const cache = copies.place('empty-cache');
    const offline = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', cache];
    const install = copy.npm('install', '--package-lock-only', ...offline);
    expect(install.status, install.stderr).toBe(0);
    expect(copy.read('package-lock.json')).toBe(lock);
    const ci = copy.npm('ci', '--dry-run', ...offline);
    expect(ci.status, ci.stderr).toBe(0);
    for (const name of ['autocannon', 'pg', 'pg-pool', '@types/pg'])
      expect(lock).not.toContain(`"node_modules/${name}"`);
  });

  test('has an .env with a secret, for its owner only, that git leaves out', () => {
    const lines = copy.read('.env').match(/^[^#\n].*/gm);
    expect(lines).toEqual([expect.stringMatching(/^SESSION_SECRET=[\w-]{43}$/)]);
    expect(statSync(join(copy.folder, '.env')).mode & 0o777).toBe(0o600);
    expect(copy.git('status', '--porcelain')).not.toMatch(/ \.env$/m);
  });

  test('has a README of its own, with commands that package.json knows and links that lead somewhere', () => {
    const readme = copy.read('README.md');
    expect(readme).toMatch(/^# My app\n/);
    const { scripts } = JSON.parse(copy.read('package.json'));
    for (const [, script = ''] of readme.matchAll(/npm run ([\w:]+)/g))
      expect(scripts).toHaveProperty(script);
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !copy.has(path))).toEqual([]);
    expect(links.length).toBeGreaterThan(2);
  });

  test('is small: at most 600 lines outside the kit', () => {
    const own = Object.entries(copy.snapshot()).filter(
      ([path]) => /^(src|views|test)\//.test(path) && !path.startsWith('src/kit/'),
    );
    const lines = own.flatMap(([, content]) => content.trimEnd().split('\n')).length;
    expect(lines, own.map(([path]) => path).join(', ')).toBeLessThanOrEqual(600);
  });

  test('passes all of its checks with more of its own: folders, code that nothing imports yet, packages, scripts', () => {
    copy.commit('My app').write(additions);
    const { scripts, dependencies, ...json } = JSON.parse(copy.read('package.json'));
    const more = {
      scripts: { ...scripts, deploy: 'terraform apply' },
      dependencies: { ...dependencies, 'unused-yet': '^1.0.0' },
    };
    const lock = JSON.parse(copy.read('package-lock.json'));
    lock.packages['node_modules/unused-yet'] = { version: '1.0.0', license: 'LGPL-3.0-or-later' };
    const print = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
    copy.write({ 'package.json': print({ ...json, ...more }), 'package-lock.json': print(lock) });
    const { status, stdout, stderr } = copy.npm('run', 'check');
    expect(status, stdout + stderr).toBe(0);
    expect(stderr).toContain('unused-yet: LGPL-3.0-or-later');
    expectUnchanged(stdout);
    copy.git('checkout', '--quiet', '.');
  }, 120_000);

  test('is not adopted a second time', () => {
    copy.commit('All');
    expect(copy.adopt('other-app').status).not.toBe(0);
    expect(copy.git('status', '--porcelain')).toBe('');
  });
});

describe('a copy that was made by "use this template", in a folder with a blank', () => {
  test('has the files that the clone has', () => {
    const copy = copies.files('made from a template').write(notInstalled);
    copy.git('init', '--quiet');
    copy.commit('Initial commit');
    expectAdopted(copy);
    expectNoExample(copy);
    expect(filesOf(copy)).toEqual(adopted);
  });
});

describe('a folder without git', () => {
  let copy: Copy;

  test('is adopted, and says nothing of git', () => {
    copy = copies.files('without-git');
    expect(expectAdopted(copy)).not.toContain('git diff');
    expectNoExample(copy);
    expect(copy.has('.git')).toBe(false);
    expect(filesOf(copy)).toEqual(adopted);
  });

  itFits(() => copy, { signsIn: false });
});

describe('a folder of a larger repository', () => {
  let copy: Copy;

  test('is adopted, whatever changes in other folders', () => {
    const outer = copies.place('larger');
    mkdirSync(outer);
    copy = copies.files('larger/apps/web');
    copy.git('init', '--quiet', outer);
    hideLink(outer);
    copy.commit('All');
    copy.write({ '../elsewhere.txt': 'not committed' });
    expectAdopted(copy);
    expectNoExample(copy);
    expect(copy.read('../elsewhere.txt')).toBe('not committed');
    expect(filesOf(copy)).toEqual(adopted);
  });

  itFits(() => copy, { signsIn: false });
});

test('files of the kit that an ignore file hides are named', () => {
  const copy = copies.files('hidden').write(notInstalled);
  copy.git('init', '--quiet');
  hideLink(copy.folder);
  copy.edit('.gitignore', (text) => `${text}[Ll]og/\n`).commit('Initial commit');
  const said = expectAdopted(copy);
  expect(said).toContain('src/kit/log/index.ts (.gitignore, line ');
  expect(said).toMatch(/Add at the end of \.gitignore:/);
});

test('where nothing is installed yet, it says that the types were not checked', () => {
  const copy = copies.files('not-installed').write(notInstalled);
  expect(expectAdopted(copy)).toContain('The types were not checked, because nothing is installed yet.');
  expectNoExample(copy);
});

test.each([
  ['there is none', null, '.env\n'],
  ['it has another content', 'node_modules', 'node_modules\n.env\n'],
])('.gitignore leaves .env out where %s', (what, before, after) => {
  const copy = copies.files(`ignoring-${what.length}`).write({ ...notInstalled, '.gitignore': before });
  expect(expectAdopted(copy)).toContain('.gitignore leaves .env out of commits from now on.');
  expect(copy.read('.gitignore')).toBe(after);
});

/** Every file with its content but .env, whose secret is another one each time. */
function filesOf(copy: Copy): Record<string, string> {
  const { '.env': _, ...files } = copy.snapshot();
  return files;
}
