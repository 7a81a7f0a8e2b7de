import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  changesIn,
  type FreshProjects,
  filesOf,
  numbered,
  type Project,
  project,
  release,
  releaseNext,
  useFreshProjects,
} from './helpers/upgrade-projects.ts';

// `npm run upgrade` in a copy whose kit was edited: refused, or carried over with --merge.

let place: FreshProjects;
let template: Project;
let copy: Project;
useFreshProjects((fresh) => {
  place = fresh;
  ({ template, copy } = place);
});

describe('a kit that was edited here', { timeout: 60_000 }, () => {
  const edited = () => numbered('app').replace('app 9\n', 'app 9, mine\n');

  test('is not replaced: the edits are shown, and nothing is written', () => {
    copy
      .write({ 'src/kit/app.ts': edited(), 'src/kit/mine.ts': 'export {};\n', 'src/kit/old.ts': null })
      .commit();
    // Changed in the new version, so that the deletion would be lost.
    template.write({ 'src/kit/old.ts': 'export const old = 2;\n' });
    release(template, '1.1.0');
    const { status, stderr } = copy.upgrade('../template');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^The kit was edited here/);
    for (const line of ['changed  src/kit/app.ts', 'added    src/kit/mine.ts', 'missing  src/kit/old.ts'])
      expect(stderr).toContain(`  ${line}\n`);
    expect(stderr).toMatch(/^-\/\/ app 9\n\+\/\/ app 9, mine$/m);
    expect(stderr).toContain('--merge');
    expect(changesIn(copy)).toEqual([]);
  });

  test('keeps its edits with --merge, from the tag of the old version', () => {
    copy.write({ 'src/kit/app.ts': edited(), 'src/kit/mine.ts': 'export {};\n' }).commit();
    releaseNext(template);
    const { status, stdout, stderr } = copy.upgrade('../template', '--merge');
    expect([status, stderr]).toEqual([0, '']);
    expect(copy.read('src/kit/app.ts')).toBe(
      template.read('src/kit/app.ts').replace('app 9\n', 'app 9, mine\n'),
    );
    expect(copy.has('src/kit/mine.ts')).toBe(true);
    expect(stdout).toMatch(
      /Your edits in these files of the kit are kept:\n {2}src\/kit\/app\.ts\n {2}src\/kit\/mine\.ts/,
    );
    expect(copy.node('src/kit/upgrade/check.ts').stdout).toBe(
      'kit 1.1.0, edited here:\n  changed  src/kit/app.ts\n  added    src/kit/mine.ts\n',
    );
  });

  test('needs the old version for --merge: --base gives it where the template has no tag', () => {
    const old = project(join(place.folder, 'old template')).write(filesOf(template));
    copy.write({ 'src/kit/app.ts': edited() }).commit();
    template.git('tag', '--delete', 'v1.0.0');
    releaseNext(template);
    const without = copy.upgrade('../template', '--merge');
    expect([without.status, without.stderr]).toEqual([
      1,
      expect.stringMatching(/^--merge needs the template in version 1\.0\.0.*--base <folder>/),
    ]);
    expect(changesIn(copy)).toEqual([]);
    const wrong = copy.upgrade('../template', '--merge', '--base', '../template');
    expect([wrong.status, wrong.stderr]).toEqual([
      1,
      expect.stringMatching(/^--base has a-template 1\.1\.0\. Your copy was made from a-template 1\.0\.0/),
    ]);
    expect(copy.upgrade('../template', '--merge', '--base', old.folder).status).toBe(0);
    expect(copy.read('src/kit/app.ts')).toContain('app 9, mine');
  });

  test('has conflict markers where both changed the same lines; they are named, and the exit code is not 0', () => {
    copy
      .write({
        'src/kit/app.ts': numbered('app').replace('app 2\n', 'my app 2\n'),
        'src/kit/old.ts': 'mine\n',
      })
      .commit();
    releaseNext(template);
    const { status, stdout, stderr } = copy.upgrade('../template', '--merge');
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('The upgrade left 2 conflicts for you to solve'),
    ]);
    expect(copy.read('src/kit/app.ts')).toMatch(
      /<<<<<<< yours\n\/\/ my app 2\n=======\n\/\/ app 2, improved\n>>>>>>> 1\.1\.0/,
    );
    expect(stdout).toMatch(/src\/kit\/app\.ts: you and the new version changed the same lines/);
    expect(stdout).toMatch(/src\/kit\/old\.ts: the new version does not have this file\. Yours is kept/);
    expect(copy.read('src/kit/old.ts')).toBe('mine\n');
  });

  test('is no edit where it is a fix of the new version that was taken before', () => {
    copy.write({ 'src/kit/app.ts': numbered('app').replace('app 2\n', 'app 2, improved\n') }).commit();
    releaseNext(template);
    expect(copy.upgrade('../template').status).toBe(0);
  });
});
