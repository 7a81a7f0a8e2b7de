import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { apply } from '../upgrade/apply.ts';
import {
  changesIn,
  expectRefusal,
  type FreshProjects,
  type Project,
  project,
  release,
  releaseNext,
  useFreshProjects,
} from './helpers/upgrade-projects.ts';

// What `npm run upgrade` refuses: each time in a sentence, with nothing written and nothing run. Each form of a wrong
// word on the command line and in kit.json: upgrade-input.test.ts.

let place: FreshProjects;
let template: Project;
let copy: Project;
useFreshProjects((fresh) => {
  place = fresh;
  ({ template, copy } = place);
});

/** What a hostile template would have run writes this file. */
const ran = () => join(place.folder, 'ran');
const expectNothingRan = () => expect(project(place.folder).has('ran')).toBe(false);

describe('the command line', { timeout: 60_000 }, () => {
  test('that makes no sense has a sentence as its answer, and an exit code', () => {
    expectRefusal(copy, /^"ext::sh -c touch% \.\.\/ran" is not accepted/, 'ext::sh -c touch% ../ran');
    expectRefusal(copy, /is an option, not a folder/, '--', `--upload-pack=touch "${ran()}"`);
    expectNothingRan();
  });

  test('shows no password of an address', () => {
    const { stderr } = copy.upgrade('ftp://me:hunter2@example.com/template');
    expect(stderr).toContain('"ftp://example.com/template" is not accepted');
  });

  test('shows how it is used, on request', () => {
    const { status, stdout } = copy.upgrade('--help');
    expect([status, stdout]).toEqual([0, expect.stringContaining('npm run upgrade -- <folder or address>')]);
  });
});

