import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { hashOf, kitJson } from '../../upgrade/kit-file.ts';
import { isStartPlace } from '../../upgrade/names.ts';
import { partsOf } from '../../upgrade/packages.ts';

const upgradeProgram = fileURLToPath(new URL('../../upgrade', import.meta.url));
const shared = ['Dockerfile', '.env.example', '.gitattributes', 'docs/', '.ci/', 'deploy/'];

/** A folder that is a template or a copy, with what tests do to it. */
export interface Project {
  folder: string;
  /** Null deletes. */
  write(files: Record<string, string | null>): Project;
  read(path: string): string;
  has(path: string): boolean;
  git(...args: string[]): string;
  commit(message?: string): Project;
  upgrade(...args: string[]): Run;
  upgradeWith(env: Record<string, string>, ...args: string[]): Run;
  node(...args: string[]): Run;
}

export interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Where Node keeps what it compiles of the programs of a test file's projects, so that they start in half the time. */
let compiled: string | undefined;

/** A small template and a copy of it, in a folder of their own. */
export interface FreshProjects {
  folder: string;
  template: Project;
  copy: Project;
}

/**
 * Version 1.0.0 of a small template and a copy of it, fresh for each test of a file and made once for all: most of the
 * time of these tests is git's.
 *
 * @param receive is handed them before each test
 */
export function useFreshProjects(receive: (projects: FreshProjects) => void): void {
  let temporary: string;
  const remove = (folder: string) => rmSync(folder, { recursive: true, force: true });
  beforeAll(() => {
    temporary = mkdtempSync(join(tmpdir(), 'an upgrade-'));
    compiled = join(temporary, 'compiled');
    copyOf(smallTemplate(join(temporary, 'made/template')), join(temporary, 'made/my app'));
  });
  beforeEach(() => {
    // At the same path for each test: there Node knows the programs again that it has compiled.
    const folder = join(temporary, 'fresh');
    cpSync(join(temporary, 'made'), folder, { recursive: true });
    receive({ folder, template: project(join(folder, 'template')), copy: project(join(folder, 'my app')) });
  });
  afterEach(() => remove(join(temporary, 'fresh')));
  afterAll(() => remove(temporary));
}

/** A template of a few files, with this tree's upgrade program as its kit. */
function smallTemplate(folder: string): Project {
  mkdirSync(join(folder, 'src/kit'), { recursive: true });
  cpSync(upgradeProgram, join(folder, 'src/kit/upgrade'), { recursive: true });
  const template = project(folder).write({
    'src/kit/app.ts': numbered('app'),
    'src/kit/old.ts': 'export const old = 1;\n',
    'src/kit/log/index.ts': numbered('log'),
    'src/kit/views/sessions.ejs': numbered('sessions'),
    'src/site.ts': 'export const site = 1;\n',
    'views/home.ejs': numbered('home'),
    'views/partials/top.ejs': numbered('top'),
    'README.md': '# Template\n',
    Dockerfile: numbered('docker'),
    '.env.example': 'PORT=3000\n',
    '.gitattributes': '* text=auto eol=lf\n',
    '.gitignore': 'node_modules/\n.env\n',
    'docs/guide.md': numbered('guide'),
    'docs/old.md': 'Old.\n',
    'docs/texts.md': '| `button.home` | Home |\n| `button.back` | Back |\n| `page.gone` | Gone |\n',
    'deploy/nginx.conf': numbered('nginx'),
    '.ci/run': '#!/bin/sh\n',
    'CHANGELOG.md': '# Changelog\n\n## 1.0.0\n\nThe first.\n',
    'package.json': json({
      name: 'a-template',
      version: '1.0.0',
      type: 'module',
      scripts: { start: 'node src/server.ts', lint: 'lint .', old: 'old' },
      engines: { node: '>=24' },
    }),
  });
  template.git('init', '--quiet');
  return release(template, '1.0.0');
}

/** The next version of the template: its numbers, kit.json, a commit, a tag. */
export function release(template: Project, version: string, { tag = true } = {}): Project {
  const packageJson = { ...JSON.parse(template.read('package.json')), version };
  template.write({ 'package.json': json(packageJson) });
  stamp(template);
  template.commit(`Version ${version}`);
  if (tag) template.git('tag', `v${version}`);
  return template;
}

/** Writes kit.json from the files as they are, as `npm run release` does. */
export function stamp(template: Project): void {
  const { name, version, ...rest } = JSON.parse(template.read('package.json'));
  const files = filesBelow(template.folder, '');
  const hashes = (wanted: (path: string) => boolean) =>
    Object.fromEntries(
      files.filter(wanted).map((path) => [path, hashOf(readFileSync(join(template.folder, path)))]),
    );
  template.write({
    [kitJson]: json({
      name,
      version,
      files: hashes((path) => path.startsWith('src/kit/') && path !== kitJson),
      shared: hashes((path) =>
        shared.some((one) => path === one || (one.endsWith('/') && path.startsWith(one))),
      ),
      start: hashes(isStartPlace),
      example: {},
      package: partsOf(rest),
    }),
  });
}

