import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { projectRoot } from '../folders.ts';
import { inCopy, sharedFile } from './helpers/docs.ts';

// Which packages there are, that they are the ones that were published, and that none of them runs anything unasked.

interface LockedPackage {
  version?: string;
  integrity?: string;
  resolved?: string;
  link?: boolean;
  dev?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
}

const windows = process.platform === 'win32';
const hasLock = existsSync(join(projectRoot, 'package-lock.json'));
const read = (file: string) => JSON.parse(readFileSync(join(projectRoot, file), 'utf8'));
const { allowScripts } = read('package.json');
const locked: Record<string, LockedPackage> = hasLock ? read('package-lock.json').packages : {};
const packages = Object.entries(locked)
  .filter(([path, { link }]) => path.includes('node_modules/') && !link)
  .map(([path, one]) => ({ name: path.slice(path.lastIndexOf('node_modules/') + 13), ...one }));

describe.skipIf(!hasLock || inCopy)('the packages', () => {
  test('are locked by version and hash', () => {
    expect(packages.length).toBeGreaterThan(100);
    const loose = packages.filter(({ version = '', integrity = '' }) => {
      return !/^\d+\.\d+\.\d+/.test(version) || !integrity.startsWith('sha512-');
    });
    expect(loose).toEqual([]);
    // Of the registry that whoever installs has set, never from a git address or a file.
    expect(packages.filter(({ resolved }) => resolved && !/^https:\/\//.test(resolved))).toEqual([]);
  });

  test('run no script at their installation but those that package.json names', () => {
    const scripted = packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
    expect([...new Set(scripted)].sort()).toEqual(Object.keys(allowScripts).sort());
    // protobufjs' own prints a hint and no more.
    expect(allowScripts).toEqual({ node: true, protobufjs: false });
  });
});

test.skipIf(!sharedFile('Dockerfile'))(
  'the image is built from the lockfile, without a script of a package',
  () => {
    const installs = sharedFile('Dockerfile')?.match(/\bnpm (ci|i|install|add|exec)\b.*/g);
    expect(installs).toEqual(['npm ci --omit=dev --ignore-scripts --no-audit --no-fund']);
  },
);

describe.skipIf(windows || !hasLock || !sharedFile('.ci/sbom'))('.ci/sbom', () => {
  test('lists each package in the image, and no other', { timeout: 60_000 }, () => {
    const { status, stdout, stderr } = spawnSync('bash', [join(projectRoot, '.ci/sbom')], {
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const { components, metadata } = JSON.parse(stdout);
    const listed: string[] = components.map(
      ({ group, name, version }: Record<string, string>) => `${group ? `${group}/` : ''}${name}@${version}`,
    );
    const wanted = packages.filter(({ dev }) => !dev).map(({ name, version }) => `${name}@${version}`);
    expect([...new Set(listed)].sort()).toEqual([...new Set(wanted)].sort());
    expect(metadata.component).toMatchObject({ type: 'application', name: read('package.json').name });
  });
});

describe.skipIf(windows || !sharedFile('.ci/signatures.ts'))('.ci/signatures.ts', () => {
  test.each([
    ['all are valid', '{"invalid":[],"missing":[]}', 0, 'all are valid', 0],
    [
      'one is wrong',
      '{"invalid":[{"name":"a","version":"1.0.0"}],"missing":[]}',
      1,
      'a@1.0.0: the signature is wrong',
      1,
    ],
    [
      'one is missing',
      '{"invalid":[],"missing":[{"name":"b","version":"2.0.0"}]}',
      1,
      'b@2.0.0: there is no',
      1,
    ],
    ['there is no network', '{"error":{"code":"ENOTFOUND","summary":"no network"}}', 1, '(no network)', 0],
    ['npm says nothing', '', 1, 'not checked', 0],
    ['npm does not know the command', 'Unknown command', 1, 'not checked', 0],
  ])('%s', (_what, answer, npmEndsWith, says, endsWith) => {
    const folder = mkdtempSync(join(tmpdir(), 'npm-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const npm = join(folder, 'npm');
    writeFileSync(npm, `#!/bin/sh\necho '${answer}'\nexit ${npmEndsWith}\n`);
    chmodSync(npm, 0o755);
    const env = { ...process.env, PATH: [folder, process.env.PATH].join(delimiter) };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['.ci/signatures.ts'], {
      ...{ cwd: projectRoot, env, encoding: 'utf8' },
    });
    expect(stdout + stderr).toContain(says);
    expect(status).toBe(endsWith);
  });
});
