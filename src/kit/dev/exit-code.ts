import { readFileSync, renameSync, writeFileSync } from 'node:fs';

// How the app has ended, which `node --watch` keeps to itself. A message would get lost: what is still on its way when a
// process ends goes with it, and the app reports each file that it loads by the same way.

/** Does nothing where the folder is gone: nobody waits for it any more. */
export function leaveExitCode(file: string, code: number): void {
  try {
    writeFileSync(`${file}.new`, String(code));
    // Whoever looks finds all of it, or nothing.
    renameSync(`${file}.new`, file);
  } catch {}
}

/** Undefined while the app has not ended yet. */
export function exitCodeIn(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
