import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../src/kit/folders.ts';

export const checkout = projectRoot;

export interface TreeCopy {
  folder: string;
  remove(): void;
}

/** A copy of what is under version control or would be, in a folder of its own, without what `leaveOut` matches. */
export function copyTree(leaveOut?: RegExp, folderName = 'copy-of-the-app-'): TreeCopy {
  const folder = mkdtempSync(join(tmpdir(), folderName));
  const files = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { cwd: checkout });
  for (const name of files.toString().split('\0')) {
    // A file that was deleted and not committed yet is still listed.
    if (!name || leaveOut?.test(name) || !existsSync(join(checkout, name))) continue;
    cpSync(join(checkout, name), join(folder, name));
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
