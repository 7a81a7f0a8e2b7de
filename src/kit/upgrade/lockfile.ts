import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { isRecord } from './kit-file.ts';
import { sameDependencies } from './packages.ts';
import { Refusal } from './refusal.ts';
import { compareVersions, isVersion } from './versions.ts';

type Json = Record<string, unknown>;

/**
 * package-lock.json for a merged package.json, so that `npm ci` works. npm makes it in a folder of its own and runs no
 * script of any package. Where the copy asks for just what the template asks for, the versions are the template's, which
 * it was tested with; where the site has packages of its own, npm changes as little of the site's lock as it can.
 */
export function lockFor(
  packageJson: Json,
  locks: { root: string; yours: Buffer; template: Buffer | undefined; templatePackage: Json },
  temporary: string,
): Buffer {
  const folder = join(temporary, 'lock');
  mkdirSync(folder);
  const [yours, template] = [parse(locks.yours), locks.template && parse(locks.template)];
  if (!yours)
    throw new Refusal('package-lock.json cannot be read. Make it again with `npm install`, and commit.');
  const start =
    template && sameDependencies(packageJson, locks.templatePackage) && isUsable(yours, template)
      ? template
      : yours;
  writeFileSync(join(folder, 'package.json'), JSON.stringify(packageJson));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(named(start, packageJson)));
  // It may say which registry the site's own packages come from.
  const npmrc = join(locks.root, '.npmrc');
  if (existsSync(npmrc)) copyFileSync(npmrc, join(folder, '.npmrc'));
  runNpm(
    [
      'install',
      '--package-lock-only',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      '--no-update-notifier',
      // `npm run --silent upgrade` hands its silence down, and an error would have no words.
      '--loglevel=error',
    ],
    folder,
  );
  return readFileSync(join(folder, 'package-lock.json'));
}

/** Whether the template's lock lowers no version and names no package but by name and version. */
function isUsable(yours: Json, template: Json): boolean {
  const [mine, theirs] = [packagesOf(yours), packagesOf(template)];
  return (
    isPlain(template) &&
    Object.entries(mine).every(([path, { version }]) => {
      const other = theirs[path]?.version;
      return path === '' || !isVersion(version) || !isVersion(other) || compareVersions(version, other) <= 0;
    })
  );
}

/**
 * Whether each package of a lock is one of its own name and no address: npm then asks the site's own registry for it. A
 * lock counts more than package.json: it can name any host, or put another package in the place of one that is asked
 * for, and `npm ci` would install it.
 */
export function isPlain(lock: Json): boolean {
  return Object.entries(packagesOf(lock)).every(([path, { link, name, version, resolved }]) => {
    if (path === '') return true;
    const [, own] = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    const plain = link === undefined && resolved === undefined && isVersion(version);
    return own !== undefined && plain && (name === undefined || name === own);
  });
}

function packagesOf(lock: Json): Record<string, Json> {
  return isRecord(lock.packages) ? (lock.packages as Record<string, Json>) : {};
}

/** The first entry of a lock repeats what package.json says of the project. */
function named(lock: Json, { name, version }: Json): Json {
  const packages = packagesOf(lock);
  return { ...lock, name, version, packages: { ...packages, '': { ...packages[''], name, version } } };
}

function parse(content: Buffer): Json | undefined {
  try {
    const json = JSON.parse(content.toString());
    return isRecord(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function runNpm(args: string[], cwd: string): void {
  const { status, error, stderr } = spawnSync(process.execPath, [npmProgram(), ...args], {
    cwd,
    encoding: 'utf8',
    windowsHide: true,
    // What npm hands to a script about the project that it was started in would count here, too.
    env: Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^npm_(package|lifecycle|config_local_prefix|config_prefix)/i.test(name),
      ),
    ),
  });
  if (error) throw error;
  if (status !== 0)
    throw new Refusal(
      `npm cannot work out package-lock.json for the merged package.json, so nothing was changed. It asks the registry for packages that it has not seen before. It says:\n${stderr.trim()}`,
    );
}

/** npm as a file that Node runs: on Windows `npm` is a batch file, which only a shell could start. */
function npmProgram(): string {
  const { npm_execpath: given, PATH = '' } = process.env;
  if (given && /npm-cli\.c?js$/.test(given) && existsSync(given)) return given;
  for (const folder of [dirname(process.execPath), ...PATH.split(delimiter)]) {
    for (const place of ['node_modules/npm', '../lib/node_modules/npm', '../share/nodejs/npm']) {
      const program = join(folder, place, 'bin/npm-cli.js');
      if (folder && existsSync(program)) return program;
    }
  }
  throw new Refusal('npm was not found. Start the upgrade with npm: npm run upgrade -- <folder or address>');
}
