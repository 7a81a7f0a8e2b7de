import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkout, copyTree, type TreeCopy } from '../src/kit/test/helpers/tree-copy.ts';

// `npm run adopt` in a copy of this tree. In a copy that was adopted there is nothing left to adopt.

const { template } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));

describe.skipIf(template)('npm run adopt', () => {
  let copy: TreeCopy;
  beforeAll(() => {
    copy = copyTree();
    git('init', '--quiet');
    appendFileSync(join(copy.folder, '.git/info/exclude'), 'node_modules\n');
    symlinkSync(join(checkout, 'node_modules'), join(copy.folder, 'node_modules'));
    commit('the template');
  });
  afterAll(() => copy?.remove());

  test.each([
    ['no name', []],
    ['two names', ['my', 'app']],
    ['a name with capitals', ['MyApp']],
    ['a name that is an option', ['--help']],
    ['a name that is a path', ['../my-app']],
    ["the template's own name", ['express-confidential-web-app']],
  ])('refuses %s in a sentence, and changes nothing', (_what, args) => {
    const { status, stderr } = adopt(...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^[A-Z][^\n]+\n$/);
    expect(git('status', '--porcelain')).toBe('');
  });

  test('refuses where changes are not committed', () => {
    writeFileSync(join(copy.folder, 'notes.txt'), 'mine');
    const { status, stderr } = adopt('my-app');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^There are changes that are not committed\./),
    ]);
    expect(git('status', '--porcelain').trim()).toBe('?? notes.txt');
    git('clean', '--force', '--quiet');
  });

  test('renames, takes the demo pages out of the app, writes .env and notes where it came from', () => {
    const before = JSON.parse(read('package.json'));
    const head = git('rev-parse', '--short', 'HEAD').trim();
    const { status, stderr, stdout } = adopt('my-app');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^This is my-app now: "My app"\./);

    const { name, template: from } = JSON.parse(read('package.json'));
    expect(name).toBe('my-app');
    expect(from).toBe(`express-confidential-web-app ${before.version} (${head})`);
    expect(JSON.parse(read('package-lock.json')).packages[''].name).toBe('my-app');
    expect(read('README.md')).toMatch(/^# My app\n/);
    const left = git('grep', '--name-only', '--untracked', '-iE', 'express.confidential.web.app').trim();
    expect(left.split('\n').sort()).toEqual([
      'LICENSE',
      'package.json',
      'src/dev/adopt.ts',
      'test/adopt.test.ts',
    ]);

    for (const gone of [
      'src/pages/admin.ts',
      'src/pages/api-data.ts',
      'src/pages/hello-api.ts',
      'views/admin.ejs',
    ]) {
      expect(existsSync(join(copy.folder, gone)), gone).toBe(false);
    }
    expect(read('src/app.ts') + read('src/pages/index.ts')).not.toMatch(/helloApi|adminPage|apiData/);

    const env = read('.env').match(/^[^#\n].*/gm);
    expect(env).toEqual([expect.stringMatching(/^SESSION_SECRET=[\w-]{43}$/)]);
    expect(git('status', '--porcelain')).not.toContain('.env');
  });

  test('what it leaves passes the checks', () => {
    const { status, stdout, stderr } = npx('tsc', '--noEmit');
    expect([status, stdout, stderr]).toEqual([0, '', '']);
    const written = git('diff', '--name-only', '--diff-filter=AM', '-z')
      .split('\0')
      .filter((file) => file.endsWith('.ts'));
    const biome = npx('biome', 'check', 'test/demo-pages', ...written);
    expect(biome.status, biome.stdout + biome.stderr).toBe(0);
  }, 60_000);

  test('and the tests: those of pages, of roles and of the README among them', () => {
    const files = ['layout', 'readme', 'pages', 'provider-quirks'].map((one) => `test/${one}.test.ts`);
    const { status, stdout } = npx('vitest', 'run', '--reporter=dot', ...files);
    expect(status, stdout.slice(-4_000)).toBe(0);
  }, 60_000);

  test('a second time it refuses', () => {
    commit('my app');
    const { status, stderr } = adopt('other-app');
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^This is my-app already, made from /)]);
  });

  const read = (file: string) => readFileSync(join(copy.folder, file), 'utf8');
  const adopt = (...args: string[]) => run(process.execPath, 'src/dev/adopt.ts', ...args);
  const npx = (name: string, ...args: string[]) => run(join(checkout, 'node_modules/.bin', name), ...args);

  function run(program: string, ...args: string[]) {
    const { PATH, HOME } = process.env;
    return spawnSync(program, args, {
      cwd: copy.folder,
      encoding: 'utf8',
      env: { PATH, HOME, NO_COLOR: '1' },
    });
  }

  function git(...args: string[]): string {
    return execFileSync('git', args, { cwd: copy.folder, encoding: 'utf8', stdio: 'pipe' });
  }

  function commit(message: string): void {
    git('add', '--all');
    git(
      '-c',
      'user.name=Somebody',
      '-c',
      'user.email=somebody@example.com',
      'commit',
      '--quiet',
      '-m',
      message,
    );
  }
});
