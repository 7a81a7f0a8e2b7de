import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { askGit, byNul } from './git.ts';
import { patchFile, readingFile } from './offers.ts';
import { listed } from './refusal.ts';

/**
 * What is left to do of an upgrade, in words; undefined where nothing is. The next upgrade starts from the new version: a
 * change that waits in one of these files would never be offered again.
 */
export function pendingUpgrade(root: string): string | undefined {
  const left = [patchFile, readingFile].filter((path) => existsSync(join(root, path)));
  const rejected = inGit(root, [
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    '*.rej',
  ]);
  // The markers as `npm run upgrade` writes them.
  const marked = inGit(root, ['grep', '-lz', '--untracked', '-E', '^<<<<<<< yours\r?$', '--', '.']);
  const lines = [
    ...left.map((path) => `${path}: do what its first lines say, and delete it`),
    ...rejected
      // Not the data of an app that has such names.
      .filter((path) => existsSync(join(root, path)) && existsSync(join(root, path.replace(/\.rej$/, ''))))
      .map((path) => `${path}: bring in by hand what git could not apply, and delete it`),
    ...marked.map((path) => `${path}: choose between the lines that the conflict markers are around`),
  ];
  return lines.length === 0 ? undefined : `An upgrade is not finished:\n${listed(lines)}`;
}

function inGit(root: string, args: readonly string[]): string[] {
  const { status, stdout } = askGit(args, { cwd: root });
  return status === 0 ? [...new Set(byNul(stdout))] : [];
}
