import { hash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './parents.ts';

/**
 * A folder for the sessions of this run of `npm run dev`, which only its user can open. It goes when this process ends;
 * where the process was killed, the next run removes it.
 */
export function makeKeptFolder(): string {
  // Two projects, or two machines with one /tmp, do not remove each other's.
  const prefix = `npm-run-dev-${hash('sha256', `${hostname()} ${process.cwd()}`).slice(0, 12)}-`;
  removeLeftOvers(prefix);
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  process.once('exit', () => remove(folder));
  return folder;
}

function removeLeftOvers(prefix: string): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number(/^(\d+)-\w{6}$/.exec(name.slice(prefix.length))?.[1]);
    if (!pid || (pid !== process.pid && isAlive(pid))) continue;
    const folder = join(tmpdir(), name);
    const about = lstatSync(folder, { throwIfNoEntry: false });
    const ours = about?.isDirectory() && (!process.getuid || about.uid === process.getuid());
    if (ours) remove(folder);
  }
}

/** A folder that stays is no reason not to start, or not to end: the next run tries again. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {}
}
