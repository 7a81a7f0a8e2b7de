import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeBlocks, fileOf, kitDoc } from './helpers/docs.ts';

// Somebody who follows docs/guide.md stops after any chapter, and has an app that works.

const guide = kitDoc('docs/guide.md');

/** What each chapter writes. */
const chapters = (guide ?? '').split(/^(?=## )/m).map((text) => ({
  title: /^## (.*)/.exec(text)?.[1] ?? '',
  files: codeBlocks(text).map(({ code }) => ({ path: fileOf(code) ?? '', code })),
}));

/** Which chapter writes each of these first. */
function firstOf(named: (file: { path: string; code: string }) => string[]): Map<string, number> {
  const all = chapters.flatMap(({ files }, index) =>
    files.flatMap(named).map((name) => [name, index] as const),
  );
  return new Map(all.toReversed());
}

/** What a block uses that only a later chapter brings. */
function usedTooEarly(
  names: ReadonlyMap<string, number>,
  used: (file: { path: string; code: string }) => string[],
) {
  return chapters.flatMap(({ title, files }, index) =>
    files.flatMap((file) =>
      used(file)
        .filter((name) => (names.get(name) ?? -1) > index)
        .map((name) => `${file.path} in "${title}" uses ${name}`),
    ),
  );
}

describe.skipIf(!guide)('a chapter of docs/guide.md', () => {
  test('imports no file that only a later one writes', () => {
    const written = firstOf(({ path }) => [path]);
    const imported = ({ path, code }: { path: string; code: string }) =>
      [...code.matchAll(/from '(\.[^']+)'/g)].map(([, to = '']) => posix.join(posix.dirname(path), to));
    expect(written.size).toBeGreaterThan(30);
    expect(usedTooEarly(written, imported)).toEqual([]);
  });

  test('has no test that opens a page which only a later one adds', () => {
    const pages = firstOf(({ code }) =>
      [...code.matchAll(/^ {2}path: '([^']+)'/gm)].map(([, path = '']) => path),
    );
    const opened = ({ path, code }: { path: string; code: string }) =>
      path.startsWith('test/') ? [...code.matchAll(/'(\/[\w/-]*)/g)].map(([, page = '']) => page) : [];
    expect(pages.size).toBeGreaterThan(10);
    expect(usedTooEarly(pages, opened)).toEqual([]);
  });
});
