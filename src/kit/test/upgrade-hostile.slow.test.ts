import { appendFileSync, chmodSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashOf } from '../upgrade/kit-file.ts';
import {
  expectRefusal,
  type FreshProjects,
  json,
  type Project,
  project,
  release,
  releaseNext,
  useFreshProjects,
} from './helpers/upgrade-projects.ts';

// `npm run upgrade` from a template whose owner means harm. Each form of a wrong name in kit.json: upgrade-input.test.ts.

let place: FreshProjects;
let template: Project;
let copy: Project;
useFreshProjects((fresh) => {
  place = fresh;
  ({ template, copy } = place);
});

describe('a hostile template', { timeout: 60_000 }, () => {
  test.each([
    ['a file of the kit', 'src/kit/app.ts'],
    ['a shared file', 'docs/guide.md'],
    ['a shared folder', 'deploy'],
    ['a file that is not taken', 'other'],
  ])('with a link as %s is refused by its name', (_what, path) => {
    releaseNext(template);
    rmSync(join(template.folder, path), { recursive: true, force: true });
    symlinkSync(copy.folder, join(template.folder, path));
    expectRefusal(copy, new RegExp(`^In the template, ${path} is a symbolic link\\.`), '../template');
  });

  test('that would write outside the copy is refused by the name', () => {
    const kit = JSON.parse(releaseNext(template).read('src/kit/kit.json'));
    kit.shared['docs/../../outside'] = 'a'.repeat(64);
    template.write({ 'src/kit/kit.json': json(kit), outside: 'x' });
    expectRefusal(copy, /names "docs\/\.\.\/\.\.\/outside": the name leads out of its folder/, '../template');
  });

  test.each([
    ['src/kit/App.ts', 'src/kit/app.ts'],
    ['src/kit/LOG/more.ts', 'src/kit/log'],
  ])('whose names differ in capitals only is refused: %s beside %s', (one, other) => {
    releaseNext(template);
    template.write({ [one]: '// one\n' });
    expectRefusal(copy, new RegExp(`"${one.replace('/more.ts', '')}"`), '../template');
    expectRefusal(copy, new RegExp(`"${other}".* differ in capitals only`), '../template');
  });

  test('brings no file that an editor or git would run, and the report names it', () => {
    const names = ['.vscode/tasks.json', '.husky/pre-commit', '.gitmodules', '.mcp.json'];
    releaseNext(template).write(Object.fromEntries(names.map((name) => [name, 'touch ran\n'])));
    const kit = JSON.parse(template.read('src/kit/kit.json'));
    for (const name of names) kit.shared[name] = hashOf(Buffer.from('touch ran\n'));
    template.write({ 'src/kit/kit.json': json(kit) });
    const { status, stdout } = copy.upgrade('../template');
    expect(status).toBe(0);
    for (const name of names) {
      expect(copy.has(name), name).toBe(false);
      expect(stdout).toContain(`- ${name}: not taken: the template calls it shared`);
    }
    expect(copy.node('src/kit/upgrade/check.ts')).toMatchObject({
      status: 0,
      stdout: 'kit 1.1.0, unchanged\n',
    });
  });

  test('runs nothing: no hook, filter, monitor, remote helper or script of its package.json', () => {
    const command = `touch "${join(place.folder, 'ran')}"`;
    template.write({
      '.gitattributes': '* text=auto eol=lf\n*.ts filter=evil diff=evil\n',
      'package.json': json({
        ...JSON.parse(template.read('package.json')),
        scripts: { preinstall: command, install: command, prepare: command, start: 'node src/server.ts' },
      }),
    });
    release(template, '1.1.0');
    for (const name of ['post-checkout', 'post-merge', 'reference-transaction', 'fsmonitor-watchman'])
      template.write({ [`.git/hooks/${name}`]: `#!/bin/sh\n${command}\n` });
    chmodSync(join(template.folder, '.git/hooks/post-checkout'), 0o755);
    chmodSync(join(template.folder, '.git/hooks/reference-transaction'), 0o755);
    const run = JSON.stringify(command);
    appendFileSync(
      join(template.folder, '.git/config'),
      [
        `[filter "evil"]\nsmudge = ${run}\nclean = ${run}\nprocess = ${run}`,
        `[diff "evil"]\ntextconv = ${run}\n[diff]\nexternal = ${run}`,
        `[core]\nfsmonitor = ${run}\nsshCommand = ${run}\npager = ${run}\nalternateRefsCommand = ${run}`,
        `[extensions]\npartialClone = origin`,
        `[remote "origin"]\npromisor = true\nurl = "ext::sh -c ${join(place.folder, 'ran')}"\nuploadpack = ${run}`,
        `[uploadpack]\npackObjectsHook = ${run}\n[alias]\nrev-parse = ${JSON.stringify(`!${command}`)}\n`,
      ].join('\n'),
    );
    const { status, stdout, stderr } = copy.upgrade('../template');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('script "preinstall": not taken');
    expect(copy.read('package.json')).not.toMatch(/"(preinstall|install|prepare)"/);
    expect(project(place.folder).has('ran')).toBe(false);
  });

  test('moves no cursor and hides no word of the report', () => {
    template.write({ 'CHANGELOG.md': '## 1.1.0\n\n\u001b[2JAll is well.\u202e\n' });
    release(template, '1.1.0');
    const { stdout } = copy.upgrade('../template');
    expect(stdout).toContain('?[2JAll is well.?');
  });
});