/** A second version, which changes something of each kind. */
export function releaseNext(template: Project, options?: { tag: boolean }): Project {
  const packageJson = JSON.parse(template.read('package.json'));
  template.write({
    'src/kit/app.ts': numbered('app').replace('app 2\n', 'app 2, improved\n'),
    'src/kit/old.ts': null,
    'src/kit/log/redaction.ts': 'export const redaction = 1;\n',
    Dockerfile: numbered('docker').replace('docker 2\n', 'docker 2, improved\n'),
    'docs/guide.md': `${numbered('guide')}And more.\n`,
    'docs/old.md': null,
    'docs/new.md': 'New.\n',
    '.ci/run': '#!/bin/sh\nset -eu\n',
    'CHANGELOG.md': `# Changelog\n\n## 1.1.0\n\nBetter.\n\n### What to do by hand\n\nRead the guide.\n\n## 1.0.0\n\nThe first.\n`,
    'package.json': json({
      ...packageJson,
      scripts: { start: 'node src/server.ts', lint: 'lint --all .', check: 'check' },
      engines: { node: '>=26' },
    }),
  });
  return release(template, '1.1.0', options);
}

/** "Use this template": the files in one new commit, without the template's history. */
function copyOf(template: Project, folder: string): Project {
  const { 'README.md': _readme, ...files } = Object.fromEntries(
    filesBelow(template.folder, '').map((path) => [path, template.read(path)]),
  );
  const copy = project(folder).write({ ...files, 'README.md': '# My app\n', 'CHANGELOG.md': null });
  copy.write({
    'package.json': json({ ...JSON.parse(copy.read('package.json')), name: 'my-app', version: '0.3.0' }),
  });
  copy.git('init', '--quiet');
  return copy.commit('My app');
}

export function project(folder: string): Project {
  const at = (path: string) => join(folder, path);
  const run = (program: string, args: string[], env?: Record<string, string>): Run => {
    const { PATH, HOME } = process.env;
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: folder,
      encoding: 'utf8',
      timeout: 110_000,
      env: { PATH, HOME, NO_COLOR: '1', ...(compiled && { NODE_COMPILE_CACHE: compiled }), ...env },
    });
    return { status, stdout, stderr };
  };
  const self: Project = {
    folder,
    write(files) {
      for (const [path, text] of Object.entries(files)) {
        if (text === null) rmSync(at(path), { force: true });
        else {
          mkdirSync(dirname(at(path)), { recursive: true });
          writeFileSync(at(path), text, { mode: path === '.ci/run' ? 0o755 : 0o644 });
        }
      }
      return self;
    },
    read: (path) => readFileSync(at(path), 'utf8'),
    has: (path) => existsSync(at(path)),
    git: (...args) => execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }),
    commit(message = 'A change') {
      self.git('add', '--all', '.');
      self.git(
        '-c',
        'user.name=Somebody',
        '-c',
        'user.email=somebody@example.com',
        'commit',
        '--quiet',
        '-m',
        message,
      );
      return self;
    },
    upgrade: (...args) => run(process.execPath, ['src/kit/upgrade/main.ts', ...args]),
    upgradeWith: (env, ...args) => run(process.execPath, ['src/kit/upgrade/main.ts', ...args], env),
    node: (...args) => run(process.execPath, args),
  };
  return self;
}

/** Ten lines, so that two changes may be far from each other or meet. */
export function numbered(word: string): string {
  return Array.from({ length: 10 }, (_, at) => `// ${word} ${at + 1}\n`).join('');
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function filesBelow(folder: string, below: string): string[] {
  return readdirSync(join(folder, below)).flatMap((name) => {
    if (name === '.git') return [];
    const path = below ? `${below}/${name}` : name;
    return lstatSync(join(folder, path)).isDirectory() ? filesBelow(folder, path) : [path];
  });
}

/** Whatever differs from the last commit, as `git status` names it. */
export function changesIn({ git }: Project): string[] {
  return git('status', '--porcelain', '-uall', '.').split('\n').filter(Boolean);
}

/** `npm run upgrade` with these arguments is refused in a sentence, and nothing is written. */
export function expectRefusal(copy: Project, words: RegExp, ...args: string[]): void {
  const { status, stdout, stderr } = copy.upgrade(...args);
  expect([status, stdout, stderr]).toEqual([1, '', expect.stringMatching(words)]);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(changesIn(copy)).toEqual([]);
}

/** The committed files by their paths. */
export function filesOf({ git, read }: Project): Record<string, string> {
  const paths = git('ls-files', '-z').split('\0').filter(Boolean);
  return Object.fromEntries(paths.map((path) => [path, read(path)]));
}
