import { chmodSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ownPage } from './helpers/adopted.ts';
import { type Copies, type Copy, prepareCopies } from './helpers/copies.ts';

// What `npm run adopt` refuses, in real copies of this tree.

// Each adopts a copy, and TypeScript looks at all of it.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let copies: Copies;
beforeAll(() => {
  copies = prepareCopies();
});
afterAll(() => copies?.remove());

describe('everything is as it was, byte for byte,', () => {
  test('where Ctrl-C ends the check of the types', () => {
    const copy = copies.files('stopped');
    const stop = "process.kill(process.pid, 'SIGINT');\nsetInterval(() => {}, 1_000);\n";
    copy.write({ node_modules: null }).write({ 'node_modules/typescript/bin/tsc': stop });
    // Modes count, too.
    chmodSync(join(copy.folder, 'scripts/adopt.ts'), 0o755);
    chmodSync(join(copy.folder, 'README.md'), 0o600);
    const before = copy.snapshot();
    const { status, stderr } = copy.adopt('my-app');
    expect([status, stderr]).toEqual([1, 'You stopped it, so everything was put back as it was.\n']);
    expect(copy.snapshot()).toEqual(before);
  });

  test('where the types do not fit afterwards; the errors are shown', () => {
    const copy = copies.clone('misfit');
    copy.write({ 'src/pages/mine.ts': ownPage('mine', "() => ({ wrong: 'text' * 2 })") }).commit();
    const before = copy.snapshot();
    const { status, stderr, stdout } = copy.adopt('my-app');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^The types have errors after that, so everything was put back as it was:\n/);
    expect(stderr).toMatch(/src\/pages\/mine\.ts\(\d+,\d+\): error TS2362/);
    expect(copy.snapshot()).toEqual(before);
    expect(copy.git('status', '--porcelain')).toBe('');
  });

  describe('after a refusal in a sentence', () => {
    let copy: Copy;
    beforeAll(() => {
      copy = copies.clone('refusals');
    });

    test.each([
      ['no name', []],
      ['two names', ['my', 'app']],
      ['an empty name', ['']],
      ['a name with capitals', ['MyApp']],
      ['a name with a blank', ['my app']],
      ['an option that it does not know', ['--help']],
      ['a mistyped option', ['my-app', '--keep-example']],
      ['a path', ['../my-app']],
      ['a path in a scope', ['@me/my-app']],
      ["the template's own name", ['express-confidential-web-app']],
      ['a name that npm does not allow', ['node_modules']],
      ['a name of 300 characters', ['a'.repeat(300)]],
      ['a line feed in the name', ['my-app\n']],
    ])('%s', (_what, args) => {
      const { status, stderr, stdout } = copy.node('scripts/adopt.ts', ...args);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^[A-Z][^\n]+\n$/);
      expect(copy.git('status', '--porcelain')).toBe('');
      expect(copy.has('.env')).toBe(false);
    });

    test('the option where npm keeps it for itself', () => {
      const { status, stderr } = copy.npm('run', '--silent', 'adopt', 'my-app', '--keep-examples');
      expect([status, stderr]).toEqual([1, expect.stringMatching(/Put two hyphens before the name/)]);
      expect(copy.git('status', '--porcelain')).toBe('');
    });

    test('changes that are not committed', () => {
      copy.write({ 'mine.txt': 'mine' });
      const { status, stderr } = copy.adopt('my-app');
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(/^There are changes that are not committed \(mine\.txt\)/),
      ]);
      expect(copy.git('status', '--porcelain').trim()).toBe('?? mine.txt');
      copy.write({ 'mine.txt': null });
    });

    test('a package-lock.json that is none', () => {
      const text = copy.read('package.json');
      copy.write({ 'package-lock.json': '{}' }).commit();
      const { status, stderr } = copy.adopt('my-app');
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(/^package-lock\.json is not as npm writes it/),
      ]);
      expect([copy.git('status', '--porcelain'), copy.read('package.json')]).toEqual(['', text]);
      copy.git('reset', '--quiet', '--hard', 'HEAD~1');
    });

    test.each([
      ['example', '../outside.txt'],
      ['templateOnly', '/tmp/outside.txt'],
      ['rewritten', '.git/config'],
    ])('a kit.json that lists in "%s" the name %s', (list, path) => {
      const text = copy.read('src/kit/kit.json');
      const json = JSON.parse(text);
      json[list][path] = 'a'.repeat(64);
      copy.write({ 'src/kit/kit.json': JSON.stringify(json) }).commit();
      const { status, stderr } = copy.adopt('my-app');
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(/^("example" of )?src\/kit\/kit\.json names ".*": the name /),
      ]);
      expect(copy.git('status', '--porcelain')).toBe('');
      copy.write({ 'src/kit/kit.json': text }).commit();
    });

    test.skipIf(process.platform === 'win32').each(['src/site.ts', 'bench'])(
      'a link in the place of %s, which it would have to follow',
      (path) => {
        copy.git('reset', '--quiet', '--hard', 'HEAD');
        const outside = copies.place(`outside ${path.replace('/', ' ')}`);
        renameSync(join(copy.folder, path), outside);
        symlinkSync(outside, join(copy.folder, path));
        copy.commit();
        const { status, stderr } = copy.adopt('my-app');
        expect([status, stderr]).toEqual([1, expect.stringContaining(`${path} is a symbolic link here`)]);
        expect(copy.git('status', '--porcelain')).toBe('');
        copy.git('reset', '--quiet', '--hard', 'HEAD~1');
      },
    );
  });
});
