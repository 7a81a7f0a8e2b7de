import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type FreshProjects,
  type Project,
  project,
  releaseNext,
  useFreshProjects,
} from './helpers/upgrade-projects.ts';

// Files of the kit that the copy's ignore files hide from git: they would be missing in everybody else's copy.

let place: FreshProjects;
let copy: Project;
useFreshProjects((fresh) => {
  place = fresh;
  copy = place.copy;
});

const check = () => copy.node('src/kit/upgrade/check.ts');

/** A copy of which git does not know the kit yet, and that has these ignore files. */
function hide(ignoreFiles: Record<string, string>): void {
  copy.git('rm', '-r', '--quiet', '--cached', 'src/kit');
  copy.write(ignoreFiles);
}

describe('check', { timeout: 60_000 }, () => {
  test.each([
    ["Visual Studio's .gitignore", { '.gitignore': '[Ll]og/\n' }],
    ['a pattern of a file', { '.gitignore': 'redaction.ts\nindex.ts\n' }],
    ['the kit as a whole', { '.gitignore': 'src/kit/\n' }],
    ['all of src', { '.gitignore': '/src\n' }],
    ['a .gitignore in src', { 'src/.gitignore': 'log/\n' }],
    ['a .gitignore in the kit', { 'src/kit/.gitignore': 'log\n' }],
    ['the excludes of this clone', { '.git/info/exclude': 'log/\n' }],
  ])('names what is hidden by %s; the lines that it asks for take it back in', (_what, ignoreFiles) => {
    hide(ignoreFiles as Record<string, string>);
    const { status, stderr } = check();
    expect([status, stderr]).toEqual([1, expect.stringContaining('  src/kit/log/index.ts (')]);
    followAdvice(stderr);
    expect(check().status).toBe(0);
    copy.git('add', 'src/kit/');
    expect(copy.git('ls-files', 'src/kit/log')).toContain('src/kit/log/index.ts');
  });

  test('names what an ignore file above the copy hides, in a larger repository', () => {
    const whole = project(join(place.folder, 'company')).write({ '.gitignore': '[Ll]og/\n' });
    whole.git('init', '--quiet');
    copyInto(whole, 'apps/web');
    const { status, stderr } = check();
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('src/kit/log/index.ts (.gitignore, line 1: [Ll]og/)'),
    ]);
    followAdvice(stderr);
    expect(check().status).toBe(0);
  });

  test('says so where the whole copy is hidden', () => {
    const whole = project(join(place.folder, 'company')).write({ '.gitignore': 'apps/\n' });
    whole.git('init', '--quiet');
    copyInto(whole, 'apps/web');
    expect(check().stderr).toMatch(/The whole folder is hidden: remove that line from \.gitignore/);
  });

  test('has no objection where git knows the files already', () => {
    copy.write({ '.gitignore': '[Ll]og/\n' }).commit();
    expect(check()).toEqual({ status: 0, stdout: 'kit 1.0.0, unchanged\n', stderr: '' });
  });

  test('works in a folder without git', () => {
    const files = project(join(place.folder, 'unpacked'));
    copyFiles(files);
    copy = files;
    expect(check()).toEqual({ status: 0, stdout: 'kit 1.0.0, unchanged\n', stderr: '' });
  });

  test('lists what was edited, and is content: an edit is yours to make', () => {
    copy.write({
      'src/kit/app.ts': 'mine\n',
      'src/kit/old.ts': null,
      'src/kit/more.ts': '\n',
      Dockerfile: 'mine\n',
    });
    expect(check()).toEqual({
      status: 0,
      stdout: [
        'kit 1.0.0, edited here:',
        '  changed  src/kit/app.ts',
        '  missing  src/kit/old.ts',
        '  added    src/kit/more.ts',
        'Shared files that you changed, which an upgrade leaves as they are: Dockerfile\n',
      ].join('\n'),
      stderr: '',
    });
  });

  test('asks for kit.json where it is gone', () => {
    copy.write({ 'src/kit/kit.json': null });
    expect(check()).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^There is no src\/kit\/kit\.json here/),
    });
  });
});

test('an upgrade names the files that it brings and that are hidden; its lines take them back in', () => {
  copy.write({ '.gitignore': 'node_modules/\n[Ll]og/\n.env*\n' }).commit();
  place.template.write({ '.env.example': 'PORT=4000\n' });
  releaseNext(place.template);
  const { status, stdout } = copy.upgrade('../template');
  expect([status, stdout]).toEqual([
    0,
    expect.stringContaining('src/kit/log/redaction.ts (.gitignore, line 2: [Ll]og/)'),
  ]);
  expect(copy.git('status', '--porcelain', '-uall')).not.toContain('redaction');
  followAdvice(stdout);
  expect(copy.git('status', '--porcelain', '-uall')).toContain('?? src/kit/log/redaction.ts');
}, 60_000);

/** Does what the words ask for: appends each line to the file that is named above it. */
function followAdvice(words: string): void {
  const blocks = [...words.matchAll(/Add at the end of (.+):\n((?: +!.*\n)+)/g)];
  expect(blocks.length, words).toBeGreaterThan(0);
  for (const [, file = '', lines = ''] of blocks)
    appendFileSync(join(copy.folder, file), lines.replaceAll(/^ +/gm, ''));
}

function copyFiles(to: Project): void {
  const paths = copy.git('ls-files', '-z').split('\0').filter(Boolean);
  to.write(Object.fromEntries(paths.map((path) => [path, copy.read(path)])));
}

function copyInto(whole: Project, below: string): void {
  const inside = project(join(whole.folder, below));
  copyFiles(inside);
  copy = inside;
}
