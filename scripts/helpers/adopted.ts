import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Copy } from './copies.ts';

/** Each takes seconds, but may run beside other tests that need the whole machine. */
const limit = 120_000;

/**
 * Two tests: of what `npm run check` checks, without what cannot differ from copy to copy, and `npm test` with a sign-in.
 * Adopt itself has just looked at the types of the site. The kit's files are the template's, as the last of these checks
 * shows, and the template's own `npm run check` looks at their types, format and licences.
 *
 * @param also.signsIn false where the files are those of another copy whose tests run already
 * @param also.allTests where the site's tests may differ from those of a copy that runs them all
 */
export function itFits(copyOf: () => Copy, { signsIn = true, allTests = false } = {}): void {
  test(
    'passes the checks of format, unused dependencies, and the kit as it came',
    () => {
      const copy = copyOf();
      expectFits(copy);
      expectUnchanged(copy.node('src/kit/upgrade/check.ts').stdout);
    },
    limit,
  );
  // One process for all files takes half the time.
  const files = allTests ? [] : ['test/sign-in.test.ts', 'test/site.test.ts'];
  if (signsIn) itSignsIn(copyOf, '--no-isolate', '--maxWorkers=1', ...files);
}

/** That the checks of format and unused dependencies pass. */
export function expectFits(copy: Pick<Copy, 'folder' | 'node'>): void {
  const packages = 'node_modules';
  for (const program of [
    [`${packages}/@biomejs/biome/bin/biome`, 'check', ...outsideTheKit(copy)],
    [`${packages}/knip/bin/knip.js`],
  ]) {
    const { status, stdout, stderr } = copy.node(...program);
    expect(status, stdout + stderr).toBe(0);
  }
}

/** Every file and folder but the kit, what git keeps and what is installed. */
function outsideTheKit({ folder }: Pick<Copy, 'folder'>): string[] {
  const within = (below: string, ...without: string[]) =>
    readdirSync(join(folder, below))
      .filter((name) => !without.includes(name))
      .map((name) => `${below}${name}`);
  return [...within('', '.git', 'node_modules', 'src'), ...within('src/', 'kit')];
}

/** The copies share `node_modules`, and with it a cache: a file that one writes may be away for another. */
export const ownCache = '--fsModuleCache=false';

/** That `npm test` passes, with a sign-in. */
export function itSignsIn(copyOf: () => Copy, ...options: string[]): void {
  test(
    'passes its tests, and signs somebody in',
    () => {
      const { status, stdout, stderr } = copyOf().npm('test', '--', ownCache, ...options);
      expect(status, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/✓ test\/sign-in\.test\.ts/);
    },
    limit,
  );
}

export function expectUnchanged(said: string): void {
  expect(said).toMatch(/^kit \d+\.\d+\.\d+, unchanged$/m);
  expect(said).not.toMatch(/^Shared files that you changed/m);
}

export function expectAdopted(copy: Copy, ...args: string[]): string {
  const { status, stdout, stderr } = copy.adopt('my-app', ...args);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^This is my-app now/);
  return stdout;
}

/** For a copy whose types are those of another one: adopting does not look at them where nothing is installed. */
export const notInstalled = { node_modules: null };

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
