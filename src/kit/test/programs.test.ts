import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../folders.ts';
import { findChromium, findNginx, findRedis, type System } from './helpers/programs.ts';

describe('a program that tests need', () => {
  test.each<[string, Partial<System>, string]>([
    ['in the PATH', { env: { PATH: '/usr/bin:/opt/bin' } }, '/opt/bin/google-chrome'],
    [
      'without its windows first, as Debian has it',
      {
        env: { PATH: '/usr/bin' },
        exists: (path: string) => /\/usr\/bin\/chromium(-headless-shell)?$/.test(path),
      },
      '/usr/bin/chromium-headless-shell',
    ],
    ['where CHROMIUM says', { env: { CHROMIUM: '/my/own', PATH: '/usr/bin' } }, '/my/own'],
    [
      'among the applications of macOS',
      { platform: 'darwin' },
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
    [
      'among those of one user of macOS',
      { platform: 'darwin', home: '/Users/alice' },
      '/Users/alice/Applications/Chromium.app/Contents/MacOS/Chromium',
    ],
    [
      'among the programs of Windows',
      { platform: 'win32', env: { PROGRAMFILES: 'C:\\Program Files', Path: 'C:\\Windows' } },
      'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    ],
    [
      'in the PATH of Windows',
      { platform: 'win32', env: { Path: 'C:\\Windows;C:\\My Tools' } },
      'C:\\My Tools\\chromium.exe',
    ],
  ])('is found %s', (_where, system, path) => {
    expect(findChromium(systemWith(path, system))).toBe(path);
  });

  test('is not replaced by another one where CHROMIUM names one that is not there', () => {
    const env = { CHROMIUM: '/not/there', PATH: '/usr/bin' };
    expect(findChromium(systemWith('/usr/bin/chromium', { env }))).toBeUndefined();
  });

  test('is found where Debian keeps it', () => {
    expect(findNginx(systemWith('/usr/sbin/nginx'))).toBe('/usr/sbin/nginx');
    expect(findRedis(systemWith('/usr/bin/redis-server', { env: { PATH: '/usr/bin' } }))).toBeDefined();
    expect(findRedis(systemWith('/usr/bin/redis-server'))).toBeUndefined();
  });

  test('that is missing is said once for the whole run, and ends it with CI=true', {
    timeout: 60_000,
  }, () => {
    const said = runWithout({});
    // Two files need Redis, one of them Chromium too.
    expect(said.status).toBe(0);
    expect(said.stdout.match(/Chromium is not installed here\./g)).toHaveLength(1);
    expect(said.stdout.match(/redis-server is not installed here\./g)).toHaveLength(1);
    const refused = runWithout({ CI: 'true' });
    expect(refused.status).not.toBe(0);
    expect(refused.stdout + refused.stderr).toMatch(/With CI=true no test may be skipped\..*Install Redis/);
  });
});

function systemWith(path: string, system: Partial<System> = {}): System {
  return { platform: 'linux', env: {}, home: '/root', exists: (one) => one === path, ...system };
}

/** A run of two files in a machine where nothing is installed. */
function runWithout(env: NodeJS.ProcessEnv) {
  const empty = mkdtempSync(join(tmpdir(), 'no-programs-'));
  const vitest = join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs');
  const files = ['session-pages', 'telemetry'].map((name) => `src/kit/test/${name}.test.ts`);
  const args = [vitest, 'run', '--mode', 'kit', ...files, '--testNamePattern', 'no test has this name'];
  try {
    return spawnSync(process.execPath, [...args, '--passWithNoTests'], {
      cwd: projectRoot,
      encoding: 'utf8',
      env: { PATH: empty, CHROMIUM: join(empty, 'chromium'), ...env },
    });
  } finally {
    rmSync(empty, { recursive: true });
  }
}
