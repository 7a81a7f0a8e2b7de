import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type FreshProjects,
  filesOf,
  json,
  numbered,
  type Project,
  project,
  releaseNext,
  useFreshProjects,
} from './helpers/upgrade-projects.ts';

// `npm run upgrade` where the site has changed a file that it shares with the template: it stays, and upgrade.patch has
// what the template changed.

let place: FreshProjects;
let template: Project;
let copy: Project;
useFreshProjects((fresh) => {
  place = fresh;
  ({ template, copy } = place);
});

describe('a shared file that the site', { timeout: 60_000 }, () => {
  const mine = () => `${numbered('docker')}# mine\n`;

  test('changed is left, and upgrade.patch has what the template changed: git apply brings it in', () => {
    copy.write({ Dockerfile: mine() }).commit();
    releaseNext(template);
    const { status, stdout } = copy.upgrade('../template');
    expect([status, copy.read('Dockerfile')]).toEqual([0, mine()]);
    expect(stdout).toContain(
      '- Dockerfile: you changed it, so it stays; what the template changed is in upgrade.patch',
    );
    expect(stdout).toContain('Run `git apply upgrade.patch`');
    copy.git('apply', 'upgrade.patch');
    expect(copy.read('Dockerfile')).toBe(`${template.read('Dockerfile')}# mine\n`);
  });

  test('changed close by gets the change from git apply all the same', () => {
    copy.write({ Dockerfile: numbered('docker').replace('docker 4\n', 'my docker 4\n') }).commit();
    releaseNext(template);
    copy.upgrade('../template');
    copy.git('apply', 'upgrade.patch');
    expect(copy.read('Dockerfile')).toBe(template.read('Dockerfile').replace('docker 4\n', 'my docker 4\n'));
  });

  test('changed where the template changed it gets both from git apply, between conflict markers', () => {
    copy.write({ Dockerfile: numbered('docker').replace('docker 2\n', 'my docker 2\n') }).commit();
    releaseNext(template);
    const { status, stdout } = copy.upgrade('../template');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/between conflict markers: Dockerfile\./)]);
    expect(copy.read('upgrade.patch')).toMatch(
      /^What 1\.1\.0 changed .*\nApply it with: git apply upgrade\.patch\n.*between conflict markers: Dockerfile\n/,
    );
    copy.git('apply', 'upgrade.patch');
    expect(copy.read('Dockerfile')).toContain(
      '<<<<<<< yours\n// my docker 2\n=======\n// docker 2, improved\n>>>>>>> 1.1.0\n',
    );
  });

  test('changed in the same words as the template needs nothing', () => {
    copy.write({ Dockerfile: `${numbered('docker').replace('docker 2\n', 'docker 2, improved\n')}# mine\n` });
    copy.commit();
    releaseNext(template);
    expect(copy.upgrade('../template').stdout).not.toContain('Dockerfile');
    expect(copy.has('upgrade.patch')).toBe(false);
  });

  test('changed after its first commit has its old version from there, where the template has no tag of it', () => {
    copy.write({ Dockerfile: mine() }).commit();
    template.git('tag', '--delete', 'v1.0.0');
    releaseNext(template);
    expect(copy.upgrade('../template').status).toBe(0);
    copy.git('apply', 'upgrade.patch');
    expect(copy.read('Dockerfile')).toBe(`${template.read('Dockerfile')}# mine\n`);
  });

  test('changed before its first commit is compared with the new one where the template has no tag of the old one', () => {
    const zip = project(join(place.folder, 'from a zip')).write({ ...filesOf(copy), Dockerfile: mine() });
    zip.git('init', '--quiet');
    zip.commit();
    template.git('tag', '--delete', 'v1.0.0');
    releaseNext(template);
    const { status, stdout } = zip.upgrade('../template');
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/Dockerfile: .* is not known, so upgrade-by-hand\.md has the difference/),
    ]);
    expect(zip.has('upgrade.patch')).toBe(false);
    expect(zip.read('upgrade-by-hand.md')).toMatch(
      /## Dockerfile\n\nYou changed it, and how it was in 1\.0\.0 is not known.*your changes undone:\n\n~~~~diff\n[^~]*\n-# mine\n~~~~\n/,
    );
  });

  test('changed there has its old version from --base, too', () => {
    const old = project(join(place.folder, 'old template')).write(filesOf(template));
    const zip = project(join(place.folder, 'from a zip')).write({ ...filesOf(copy), Dockerfile: mine() });
    zip.git('init', '--quiet');
    zip.commit();
    template.git('tag', '--delete', 'v1.0.0');
    releaseNext(template);
    expect(zip.upgrade('../template', '--base', old.folder).status).toBe(0);
    zip.git('apply', 'upgrade.patch');
    expect(zip.read('Dockerfile')).toBe(`${template.read('Dockerfile')}# mine\n`);
  });

  test('changed and has with Windows line endings gets a patch that fits', () => {
    copy.write({ '.gitattributes': '* -text\n', Dockerfile: mine().replaceAll('\n', '\r\n') }).commit();
    releaseNext(template);
    copy.upgrade('../template');
    copy.git('apply', 'upgrade.patch');
    expect(copy.read('Dockerfile')).toBe(`${template.read('Dockerfile')}# mine\n`.replaceAll('\n', '\r\n'));
  });

  test('deleted stays deleted, and is named', () => {
    copy.write({ 'docs/guide.md': null, 'deploy/nginx.conf': null }).commit();
    releaseNext(template);
    const { stdout } = copy.upgrade('../template');
    expect(copy.has('docs/guide.md')).toBe(false);
    expect(stdout).toContain('- docs/guide.md: you deleted it, so it stays deleted');
  });

  test('changed stays where the new template no longer has it', () => {
    copy.write({ 'docs/old.md': 'Mine.\n' }).commit();
    releaseNext(template);
    const { stdout } = copy.upgrade('../template');
    expect(copy.read('docs/old.md')).toBe('Mine.\n');
    expect(stdout).toContain('- docs/old.md: you changed it, so it stays; the template no longer has it');
  });

  test('has from the template stays where the new one has it and shares it no more', () => {
    releaseNext(template);
    const kit = JSON.parse(template.read('src/kit/kit.json'));
    delete kit.shared['docs/guide.md'];
    template.write({ 'src/kit/kit.json': json(kit) }).commit();
    expect(copy.upgrade('../template').status).toBe(0);
    expect(copy.read('docs/guide.md')).toBe(numbered('guide'));
  });

  test('has of its own, where the new template begins to ship one, is left', () => {
    copy.write({ 'docs/new.md': 'Mine.\n' }).commit();
    releaseNext(template);
    const { stdout } = copy.upgrade('../template');
    expect(copy.read('docs/new.md')).toBe('Mine.\n');
    expect(stdout).toMatch(
      /- docs\/new\.md: .*upgrade-by-hand\.md has the difference between yours and the template's/,
    );
  });
});
