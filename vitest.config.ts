import { defineConfig } from 'vitest/config';

/**
 * `vitest run` runs the site's own tests, in seconds. `--mode kit` runs those of the kit, `--mode all` every
 * test of every folder, `--mode slow` what takes long: files named `*.slow.test.ts`.
 */
const folders: Record<string, string> = {
  kit: 'src/kit/test',
  all: '.',
  slow: '.',
};

export default defineConfig(({ mode }) => {
  const kind = mode === 'slow' ? '*.slow.test.ts' : '*.test.ts';
  return {
    test: {
      include: [`${folders[mode] ?? 'test'}/**/${kind}`],
      exclude: ['**/node_modules/**', ...(mode === 'slow' ? [] : ['**/*.slow.test.ts'])],
      // Says once for the whole run which programs are missing.
      ...(mode in folders && { globalSetup: 'src/kit/test/helpers/missing-programs.ts' }),
      testTimeout: 20_000,
      hookTimeout: 30_000,
      // One more than the cores that we count on: many tests wait for servers and browsers.
      maxWorkers: 3,
      // oidc-provider warns of each Node that is not yet called LTS; ours is pinned.
      onConsoleLog: (text) => !text.includes('Unsupported runtime'),
    },
  };
});
