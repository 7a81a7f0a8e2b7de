import { chmodSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { remove } from '../../src/kit/upgrade/apply.ts';
import { Refusal } from '../../src/kit/upgrade/refusal.ts';
import { statAt } from '../../src/kit/upgrade/tree.ts';

/** What adopt writes and deletes. */
export interface Changes {
  writes: Map<string, { text: string; mode?: number }>;
  deletes: Set<string>;
}

/**
 * Does the changes, and hands back what puts everything as it was, byte for byte.
 *
 * @throws Refusal where a file cannot be written, or a link leads elsewhere; everything is as it was then
 */
export function apply(root: string, { writes, deletes }: Changes): () => void {
  for (const path of [...deletes, ...writes.keys()]) refuseLink(root, path);
  const before = [...deletes, ...writes.keys()].map((path) => ({ path, was: current(join(root, path)) }));
  const undo = () => {
    for (const { path, was } of before) {
      if (!was) {
        remove(root, path);
        continue;
      }
      // What could not be written is as it was, and could not be written now either.
      if (current(join(root, path))?.content.equals(was.content)) continue;
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), was.content);
      chmodSync(join(root, path), was.mode);
    }
  };
  try {
    for (const path of deletes) remove(root, path);
    for (const [path, { text, mode }] of writes)
      writeFileSync(join(root, path), text, mode === undefined ? {} : { mode });
  } catch (error) {
    undo();
    throw new Refusal(`${(error as Error).message}. Everything was put back as it was.`);
  }
  return undo;
}

/** What is behind a link may be outside the project, where git could not bring it back. */
function refuseLink(root: string, path: string): void {
  const parts = path.split('/');
  for (const at of parts.keys()) {
    const part = parts.slice(0, at + 1).join('/');
    if (statAt(root, part)?.isSymbolicLink())
      throw new Refusal(
        `${part} is a symbolic link here, and adopt would change ${path}. It does not follow links: replace it with what it links to, and commit.`,
      );
  }
}

function current(file: string): { content: Buffer; mode: number } | undefined {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  return stat && { content: readFileSync(file), mode: stat.mode & 0o777 };
}
