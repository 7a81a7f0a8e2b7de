import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    // oidc-provider warns of each Node that is not yet called LTS; ours is pinned.
    onConsoleLog: (text) => !text.includes('Unsupported runtime'),
  },
});
