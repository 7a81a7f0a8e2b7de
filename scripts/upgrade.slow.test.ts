import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changesIn, filesOf, type Project, project } from '../src/kit/test/helpers/upgrade-projects.ts';
import { hashAt } from '../src/kit/upgrade/compare.ts';
import { expectFits, ownCache } from './helpers/adopted.ts';
import { checkout, copyTree } from './helpers/tree-copy.ts';

// `npm run upgrade` in copies of this very tree: made from the template, adopted, and upgraded to a newer one. What is
// refused, and the odd cases, with a small template: src/kit/test/upgrade*.test.ts.

const bin = join(checkout, 'node_modules/.bin');
const version = JSON.parse(project(checkout).read('package.json')).version;

let place: string;
let template: Project;
/** A clone that was adopted before the newer version came. */
let adopted: Project;

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'an upgrade-'));
  const tree = copyTree();
  cpSync(tree.folder, join(place, 'template'), { recursive: true });
  tree.remove();
  template = install(project(join(place, 'template')));
  template.git('init', '--quiet');
  exclude(template);
  release('This version', version);
  adopted = clone('adopted');
  const { status, stdout, stderr } = run(adopted, 'node', 'scripts/adopt.ts', 'my-app');
  expect(status, stdout + stderr).toBe(0);
  adopted.commit('My app');
  newerTemplate();
}, 240_000);
afterAll(() => rmSync(place, { recursive: true, force: true }));

