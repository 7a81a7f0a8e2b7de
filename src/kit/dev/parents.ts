import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** npm, and the shell between it and us, may be killed without a word: then we have nobody to work for. */
export function watchParents(end: () => void): void {
  const parents = [process.ppid, parentOf(process.ppid)].filter((pid) => pid > 1);
  setInterval(() => parents.every(isAlive) || end(), 500).unref();
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** 0 where the system does not say. */
function parentOf(pid: number): number {
  try {
    if (process.platform === 'linux') {
      return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^PPid:\s*(\d+)/m)?.[1]);
    }
    // Windows has no ps. There a console that closes ends all that runs in it.
    if (process.platform === 'win32') return 0;
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { stdio: 'pipe' }));
  } catch {
    return 0;
  }
}
