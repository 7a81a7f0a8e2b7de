import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { askGit } from './git.ts';
import { withLf } from './kit-file.ts';
import type { FileContent } from './tree.ts';

/** Both sides of a file; undefined where it is not there on that side. */
export interface Sides {
  path: string;
  from: FileContent | undefined;
  to: FileContent | undefined;
}

/**
 * The differences as `git apply` takes them. `temporary` is a folder for both sides. `prefix` is the way from git's top to
 * the project: `git apply` reads the names of a git patch from the top, wherever it is called, and skips other files
 * without a word.
 */
export function diffOf(files: readonly Sides[], temporary: string, prefix = ''): string {
  const folder = join(temporary, 'diff');
  for (const { path, from, to } of files) {
    put(join(folder, 'a', prefix, path), from);
    put(join(folder, 'b', prefix, path), to);
  }
  for (const side of ['a', 'b']) mkdirSync(join(folder, side), { recursive: true });
  const options = ['--no-prefix', '--no-ext-diff', '--no-textconv', '--no-color', '--no-renames', '--binary'];
  // The two folders themselves are the prefixes a/ and b/ that a patch has.
  const { status, stdout, stderr } = askGit(['diff', '--no-index', ...options, 'a', 'b'], {
    cwd: folder,
    plain: true,
  });
  rmSync(folder, { recursive: true, force: true });
  if (status > 1) throw new Error(`git diff failed: ${stderr}`);
  return stdout.toString('latin1');
}

/** With the line endings of `like`, so that a patch fits a file that has CRLF. */
export function endedLike(file: FileContent, like: Buffer): FileContent {
  if (!like.includes('\r\n') || isBinary(file.content)) return file;
  const text = withLf(file.content).toString('latin1').replaceAll('\n', '\r\n');
  return { ...file, content: Buffer.from(text, 'latin1') };
}

/** As a template's text is written: with LF, as its .gitattributes says. A picture is left as it is. */
export function asWritten(file: FileContent): FileContent {
  return isBinary(file.content) ? file : { ...file, content: withLf(file.content) };
}

export interface Merged {
  content: Buffer;
  conflict: boolean;
}

/** Three-way, as git merges a file: where both changed the same lines, both stay, between conflict markers. */
export function mergeFiles(
  sides: { yours: Buffer; base: Buffer; theirs: Buffer },
  labels: { base: string; theirs: string },
  temporary: string,
): Merged {
  for (const [name, content] of Object.entries(sides)) writeFileSync(join(temporary, name), withLf(content));
  const names = ['-L', 'yours', '-L', labels.base, '-L', labels.theirs];
  const args = ['merge-file', '--stdout', ...names, 'yours', 'base', 'theirs'];
  const { status, stdout } = askGit(args, { cwd: temporary, plain: true });
  // 255: git merges no binary file. Yours stays then.
  if (status > 127) return { content: sides.yours, conflict: true };
  return { content: stdout, conflict: status !== 0 };
}

/**
 * The content that a file had when its hash was the given one, from the copy's own history: whoever edited a file of the
 * kit most often committed it before as it came.
 */
export function fromHistory(
  root: string,
  path: string,
  hash: string,
  hashOf: (content: Buffer) => string,
): Buffer | undefined {
  const { stdout } = askGit(['rev-list', '--max-count=200', 'HEAD', '--', path], { cwd: root });
  for (const commit of stdout.toString().split('\n').filter(Boolean)) {
    const { status, stdout: content } = askGit(['cat-file', 'blob', `${commit}:./${path}`], { cwd: root });
    if (status === 0 && hashOf(content) === hash) return content;
  }
  return undefined;
}

function put(path: string, file: FileContent | undefined): void {
  if (!file) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.content, { mode: file.executable ? 0o755 : 0o644 });
}

export function isBinary(content: Buffer): boolean {
  return content.subarray(0, 8_000).includes(0);
}