describe('an adopted copy', () => {
  test('begins with files that kit.json lists, and is told by that what the template changes in them', () => {
    const { start } = JSON.parse(adopted.read('src/kit/kit.json'));
    expect(Object.keys(start)).toEqual(
      expect.arrayContaining(['.gitignore', 'public/site.css', 'src/pages/home.ts', 'test/site.test.ts']),
    );
    for (const [path, hash] of Object.entries(start)) expect(hashAt(adopted.folder, path), path).toBe(hash);
    const copy = another('begun');
    const newer = project(join(place, 'newer start'));
    cpSync(template.folder, newer.folder, { recursive: true, verbatimSymlinks: true });
    newer.write({ 'public/site.css': `${newer.read('public/site.css')}/* newer */\n` });
    expect(copy.upgrade('../newer start').stdout).toContain('- public/site.css: yours from the start');
    copy.git('apply', 'upgrade.patch');
    expect(copy.read('public/site.css')).toMatch(/newer \*\/\n$/);
  }, 120_000);

  test('that was not touched becomes the newer version, and npm ci finds package-lock.json in step', () => {
    const copy = another('untouched');
    const { status, stdout, stderr } = copy.upgrade('../template');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('## 99.0.0\n\nA newer version.');
    expect(stdout).toContain(`commit ${template.git('rev-parse', 'HEAD').trim()}`);
    expect(stdout).not.toContain('What was left as it is');
    expect(changesIn(copy).map((line) => line.slice(3))).toEqual([
      ...['Dockerfile', 'package-lock.json', 'package.json'],
      ...['src/kit/errors/texts.ts', 'src/kit/kit.json', 'src/kit/CHANGELOG.md'],
    ]);
    expect(JSON.parse(copy.read('package.json'))).toMatchObject({
      name: 'my-app',
      dependencies: { helmet: '~8.3.0', oauth4webapi: '^3.0.0' },
    });
    expectLockInStep(copy);
    expect(copy.node('src/kit/upgrade/check.ts').stdout).toBe('kit 99.0.0, unchanged\n');
  }, 120_000);

  test('with an edit inside the kit is refused, and --merge carries the edit over', () => {
    const copy = another('edited');
    appendFileSync(join(copy.folder, 'src/kit/start.ts'), '// mine\n');
    appendFileSync(join(copy.folder, 'src/kit/errors/texts.ts'), '// mine\n');
    copy.commit();
    const refused = copy.upgrade('../template');
    expect(refused.status).toBe(1);
    for (const path of ['src/kit/start.ts', 'src/kit/errors/texts.ts'])
      expect(refused.stderr).toContain(`changed  ${path}`);
    expect(refused.stderr).toContain('+// mine');
    expect(changesIn(copy)).toEqual([]);

    const { status, stderr } = copy.upgrade('../template', '--merge');
    expect([status, stderr]).toEqual([0, '']);
    expect(copy.read('src/kit/errors/texts.ts')).toMatch(/^\/\/ newer\n[\s\S]*\/\/ mine\n$/);
    expect(copy.read('src/kit/start.ts')).toMatch(/\/\/ mine\n$/);
  }, 120_000);

  describe('with pages, styles, dependencies and settings of its own', () => {
    let copy: Project;
    const own = {
      'README.md': '# Our app\n',
      'public/site.css': 'main {\n  color: teal;\n}\n',
      'src/data/ours.ts':
        "import { stringify } from 'safe-stable-stringify';\n\nexport const ours = stringify('ours');\n",
      'docs/ours.md': '# Ours\n',
    };
    beforeAll(() => {
      copy = another('own');
      copy.write(own);
      copy.write({
        'views/partials/bottom.ejs': `<p>Ours</p>\n${copy.read('views/partials/bottom.ejs')}`,
        Dockerfile: copy.read('Dockerfile').replace(/$/, '# ours\n'),
        'package.json': copy
          .read('package.json')
          .replace(/"ejs": ".*"/, '"ejs": "^7.0.2",\n    "safe-stable-stringify": "^2.0.0"')
          .replace('"helmet": "^8.3.0"', '"helmet": "^8.3.0 || ^9.0.0"')
          .replace('"fix": "', '"ours": "node src/data/ours.ts",\n    "fix": "'),
      });
      run(
        copy,
        'npm',
        'install',
        '--package-lock-only',
        '--ignore-scripts',
        '--prefer-offline',
        '--no-audit',
      );
      rmSync(join(copy.folder, 'deploy'), { recursive: true });
      copy.commit('Ours');
    }, 120_000);

    test('keeps them all; upgrade.patch has what the template changed in the Dockerfile', () => {
      const { status, stdout, stderr } = copy.upgrade('../template');
      expect([status, stderr]).toEqual([0, '']);
      for (const [path, text] of Object.entries(own)) expect(copy.read(path), path).toBe(text);
      expect(copy.read('views/partials/bottom.ejs')).toMatch(/^<p>Ours<\/p>/);
      expect(copy.read('Dockerfile')).not.toContain('# newer');
      expect(JSON.parse(copy.read('package.json'))).toMatchObject({
        dependencies: {
          'safe-stable-stringify': '^2.0.0',
          helmet: '^8.3.0 || ^9.0.0',
          oauth4webapi: '^3.0.0',
        },
        scripts: { ours: 'node src/data/ours.ts' },
      });
      expect(stdout).toContain('helmet ^8.3.0 || ^9.0.0: yours stays');
      for (const path of ['deploy/Caddyfile', 'deploy/nginx.conf'])
        expect(stdout).toContain(`${path}: you deleted it, so it stays deleted`);
      expectLockInStep(copy);
      copy.git('apply', 'upgrade.patch');
      expect(copy.read('Dockerfile')).toMatch(/^# newer\n[\s\S]*# ours\n$/);
      copy.write({ 'upgrade.patch': null });
    }, 120_000);

    // The kit's own types are those of the template, as the last of these checks shows. scripts/adopt.slow.test.ts has a
    // copy that passes the whole of `npm run check`.
    test('passes the checks of types, format, unused dependencies, licences, and the kit as it came', () => {
      for (const program of [
        ['node_modules/typescript/bin/tsc', '--noEmit', '--singleThreaded'],
        ['.ci/licences.ts'],
      ]) {
        const { status, stdout, stderr } = run(copy, 'node', ...program);
        expect(status, stdout + stderr).toBe(0);
      }
      expect(copy.node('src/kit/upgrade/check.ts').stdout).toContain('kit 99.0.0, unchanged');
      expectFits(copy);
    }, 120_000);
  });
});

describe('a copy without the history of the template', () => {
  test('is upgraded when it was made with "use this template": one commit of its own', () => {
    const copy = withoutHistory('use this template');
    copy.git('init', '--quiet');
    exclude(copy);
    copy.commit('Initial commit');
    const { status, stderr } = copy.upgrade('../template');
    expect([status, stderr]).toEqual([0, '']);
    expect(filesOf(copy)).toEqual(filesOf(project(join(place, 'untouched'))));
  }, 120_000);

  test('is upgraded when it was unpacked from a zip, in a folder of a larger repository, once it is committed', () => {
    const copy = withoutHistory('from a zip/the web app');
    const refused = copy.upgrade('../../template');
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('git init')]);
    const whole = project(join(place, 'from a zip'));
    whole.git('init', '--quiet');
    exclude(whole);
    whole.commit();
    const { status, stderr } = copy.upgrade('../../template');
    expect([status, stderr]).toEqual([0, '']);
    expect(filesOf(copy)).toEqual(filesOf(project(join(place, 'untouched'))));
    expect(copy.node('src/kit/upgrade/check.ts').stdout).toBe('kit 99.0.0, unchanged\n');
  }, 120_000);
});

// The copies without the history have the files of the one that was not touched.
test.each(['untouched', 'edited', 'own'])(
  "the site's tests, a sign-in among them, pass in the upgraded copy: %s",
  (name) => {
    // One process for all files takes half the time.
    const options = [ownCache, '--no-isolate', '--maxWorkers=1'];
    // The others have no tests of their own that this one has not.
    if (name !== 'own') options.push('test/sign-in.test.ts', 'test/site.test.ts');
    const { status, stdout, stderr } = run(project(join(place, name)), 'npm', 'test', '--', ...options);
    expect(status, stdout + stderr).toBe(0);
  },
  120_000,
);

