import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { projectRoot as checkout } from '../../folders.ts';

export interface KitCopy {
  folder: string;
  remove(): void;
}

/**
 * A copy of the kit and of what it is installed by, in a folder of its own, without what `leaveOut` matches. It has
 * nothing of the app that the kit carries, which may be any.
 */
export function copyKit(leaveOut?: RegExp): KitCopy {
  const folder = mkdtempSync(join(tmpdir(), 'copy-of-the-kit-'));
  const wanted = (path: string) => !leaveOut?.test(relative(checkout, path).split(sep).join('/'));
  for (const name of ['src/kit', 'package.json', 'package-lock.json']) {
    if (existsSync(join(checkout, name)))
      cpSync(join(checkout, name), join(folder, name), { recursive: true, filter: wanted });
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
