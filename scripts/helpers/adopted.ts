import { expect, test } from 'vitest';
import type { Copy } from './copies.ts';

/** Each takes seconds, but may run beside other tests that need the whole machine. */
const limit = 120_000;

/** Two tests: that `npm run check` passes, and `npm test` with a sign-in. */
export function itWorks(copyOf: () => Copy): void {
  test(
    'passes its checks: types, format, lint, licences, the kit as it came',
    () => {
      const { status, stdout, stderr } = copyOf().npm('run', 'check');
      expect(status, stdout + stderr).toBe(0);
      expectUnchanged(stdout);
    },
    limit,
  );
  itSignsIn(copyOf);
}

/**
 * As itWorks, without the checks that cannot differ from copy to copy: adopt itself has just looked at the types of the
 * site, and those of the kit and its tests are the same files everywhere, as are the licences.
 *
 * @param also.signsIn false where the files are those of another copy whose tests run already
 */
export function itFits(copyOf: () => Copy, { signsIn = true } = {}): void {
  test(
    'passes the checks of format, unused dependencies, and the kit as it came',
    () => {
      const packages = 'node_modules';
      for (const program of [
        [`${packages}/@biomejs/biome/bin/biome`, 'check', '.'],
        [`${packages}/knip/bin/knip.js`],
      ]) {
        const { status, stdout, stderr } = copyOf().node(...program);
        expect(status, stdout + stderr).toBe(0);
      }
      expectUnchanged(copyOf().node('src/kit/upgrade/check.ts').stdout);
    },
    limit,
  );
  if (signsIn) itSignsIn(copyOf);
}

function itSignsIn(copyOf: () => Copy): void {
  test(
    'passes its tests, and signs somebody in',
    () => {
      const { status, stdout, stderr } = copyOf().npm('test');
      expect(status, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/✓ test\/sign-in\.test\.ts/);
    },
    limit,
  );
}

function expectUnchanged(said: string): void {
  expect(said).toMatch(/^kit \d+\.\d+\.\d+, unchanged$/m);
  expect(said).not.toMatch(/^Shared files that you changed/m);
}

export function expectAdopted(copy: Copy, ...args: string[]): string {
  const { status, stdout, stderr } = copy.adopt('my-app', ...args);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^This is my-app now/);
  return stdout;
}

export const exampleFiles = [
  'src/pages/notes.ts',
  'src/pages/admin.ts',
  'src/data/database.ts',
  'views/notes.ejs',
  'test/notes.test.ts',
  'test/admin.test.ts',
  'test/settings.env',
];

export function expectNoExample(copy: Copy): void {
  for (const path of exampleFiles) expect(copy.has(path), path).toBe(false);
  expect(copy.read('src/site.ts')).not.toContain('// example');
}

/** A page of the copier's, as Biome formats it. */
export function ownPage(name: string, model: string, head = ''): string {
  const kit = "import { definePage } from '#kit';\n";
  return `${kit}${head && `${head}\n`}
export const ${name}Page = definePage({
  path: '/${name}',
  title: 'Mine',
  access: 'signed-in',
  view: '${name}',
  model: ${model},
});
`;
}
