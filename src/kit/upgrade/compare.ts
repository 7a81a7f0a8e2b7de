import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf, isOfKit, type Kit, kitFolder } from './kit-file.ts';
import { statAt, walk } from './tree.ts';

/** How the kit of a copy differs from what its kit.json says. */
export interface Differences {
  changed: string[];
  missing: string[];
  added: string[];
}

/** `ignored` says which of the added files git leaves out: what an editor or the system keeps beside the files. */
export function compareKit(root: string, kit: Kit, ignored: (paths: string[]) => Set<string>): Differences {
  const differences: Differences = { changed: [], missing: [], added: [] };
  for (const [path, hash] of kit.files) {
    const found = hashAt(root, path);
    if (found === undefined) differences.missing.push(path);
    else if (found !== hash) differences.changed.push(path);
  }
  const added: string[] = [];
  if (existsSync(join(root, kitFolder)))
    walk(root, kitFolder.slice(0, -1), (path) => {
      if (isOfKit(path) && !kit.files.has(path)) added.push(path);
    });
  const leftOut = ignored(added);
  differences.added.push(...added.filter((path) => !leftOut.has(path)));
  return differences;
}

export function isUnchanged({ changed, missing, added }: Differences): boolean {
  return changed.length + missing.length + added.length === 0;
}

export function listDifferences({ changed, missing, added }: Differences): string[] {
  return [
    ...changed.map((path) => `changed  ${path}`),
    ...missing.map((path) => `missing  ${path}`),
    ...added.map((path) => `added    ${path}`),
  ];
}

/** Undefined where there is nothing. A link or a folder is there, and is no file that a template brought. */
export function hashAt(root: string, path: string): string | undefined {
  const stat = statAt(root, path);
  if (!stat) return undefined;
  return stat.isFile() ? hashOf(readFileSync(join(root, path))) : 'not a file';
}
