import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import {
  changesIn,
  type FreshProjects,
  json,
  type Project,
  release,
  useFreshProjects,
} from './helpers/upgrade-projects.ts';

// `npm run upgrade` that ends while npm works out package-lock.json, which is what takes longest.

vi.setConfig({ testTimeout: 60_000 });

let place: FreshProjects;
let copy: Project;
/** Where the upgrade keeps what it fetched. */
let temporary: string;
useFreshProjects((fresh) => {
  place = fresh;
  copy = place.copy;
  const { name, version } = JSON.parse(copy.read('package.json'));
  copy.write({ 'package-lock.json': json({ name, version, lockfileVersion: 3, packages: {} }) }).commit();
  const packageJson = JSON.parse(place.template.read('package.json'));
  place.template.write({ 'package.json': json({ ...packageJson, dependencies: { express: '^5.3.0' } }) });
  release(place.template, '1.1.0');
  temporary = join(place.folder, 'temporary');
  mkdirSync(temporary);
});

function expectNothingLeft(env: Record<string, string>, words: RegExp): void {
  const { status, stdout, stderr } = copy.upgradeWith({ TMPDIR: temporary, ...env }, '../template');
  expect([status, stdout, stderr]).toEqual([1, '', expect.stringMatching(words)]);
  expect(changesIn(copy)).toEqual([]);
  expect(readdirSync(temporary).filter((name) => name.startsWith('upgrade-'))).toEqual([]);
}

test.skipIf(process.platform === 'win32').each([
  ['npm ends by it, too', 'process.exit(1)'],
  ['npm is ready all the same', 'process.exit(0)'],
])('Ctrl-C changes nothing and leaves nothing behind, where %s', (_what, end) => {
  const npm = join(place.folder, 'npm-cli.js');
  writeFileSync(npm, `process.kill(process.ppid, 'SIGINT'); ${end};\n`);
  expectNothingLeft({ npm_execpath: npm }, /^You stopped it, and nothing was changed\.\n$/);
});

test('without network, npm says what is missing, even where it was to be silent', () => {
  const env = {
    npm_config_registry: 'http://127.0.0.1:9',
    npm_config_fetch_retries: '0',
    npm_config_cache: join(place.folder, 'empty'),
    npm_config_loglevel: 'silent',
  };
  expectNothingLeft(env, /^npm cannot work out package-lock\.json[^\n]+\nnpm error [\s\S]*ECONNREFUSED/);
});