test('a newer template with a link, or with scripts that npm would run, gets nothing run and nothing written outside', () => {
  const hostile = project(join(place, 'hostile'));
  cpSync(template.folder, hostile.folder, { recursive: true, verbatimSymlinks: true });
  const ran = join(place, 'ran');
  const packageJson = JSON.parse(hostile.read('package.json'));
  Object.assign(packageJson.scripts, { preinstall: `touch "${ran}"`, prepare: `touch "${ran}"` });
  packageJson.dependencies.qs = '^6.14.0';
  hostile.write({ 'package.json': `${JSON.stringify(packageJson, null, 2)}\n` });
  for (const hook of ['post-checkout', 'reference-transaction'])
    hostile.write({ [`.git/hooks/${hook}`]: `#!/bin/sh\ntouch "${ran}"\n` });
  const copy = another('attacked');
  const { status, stderr } = copy.upgrade('../hostile');
  expect([status, stderr]).toEqual([0, '']);
  expectLockInStep(copy);
  expect(existsSync(ran)).toBe(false);

  copy.git('reset', '--hard', '--quiet');
  copy.git('clean', '--force', '-d', '--quiet', 'src');
  symlinkSync(place, join(hostile.folder, 'src/kit/outside'));
  expect(copy.upgrade('../hostile').stderr).toMatch(/^In the template, src\/kit\/outside is a symbolic link/);
  expect(changesIn(copy)).toEqual([]);
}, 120_000);

/** Something of each kind: the kit, a shared file, a dependency, an added one, the changelog. */
function newerTemplate(): void {
  template.write({
    'src/kit/errors/texts.ts': `// newer\nimport 'oauth4webapi';\n\n${template.read('src/kit/errors/texts.ts')}`,
    Dockerfile: `# newer\n${template.read('Dockerfile')}`,
    'CHANGELOG.md': template
      .read('CHANGELOG.md')
      .replace('\n## ', '\n## 99.0.0\n\nA newer version.\n\n### What to do by hand\n\nNothing.\n\n## '),
    // What it adds is in package-lock.json already, because another package needs it: this asks no registry.
    'package.json': template
      .read('package.json')
      .replace('"helmet": "^8.3.0"', '"helmet": "~8.3.0"')
      .replace('"ejs": "', '"oauth4webapi": "^3.0.0",\n    "ejs": "'),
  });
  release('A newer version', '99.0.0');
}

function release(message: string, to: string): void {
  for (const file of ['package.json', 'package-lock.json'])
    template.write({
      [file]: template
        .read(file)
        .replaceAll(`"version": "${version}",\n`, (all, at) => (at < 300 ? `"version": "${to}",\n` : all)),
    });
  run(
    template,
    'npm',
    'install',
    '--package-lock-only',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
  );
  template.git('add', '--all');
  const { status, stderr } = run(template, 'node', 'scripts/release.ts');
  expect(status, stderr).toBe(0);
  template.commit(message);
  template.git('tag', `v${to}`);
}

function clone(name: string): Project {
  execFileSync('git', ['clone', '--quiet', template.folder, join(place, name)], { stdio: 'pipe' });
  const copy = install(project(join(place, name)));
  exclude(copy);
  return copy;
}

function another(name: string): Project {
  cpSync(adopted.folder, join(place, name), { recursive: true, verbatimSymlinks: true });
  return project(join(place, name));
}

function withoutHistory(name: string): Project {
  mkdirSync(join(place, name), { recursive: true });
  const files = project(join(place, name));
  for (const path of adopted.git('ls-files', '-z').split('\0').filter(Boolean))
    cpSync(join(adopted.folder, path), join(files.folder, path));
  return install(files);
}

/** The packages of this tree, by a link that git does not see. */
function install(at: Project): Project {
  symlinkSync(join(checkout, 'node_modules'), join(at.folder, 'node_modules'));
  return at;
}

function exclude({ folder }: Project): void {
  appendFileSync(join(folder, '.git/info/exclude'), 'node_modules\n');
}

function expectLockInStep(copy: Project): void {
  const { status, stderr } = run(
    copy,
    'npm',
    'ci',
    '--dry-run',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
  );
  expect(status, stderr).toBe(0);
}

function run({ folder }: Project, program: string, ...args: string[]) {
  const { PATH = '', HOME } = process.env;
  return spawnSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 110_000,
    shell: process.platform === 'win32',
    env: {
      PATH: `${bin}${delimiter}${PATH}`,
      HOME,
      NO_COLOR: '1',
      // Several copies run the same programs.
      NODE_COMPILE_CACHE: join(place, 'compiled'),
    },
  });
}
