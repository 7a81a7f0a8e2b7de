/**
 * `npm run release`: writes src/kit/kit.json, by which a copy knows its version and what was changed in it.
 * `npm run release -- --check` changes nothing, and fails where kit.json or CHANGELOG.md is behind.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasSection } from '../src/kit/upgrade/changelog.ts';
import { askGit, byNul, git } from '../src/kit/upgrade/git.ts';
import { hashOf, isOfKit, kitJson } from '../src/kit/upgrade/kit-file.ts';
import { isSharedPlace, isStartPlace } from '../src/kit/upgrade/names.ts';
import { partsOf } from '../src/kit/upgrade/packages.ts';
import { walk } from '../src/kit/upgrade/tree.ts';
import { compareVersions, isVersion } from '../src/kit/upgrade/versions.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

const screenshots = /^docs\/screenshots\//;

/** What `npm run adopt` deletes unless it is to keep the example. */
const example = [
  /^src\/pages\/(notes?|admin|api-data)\.ts$/,
  /^src\/data\//,
  /^views\/(notes?|note-[a-z]+|admin|api-data(-[a-z]+)?)\.ejs$/,
  /^public\/(notes|api-data)\.js$/,
  /^test\/(notes?|admin|api-data|data(base)?)\b[\w.-]*\.test\.ts$/,
  /^test\/settings\.env$/,
];

/** What a copy does not keep. */
const templateOnly = [/^(scripts|bench)\//, /^CHANGELOG\.md$/, screenshots];

/** What `npm run adopt` writes anew, where the copier has not. */
const rewritten = [/^README\.md$/];

const [option, ...more] = process.argv.slice(2);
if (more.length > 0 || (option !== undefined && option !== '--check')) {
  console.error('Say nothing, or --check: npm run release -- --check');
  process.exit(1);
}
const problem = option === '--check' ? check() : write();
if (problem) {
  console.error(problem);
  process.exitCode = 1;
}

function check(): string | undefined {
  const version = versionOf('package.json');
  if (!isVersion(version)) return 'package.json has no version of the form 1.2.3.';
  if (versionOf('package-lock.json') !== version)
    return `package-lock.json does not say version ${version}: run \`npm install --package-lock-only\`.`;
  if (!existsSync(join(root, 'CHANGELOG.md')) || !hasSection(read('CHANGELOG.md').toString(), version))
    return `CHANGELOG.md has no section for ${version}: begin one with "## ${version}".`;
  const untracked = underGit() ? listFiles('--others', '--exclude-standard').filter(isOfKit) : [];
  if (untracked.length > 0)
    return `git does not know ${untracked.join(', ')} yet: \`git add\` it, then run \`npm run release\`.`;
  return checkKitJson(version);
}

function checkKitJson(version: string): string | undefined {
  const present = existsSync(join(root, kitJson)) ? read(kitJson).toString().replaceAll('\r\n', '\n') : '{}';
  // A copy that was upgraded before it was adopted: kit.json is the newer template's, and stays so.
  const [, there] = /"version": "([^"]*)"/.exec(present) ?? [];
  if (isVersion(there) && compareVersions(there, version) > 0) return undefined;
  if (present === kitText()) return undefined;
  const stale = staleFiles(present);
  const names = stale.length > 0 ? ` (${stale.slice(0, 5).join(', ')}${stale.length > 5 ? ', …' : ''})` : '';
  return `${kitJson} is stale${names}: run \`npm run release\` and commit it.`;
}

function write(): string | undefined {
  if (!isVersion(versionOf('package.json'))) return 'package.json has no version of the form 1.2.3.';
  if (!underGit()) return 'A release takes the files that git knows, and this folder is not under git.';
  writeFileSync(join(root, kitJson), kitText());
  return check() ?? void console.log(`${kitJson} is written, for ${versionOf('package.json')}.`);
}

function kitText(): string {
  const json = JSON.parse(read('package.json').toString());
  const files = listFiles('--cached').filter((path) => existsSync(join(root, path)));
  const hashes = (wanted: (path: string) => boolean) =>
    Object.fromEntries(files.filter(wanted).map((path) => [path, hashOf(read(path))]));
  const kit = {
    name: json.name,
    version: json.version,
    description: json.description,
    files: hashes(isOfKit),
    shared: hashes((path) => isSharedPlace(path) && !screenshots.test(path)),
    start: hashes((path) => isStartPlace(path) && !matches(example, path)),
    example: hashes((path) => matches(example, path)),
    templateOnly: hashes((path) => matches(templateOnly, path)),
    rewritten: hashes((path) => matches(rewritten, path)),
    package: partsOf(json),
  };
  return `${JSON.stringify(kit, null, 2)}\n`;
}

/** Which files kit.json has another hash of, or none, for the sentence. */
function staleFiles(present: string): string[] {
  try {
    const [old, now] = [present, kitText()].map((text) => {
      const { files, shared, start, example, templateOnly, rewritten } = JSON.parse(text);
      return { ...files, ...shared, ...start, ...example, ...templateOnly, ...rewritten } as Record<
        string,
        string
      >;
    });
    return [...new Set([...Object.keys(old ?? {}), ...Object.keys(now ?? {})])].filter(
      (path) => old?.[path] !== now?.[path],
    );
  } catch {
    return [];
  }
}

/** In the order of their bytes, the same on every system. What git does not know gets into no release. */
function listFiles(...options: string[]): string[] {
  if (underGit()) return [...new Set(byNul(git(['ls-files', '-z', ...options], { cwd: root })))].sort();
  // A zip of the template, of which only --check is asked.
  const found: string[] = [];
  walk(root, '', (path) => found.push(path));
  return found.sort();
}

function underGit(): boolean {
  return askGit(['rev-parse', '--is-inside-work-tree'], { cwd: root }).status === 0;
}

function matches(patterns: readonly RegExp[], path: string): boolean {
  return patterns.some((pattern) => pattern.test(path));
}

function versionOf(file: string): unknown {
  return JSON.parse(read(file).toString()).version;
}

function read(path: string): Buffer {
  return readFileSync(join(root, path));
}
