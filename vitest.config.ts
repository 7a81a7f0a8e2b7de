import { defineConfig } from 'vitest/config';

/**
 * What takes long: copies of the project, servers that stop or fail while others use them, and how work grows with its
 * input (`npm run test:slow`).
 */
const slow = ['adopt', 'growth*', 'production-install', 'sessions-cluster', 'start-and-stop'].map(
  (name) => `test/${name}.test.ts`,
);

export default defineConfig(({ mode }) => ({
  test: {
    ...(mode === 'slow' ? { include: slow } : { include: ['test/**/*.test.ts'], exclude: slow }),
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Twice the cores that we count on: many tests wait for servers and browsers.
    maxWorkers: 4,
    // oidc-provider warns of each Node that is not yet called LTS; ours is pinned.
    onConsoleLog: (text) => !text.includes('Unsupported runtime'),
  },
}));
