import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../../src/kit/upgrade/refusal.ts';

/**
 * What `tsc --noEmit` finds; undefined where TypeScript is not installed. In `notes` it writes down what it has seen, so
 * that it looks at less the next time.
 *
 * @throws Refusal where Ctrl-C ended it
 */
export function typeErrors(root: string, notes: string): string | undefined {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  if (!existsSync(tsc)) return undefined;
  // Most of an attempt is reading: checkers side by side would each read it all, and take longer together.
  const options = ['--noEmit', '--singleThreaded', '--incremental', '--tsBuildInfoFile', notes];
  const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, [tsc, ...options], {
    cwd: root,
    encoding: 'utf8',
    windowsHide: true,
  });
  if (status === 0) return '';
  if (signal === 'SIGINT' || signal === 'SIGTERM' || signal === 'SIGHUP' || status === 130)
    throw new Refusal('You stopped it, so everything was put back as it was.');
  return (
    `${stdout ?? ''}${stderr ?? ''}`.trim() || error?.message || `tsc ended by ${signal ?? `code ${status}`}`
  );
}
