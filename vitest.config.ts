import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * `vitest run` runs the site's own tests, in seconds. `--mode kit` runs those of the kit, `--mode all` every
 * test of every folder, `--mode slow` what takes long: files named `*.slow.test.ts`.
 */
const folders: Record<string, string> = {
  kit: 'src/kit/test',
  all: '.',
  slow: '.',
};

/** Files that allow a test more time start first, so that none of them is still running when all others have ended. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const limits = new Map(sorted.map((file) => [file, longestLimitIn(file.moduleId)]));
    return sorted.sort((one, other) => (limits.get(other) ?? 0) - (limits.get(one) ?? 0));
  }
}

const own = join(import.meta.dirname, 'test/global-setup.ts');

export default defineConfig(({ mode }) => {
  const kind = mode === 'slow' ? '*.slow.test.ts' : '*.test.ts';
  return {
    test: {
      include: [`${folders[mode] ?? 'test'}/**/${kind}`],
      exclude: ['**/node_modules/**', ...(mode === 'slow' ? [] : ['**/*.slow.test.ts'])],
      globalSetup: [
        // The PostgreSQL that test/settings.env asks for.
        ...(mode === 'kit' ? [] : ['src/kit/testing/shared-postgres.ts']),
        // Your own, such as another server that all tests use.
        ...(mode !== 'kit' && existsSync(own) ? [own] : []),
        // Says once for the whole run which programs are missing.
        ...(mode in folders ? ['src/kit/test/helpers/missing-programs.ts'] : []),
      ],
      ...(mode in folders && {
        // The files of a worker share what they import, which takes half the time. Slow ones import little of their time,
        // and some measure their process. The site's own tests run by themselves each: they may replace a module, which
        // the next file would find replaced.
        isolate: mode === 'slow',
        sequence: { sequencer: LongestFirst },
      }),
      testTimeout: 20_000,
      hookTimeout: 30_000,
      // Two more than the cores that we count on: many tests wait for servers and browsers.
      maxWorkers: 4,
      // oidc-provider warns of each Node that is not yet called LTS; ours is pinned.
      onConsoleLog: (text) => !text.includes('Unsupported runtime'),
    },
  };
});

/** In seconds, of the limits that a test file sets; 0 where it sets none. */
function longestLimitIn(file: string): number {
  const limits = readFileSync(file, 'utf8').matchAll(/(?:imeout: |\}, )(\d+)_000\b/g);
  return Math.max(0, ...[...limits].map(([, seconds]) => Number(seconds)));
}
