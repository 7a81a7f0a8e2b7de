import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Refusal } from './refusal.ts';
import { type FileContent, statAt } from './tree.ts';

/** What an upgrade does to the copy. It is collected first and written at the end, when nothing can be refused any more. */
export interface Changes {
  writes: Map<string, FileContent>;
  deletes: Set<string>;
}

/** @throws Refusal where something is written through a link, or a folder and a file have the same name */
export function checkTargets(root: string, { writes, deletes }: Changes): void {
  for (const path of [...writes.keys(), ...deletes]) {
    const parts = path.split('/');
    for (const at of parts.keys()) {
      const part = parts.slice(0, at + 1).join('/');
      const stat = statAt(root, part);
      if (stat?.isSymbolicLink())
        throw new Refusal(
          `${part} is a symbolic link here, and the upgrade would write ${path}. It does not follow links: replace it with what it links to, or remove it, and commit.`,
        );
      const isLast = at === parts.length - 1;
      if (stat && (isLast ? !stat.isFile() : !stat.isDirectory()) && !deletes.has(part))
        throw new Refusal(
          `${part} is a ${stat.isDirectory() ? 'folder' : 'file'} here, and the upgrade would write ${path}. Move yours elsewhere, and commit.`,
        );
    }
  }
}

/**
 * Writes everything, or, where that fails in the middle, puts everything back.
 *
 * @throws Refusal where a file cannot be written
 */
export function apply(root: string, { writes, deletes }: Changes): void {
  const before = new Map<string, FileContent | undefined>();
  for (const path of [...deletes, ...writes.keys()]) before.set(path, current(root, path));
  try {
    // First what goes: a file may make way for a folder, or for a name that differs in capitals only.
    for (const path of deletes) remove(root, path);
    for (const [path, file] of writes) write(root, path, file);
  } catch (error) {
    for (const [path, file] of before) if (!file) attempt(() => remove(root, path));
    for (const [path, file] of before) {
      // What could not be written is as it was, and could not be written now either.
      if (file && !current(root, path)?.content.equals(file.content)) write(root, path, file);
    }
    throw new Refusal(`${(error as Error).message}. Everything was put back as it was.`);
  }
}

function current(root: string, path: string): FileContent | undefined {
  const stat = statAt(root, path);
  if (!stat) return undefined;
  return { content: readFileSync(join(root, path)), executable: (stat.mode & 0o111) !== 0 };
}

function write(root: string, path: string, { content, executable }: FileContent): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  const mode = executable ? 0o755 : 0o644;
  const changes = existsSync(file) && ((lstatSync(file).mode & 0o111) !== 0) !== executable;
  writeFileSync(file, content, { mode });
  if (changes) chmodSync(file, mode);
}

/** Deletes a file, with the folders that are empty then: git has none. */
export function remove(root: string, path: string): void {
  rmSync(join(root, path), { force: true });
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    if (!existsSync(join(root, folder)) || readdirSync(join(root, folder)).length > 0) return;
    rmdirSync(join(root, folder));
  }
}

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // What could not be written cannot be removed either; the rest must still be put back.
  }
}
