import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  changesIn,
  type FreshProjects,
  filesOf,
  json,
  type Project,
  project,
  release,
  releaseNext,
  useFreshProjects,
} from './helpers/upgrade-projects.ts';

// `npm run upgrade` on a small template and copies of it, with real git. Edits in the kit:
// upgrade-edits.slow.test.ts; shared files that were changed: upgrade-shared.slow.test.ts; what is the site's own:
// upgrade-offers.slow.test.ts; what the upgrade refuses: upgrade-refusals.slow.test.ts.

let place: FreshProjects;
let template: Project;
let copy: Project;
useFreshProjects((fresh) => {
  place = fresh;
  ({ template, copy } = place);
});

describe('a copy in which nothing of the template was changed', { timeout: 60_000 }, () => {
  test('gets the new kit and shared files, and keeps what is its own', () => {
    releaseNext(template);
    const { status, stdout, stderr } = copy.upgrade('../template');
    expect([status, stderr]).toEqual([0, '']);
    expect(changesIn(copy)).toEqual([
      ...[' M .ci/run', ' M Dockerfile', ' M docs/guide.md', ' D docs/old.md', ' M package.json'],
      ...[' M src/kit/app.ts', ' M src/kit/kit.json', ' D src/kit/old.ts'],
      ...['?? docs/new.md', '?? src/kit/CHANGELOG.md', '?? src/kit/log/redaction.ts'],
    ]);
    for (const path of ['.ci/run', 'Dockerfile', 'docs/guide.md', 'src/kit/app.ts', 'src/kit/kit.json'])
      expect(copy.read(path), path).toBe(template.read(path));
    expect(statSync(join(copy.folder, '.ci/run')).mode & 0o111).not.toBe(0);
    expect(stdout).toContain(`commit ${template.git('rev-parse', 'HEAD').trim()}`);
  });

  test('gets the files of a template as they are, also where its kit.json was not written since', () => {
    releaseNext(template);
    const packageJson = JSON.parse(template.read('package.json'));
    template.write({
      'src/kit/app.ts': 'another\n',
      'src/kit/more.ts': '// more\n',
      'package.json': json({ ...packageJson, version: '1.1.1' }),
    });
    template.git('add', '--all');
    const { status, stdout } = copy.upgrade('../template');
    expect([status, stdout.split('\n')[0]]).toEqual([0, 'Upgraded from 1.0.0 to 1.1.1.']);
    expect(stdout).toContain(
      "The template's src/kit/kit.json is older than these of its files, which were taken as they are:\n  src/kit/app.ts\n  src/kit/more.ts\n  package.json",
    );
    expect([copy.read('src/kit/app.ts'), copy.read('src/kit/more.ts')]).toEqual(['another\n', '// more\n']);
    // Nothing of that counts as an edit of the copy's.
    expect(copy.node('src/kit/upgrade/check.ts').stdout).toBe('kit 1.1.1, unchanged\n');
  });

  test('prints what changed between the two versions, and what to do', () => {
    releaseNext(template);
    template.write({
      'CHANGELOG.md': template.read('CHANGELOG.md').replace('## 1.1.0', '## 1.2.0\n\nBest.\n\n## 1.1.0'),
    });
    release(template, '1.2.0');
    const { stdout } = copy.upgrade('../template');
    expect(stdout).toMatch(/^Upgraded from 1\.0\.0 to 1\.2\.0\./);
    expect(stdout).toMatch(
      /## 1\.2\.0\n\nBest\.\n\n## 1\.1\.0\n\nBetter\.\n\n### What to do by hand\n\nRead the guide\./,
    );
    expect(stdout).not.toContain('The first.');
    expect(copy.read('src/kit/CHANGELOG.md')).toBe(template.read('CHANGELOG.md'));
    expect(stdout).toMatch(/npm ci\n\s+npm run check\n\s+npm test/);
  });

  test('is as the template says afterwards: check names its new version, and a second upgrade has nothing to do', () => {
    releaseNext(template);
    copy.upgrade('../template');
    expect(copy.node('src/kit/upgrade/check.ts')).toEqual({
      status: 0,
      stdout: 'kit 1.1.0, unchanged\n',
      stderr: '',
    });
    copy.commit();
    const again = copy.upgrade('../template');
    expect([again.status, again.stdout]).toEqual([
      0,
      expect.stringMatching(/^This app has 1\.1\.0 already: nothing to do\. \(Compared with .*commit/),
    ]);
    expect(changesIn(copy)).toEqual([]);
  });

  test('takes a template without git, and says that there is no commit to name', () => {
    releaseNext(template);
    const bare = project(join(place.folder, 'unpacked zip')).write(filesOf(template));
    const { status, stdout } = copy.upgrade(bare.folder);
    expect([status, stdout]).toEqual([0, expect.stringContaining('(a folder without a commit)')]);
    expect(copy.read('src/kit/app.ts')).toBe(template.read('src/kit/app.ts'));
  });

  test('with Windows line endings counts as unchanged, and is upgraded', () => {
    copy.write({ '.gitattributes': null }).commit();
    copy.git('config', 'core.autocrlf', 'true');
    for (const path of ['src/kit/app.ts', 'Dockerfile', 'docs/guide.md'])
      copy.write({ [path]: copy.read(path).replaceAll('\n', '\r\n') });
    expect(copy.node('src/kit/upgrade/check.ts').stdout).toMatch(/^kit 1\.0\.0, unchanged\n/);
    copy.git('add', '--renormalize', '.');
    releaseNext(template);
    const { status, stdout } = copy.upgrade('../template');
    expect(status, stdout).toBe(0);
    expect(copy.read('Dockerfile')).toBe(template.read('Dockerfile'));
    expect(copy.has('upgrade.patch')).toBe(false);
  });

  test('in a folder of a larger repository is upgraded there, whatever else is changed in the repository', () => {
    const whole = project(join(place.folder, 'company'));
    whole.write({ 'other.txt': 'one\n', 'apps/web/x': null });
    whole.git('init', '--quiet');
    const inside = project(join(whole.folder, 'apps/web')).write(filesOf(copy));
    whole.commit();
    whole.write({ 'other.txt': 'two\n' });
    inside.write({ Dockerfile: `${copy.read('Dockerfile')}# mine\n` }).commit();
    releaseNext(template);
    const { status, stderr } = inside.upgrade(template.folder);
    expect([status, stderr]).toEqual([0, '']);
    expect(inside.read('src/kit/app.ts')).toBe(template.read('src/kit/app.ts'));
    inside.git('apply', 'upgrade.patch');
    expect(inside.read('Dockerfile')).toBe(`${template.read('Dockerfile')}# mine\n`);
    expect(whole.read('other.txt')).toBe('two\n');
  });
});
