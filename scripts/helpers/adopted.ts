import { expect, test } from 'vitest';
import type { Copy } from './copies.ts';

/** Each runs the whole check or all tests of a copy. */
const limit = 120_000;

/** A test of the site, which signs somebody in. */
const signInTest = `import { expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

test('alice signs in and sees her profile', async () => {
  await using app = await startTestApp({ site });
  const alice = await app.signIn('alice');
  const page = await alice.get('/profile');
  expect([page.status, page.path]).toEqual([200, '/profile']);
});
`;

/** Two tests: that `npm run check` passes, and `npm test` with a sign-in. */
export function itWorks(copyOf: () => Copy): void {
  test(
    'passes its checks: types, format, unused dependencies, licences, the kit as it came',
    () => {
      const copy = copyOf().write({ 'test/sign-in.test.ts': signInTest });
      const { status, stdout, stderr } = copy.npm('run', 'check');
      expect(status, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/^kit \d+\.\d+\.\d+, unchanged$/m);
      expect(stdout).not.toMatch(/^Yours by now/m);
    },
    limit,
  );

  test(
    'passes its tests, and signs somebody in',
    () => {
      const copy = copyOf().write({ 'test/sign-in.test.ts': signInTest });
      const { status, stdout, stderr } = copy.npm('test');
      expect(status, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/sign-in\.test\.ts/);
    },
    limit,
  );
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
