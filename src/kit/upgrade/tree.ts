import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { byNul, git } from './git.ts';
import { Refusal } from './refusal.ts';

export interface Entry {
  /** A link is never followed; what is neither file nor link is a device, a socket or a submodule. */
  kind: 'file' | 'link' | 'other';
  executable: boolean;
}

export interface FileContent {
  content: Buffer;
  executable: boolean;
}

/** The files of a template, from a folder or from a commit, without a checkout. */
export interface Tree {
  entries: ReadonlyMap<string, Entry>;
  /** @throws Refusal where there is no such file */
  read(path: string): FileContent;
}

/** What a folder holds as it is now. git's own folder and installed packages are no part of a template. */
export function folderTree(root: string): Tree {
  const entries = new Map<string, Entry>();
  walk(root, '', (path, entry) => entries.set(path, entry));
  return {
    entries,
    read: (path) => ({
      content: readFileSync(join(root, fileOf(entries, path))),
      executable: entries.get(path)?.executable ?? false,
    }),
  };
}

/**
 * What a commit holds. Only objects are read: there is no checkout that would run filters, follow links or start hooks.
 * `env` says where git finds the objects.
 */
export function commitTree(repository: string, commit: string, env?: Record<string, string>): Tree {
  const options = { cwd: repository, plain: true, ...(env && { env }) };
  const entries = new Map<string, Entry>();
  const objects = new Map<string, string>();
  for (const line of byNul(git(['ls-tree', '-r', '-z', '--full-tree', commit], options))) {
    const tab = line.indexOf('\t');
    const [mode = '', type, object = ''] = line.slice(0, tab).split(' ');
    const path = line.slice(tab + 1);
    const kind = type !== 'blob' ? 'other' : mode === '120000' ? 'link' : 'file';
    entries.set(path, { kind, executable: mode === '100755' });
    objects.set(path, object);
  }
  let contents: Map<string, Buffer> | undefined;
  const contentOf = (object: string) => {
    contents ??= blobs(
      git(['cat-file', '--batch'], { ...options, input: [...objects.values(), ''].join('\n') }),
    );
    return contents.get(object) ?? Buffer.alloc(0);
  };
  return {
    entries,
    read: (path) => ({
      content: contentOf(objects.get(fileOf(entries, path)) ?? ''),
      executable: entries.get(path)?.executable ?? false,
    }),
  };
}

/** What is at a path, links not followed; undefined where nothing is, or where a file is in the place of a folder. */
export function statAt(root: string, path: string): Stats | undefined {
  try {
    return lstatSync(join(root, path), { throwIfNoEntry: false });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Every file and link below a folder, by its path with slashes. */
export function walk(root: string, below: string, found: (path: string, entry: Entry) => void): void {
  for (const name of readdirSync(join(root, below))) {
    if (name === '.git' || name === 'node_modules') continue;
    const path = below === '' ? name : `${below}/${name}`;
    const stat = lstatSync(join(root, path));
    if (stat.isDirectory()) walk(root, path, found);
    else {
      const kind = stat.isSymbolicLink() ? 'link' : stat.isFile() ? 'file' : 'other';
      found(path, { kind, executable: (stat.mode & 0o111) !== 0 });
    }
  }
}

/** What `git cat-file --batch` prints: for each object a line with its name, type and size, the bytes, a line feed. */
function blobs(output: Buffer): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf('\n', at);
    const [object = '', type, size] = output.toString('latin1', at, end).split(' ');
    // "<object> missing": a submodule's commit is in another repository.
    const length = type === 'missing' ? -1 : Number(size);
    if (length >= 0) found.set(object, output.subarray(end + 1, end + 1 + length));
    at = end + 1 + length + 1;
  }
  return found;
}

function fileOf(entries: ReadonlyMap<string, Entry>, path: string): string {
  if (entries.get(path)?.kind !== 'file') throw new Refusal(`The template has no file ${path}.`);
  return path;
}
