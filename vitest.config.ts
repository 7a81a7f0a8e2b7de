import { defineConfig } from 'vitest/config';

/**
 * What takes long (`npm run test:slow`): copies of the project, servers that start, stop or fail while others use them,
 * how work grows with its input, and most of what a browser is needed for.
 */
const slow = [
  ...['adopt', 'production-install'],
  ...['dev-run', 'sessions-cluster', 'sessions-redis-faults', 'start-and-stop'],
  'growth*',
  ...['*-in-chromium', 'pages-look'],
].map((name) => `test/${name}.test.ts`);

export default defineConfig(({ mode }) => ({
  test: {
    ...(mode === 'slow' ? { include: slow } : { include: ['test/**/*.test.ts'], exclude: slow }),
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // One more than the cores that we count on: many tests wait for servers and browsers.
    maxWorkers: 3,
    // oidc-provider warns of each Node that is not yet called LTS; ours is pinned.
    onConsoleLog: (text) => !text.includes('Unsupported runtime'),
  },
}));