describe('the copy', { timeout: 60_000 }, () => {
  test('is not upgraded under no git: the sentence says what to do', () => {
    rmSync(join(copy.folder, '.git'), { recursive: true });
    releaseNext(template);
    const { status, stderr } = copy.upgrade('../template');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^This folder is not under git.*`git init`.*`git commit/),
    ]);
    expect(copy.has('src/kit/old.ts')).toBe(true);
  });

  test.each([
    ['changed', 'README.md'],
    ['new', 'notes.txt'],
  ])('is not upgraded with a %s file that is not committed', (_what, path) => {
    releaseNext(template);
    copy.write({ [path]: 'mine\n' });
    const { status, stderr } = copy.upgrade('../template');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/not committed:\n {2}.*\nCommit or stash them first/),
    ]);
    expect(stderr).toContain(`  ${path}\n`);
    expect(changesIn(copy)).toHaveLength(1);
  });

  test('is not upgraded to an older version', () => {
    copy.write({ 'src/kit/kit.json': copy.read('src/kit/kit.json').replace('"1.0.0"', '"1.10.0"') }).commit();
    releaseNext(template);
    expectRefusal(copy, /^The template there is 1\.1\.0, older than yours \(1\.10\.0\)/, '../template');
  });

  test('is not upgraded from another project, from a copy, or from one without a kit', () => {
    const packageText = template.read('package.json');
    template.write({ 'package.json': packageText.replace('a-template', 'another') });
    releaseNext(template);
    expectRefusal(
      copy,
      /its src\/kit\/kit\.json says "another"\. Yours was made from "a-template"/,
      '../template',
    );
    template.write({ 'package.json': packageText, 'CHANGELOG.md': '' });
    release(template, '1.2.0').write({ 'package.json': packageText.replace('a-template', 'their-app') });
    expectRefusal(copy, /^That is a copy of the template, by the name of "their-app"/, '../template');
    expectRefusal(copy, /^There is no src\/kit\/kit\.json in the template/, '../template/docs');
  });

  test('keeps a file that git ignores, where the new version has one of that name', () => {
    copy.write({ '.gitignore': 'redaction.ts\n' }).commit();
    copy.write({ 'src/kit/log/redaction.ts': 'mine\n' });
    releaseNext(template);
    expectRefusal(copy, /^src\/kit\/log\/redaction\.ts is yours, and git ignores it/, '../template');
    expect(copy.read('src/kit/log/redaction.ts')).toBe('mine\n');
  });

  test('is not written through a link of its own', () => {
    rmSync(join(copy.folder, 'docs'), { recursive: true });
    mkdirSync(join(place.folder, 'elsewhere'));
    symlinkSync('../elsewhere', join(copy.folder, 'docs'));
    copy.commit();
    releaseNext(template);
    expectRefusal(copy, /^docs is a symbolic link here/, '../template');
    expect(project(place.folder).has('elsewhere/new.md')).toBe(false);
  });

  test('is not written where it has a file in the place of a folder', () => {
    template.write({ 'docs/more/one.md': '\n' });
    copy.write({ 'docs/more': 'mine\n' }).commit();
    releaseNext(template);
    expectRefusal(
      copy,
      /^docs\/more is a file here, and the upgrade would write docs\/more\/one\.md/,
      '../template',
    );
  });

  test('keeps the upgrade.patch of the time before', () => {
    copy.write({ Dockerfile: 'mine\n', 'upgrade.patch': 'from before\n' }).commit();
    releaseNext(template);
    expectRefusal(copy, /^upgrade\.patch of an earlier upgrade is still here/, '../template');
  });

  test('gets everything back when writing fails in the middle', () => {
    const file = (text: string) => ({ content: Buffer.from(text), executable: false });
    const writes = new Map([
      ['src/kit/app.ts', file('new')],
      ['src/new/file.ts', file('new')],
      ['README.md/below', file('README.md is a file, so this cannot be written')],
    ]);
    expect(() => apply(copy.folder, { writes, deletes: new Set(['src/kit/log/index.ts']) })).toThrow(
      /mkdir.*Everything was put back as it was\.$/,
    );
    expect(changesIn(copy)).toEqual([]);
    expect(copy.has('src/new')).toBe(false);
  });
});

// A stand-in for ssh runs the command that git hands over, so that a real fetch happens without a server.
describe.skipIf(process.platform === 'win32')('a template behind an address', { timeout: 60_000 }, () => {
  const overSsh = (...args: string[]) => {
    const ssh = join(place.folder, 'ssh');
    writeFileSync(ssh, '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n', { mode: 0o755 });
    return copy.upgradeWith({ GIT_SSH_COMMAND: `"${ssh}"`, GIT_SSH_VARIANT: 'ssh' }, ...args);
  };

  test('is fetched, and the report has its commit; the tag of the old version comes from there, too', () => {
    releaseNext(template);
    copy.write({ 'src/kit/app.ts': `${copy.read('src/kit/app.ts')}// mine\n` }).commit();
    const { status, stdout, stderr } = overSsh(`git@example.com:${template.folder}`, '--merge');
    expect([status, stderr]).toEqual([0, '']);
    expect(copy.read('src/kit/app.ts')).toBe(`${template.read('src/kit/app.ts')}// mine\n`);
    expect(stdout).toContain(`commit ${template.git('rev-parse', 'HEAD').trim()}`);
    expect(copy.git('for-each-ref').trim().split('\n')).toHaveLength(1);
  });

  test('is refused for a link in its commit', () => {
    releaseNext(template);
    symlinkSync('/etc', join(template.folder, 'docs/etc'));
    template.commit();
    const { status, stderr } = overSsh(`ssh://git@example.com${encodeURI(template.folder)}`);
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^In the template, docs\/etc is a symbolic link/),
    ]);
  });

  test('that does not answer is refused with the words of git', () => {
    const { status, stderr } = overSsh(`git@example.com:${place.folder}/nowhere`);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^git cannot fetch git@example\.com:/)]);
    expect(changesIn(copy)).toEqual([]);
  });
});
