import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { TestProject } from 'vitest/node';
import { projectRoot } from '../folders.ts';
import missingPrograms from './helpers/missing-programs.ts';
import {
  findChromium,
  findFirefox,
  findNginx,
  findRedis,
  findWebKit,
  type System,
} from './helpers/programs.ts';

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

  test.each<[string, Partial<System>, string]>([
    ['in the PATH, as Debian names it', { env: { PATH: '/usr/bin' } }, '/usr/bin/firefox-esr'],
    ['where FIREFOX says', { env: { FIREFOX: '/my/own', PATH: '/usr/bin' } }, '/my/own'],
    [
      'among the applications of macOS',
      { platform: 'darwin' },
      '/Applications/Firefox.app/Contents/MacOS/firefox',
    ],
    [
      'among the programs of Windows',
      { platform: 'win32', env: { PROGRAMFILES: 'C:\\Program Files' } },
      'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
    ],
  ])('is found %s, if it is Firefox', (_where, system, path) => {
    expect(findFirefox(systemWith(path, system))).toBe(path);
  });

  test('is found with its driver and its display or not at all, if it is WebKit', () => {
    const browser = '/usr/lib/aarch64-linux-gnu/webkitgtk-6.0/MiniBrowser';
    const all = ['/usr/bin/WebKitWebDriver', '/usr/bin/Xvfb', browser];
    const found = (paths: string[]) =>
      findWebKit(systemWith('', { env: { PATH: '/usr/bin' }, exists: (path) => paths.includes(path) }));
    expect(found(all)).toEqual({ driver: all[0], display: all[1], browser });
    for (const one of all) expect(found(all.filter((path) => path !== one))).toBeUndefined();
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

  test('is no matter to a run that does without it', () => {
    vi.stubEnv('PATH', '/nowhere');
    vi.stubEnv('CI', 'true');
    onTestFinished(() => void vi.unstubAllEnvs());
    const run = (mode: string) => () => missingPrograms({ vitest: { config: { mode } } } as TestProject);
    expect(run('slow')).toThrow(/Install Redis.*Install Firefox.*webkit2gtk-driver and xvfb/);
    expect(run('kit')).toThrow(/Install Redis/);
    expect(run('kit')).not.toThrow(/Firefox|WebKit/);
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
