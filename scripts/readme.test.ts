import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../src/kit/folders.ts';
import { codeBlocks, namedIn, readDoc, section, withoutCode } from '../src/kit/test/helpers/docs.ts';
import { copyTree, type TreeCopy } from '../src/kit/test/helpers/tree-copy.ts';

// README.md is the template's: a copy writes its own, and no test of the kit reads it.

const readme = readDoc('README.md');
const packages = JSON.parse(readDoc('package.json'));

test('every npm command that the README names is one of package.json, and the other way round', () => {
  const named = [...readme.matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1] ?? '');
  const scripts = Object.keys(packages.scripts);
  expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  const plain = ['start', 'test'];
  expect(scripts.filter((name) => !named.includes(name) && !plain.includes(name))).toEqual([]);
});

test("each script of package.json runs a file that's there", () => {
  const files = Object.values<string>(packages.scripts).flatMap(
    (script) => script.match(/(?<!-)\b[\w./-]+\.ts\b/g) ?? [],
  );
  expect(files.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
});

test('every file that the README shows or links to is there', () => {
  const links = [...withoutCode(readme).matchAll(/\]\(([^)#:]+)/g)].map((match) => match[1] ?? '');
  const pictures = [...readme.matchAll(/(?:src|srcset)="([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(links.length).toBeGreaterThan(10);
  expect([...links, ...pictures].filter((link) => !existsSync(join(projectRoot, link)))).toEqual([]);
});

test('the picture of the tree shows what is in src', () => {
  const drawn = [...section(readme, 'Where things are').matchAll(/^ {2}([\w.-]+\/?) {2,}/gm)].map(
    (match) => match[1] ?? '',
  );
  const there = readdirSync(join(projectRoot, 'src'), { withFileTypes: true }).map((entry) =>
    entry.isDirectory() ? `${entry.name}/` : entry.name,
  );
  expect(drawn.sort()).toEqual(there.sort());
});

test('each folder at the top is in the picture of the tree', () => {
  const picture = section(readme, 'Where things are');
  const folders = readdirSync(projectRoot, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|coverage$|data$)/.test(entry.name))
    .map(({ name }) => `${name}/`);
  expect(folders.filter((name) => !new RegExp(`^${name}`, 'm').test(picture))).toEqual([]);
});

test('each dependency has its reason in docs/design.md, or here where only the template needs it', () => {
  const reasons = section(readDoc('docs/design.md'), 'Dependencies') + readme;
  const names = Object.keys({ ...packages.dependencies, ...packages.devDependencies });
  const unexplained = names.filter((name) => !name.startsWith('@types/') && !reasons.includes(`\`${name}\``));
  expect(unexplained).toEqual([]);
  const explained = namedIn(section(readDoc('docs/design.md'), 'Dependencies'), 0);
  expect(explained.filter((name) => !names.includes(name))).toEqual([]);
});

test('the README names each provider that has a recipe, and no other', () => {
  const list = /has a recipe for (.+)\.$/m.exec(readme)?.[1] ?? '';
  const recipes = readDoc('docs/providers.md').matchAll(/^## (.+)$/gm);
  const short = (name: string) => name.replace(/^Amazon | ID, .*$/g, '');
  const here = [...recipes].map(([, name = '']) => short(name)).filter((name) => !name.startsWith('FAPI'));
  expect(list.split(/, | and /).sort()).toEqual([...new Set(here)].sort());
});

describe('the first page of the README', () => {
  const [page, view, listed] = codeBlocks(section(readme, 'Your first page in five minutes'));
  const run = promisify(execFile);
  let copy: TreeCopy | undefined;
  afterAll(() => copy?.remove());

  test("compiles, is formatted, and passes the site's tests", { timeout: 60_000 }, async () => {
    copy = copyTree(/^(bench|docs|scripts|src\/kit\/test)\//);
    const { folder } = copy;
    symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'junction');
    write(folder, 'src/pages/invoices.ts', page?.code ?? '');
    write(folder, 'views/invoices.ejs', view?.code ?? '');
    list(folder, listed?.code ?? '');

    const node = (program: string, ...args: string[]) =>
      run(process.execPath, [join(projectRoot, 'node_modules', program), ...args], {
        cwd: folder,
        timeout: 50_000,
        env: { ...process.env, NO_COLOR: '1', VITEST: undefined },
      }).catch((error: { stdout: string; stderr: string }) => error);
    const results = [
      await node('typescript/bin/tsc', '--noEmit'),
      await node('@biomejs/biome/bin/biome', 'check', '--vcs-enabled=false', 'src/pages', 'src/site.ts'),
      await node('vitest/vitest.mjs', 'run', '--no-color'),
    ];
    for (const { stdout, stderr } of results) {
      expect(stdout + stderr).not.toMatch(/\berror\b|FAIL|Found \d+ error/i);
    }
    expect(results[2]?.stdout).toMatch(/Tests +\d+ passed/);
  });

  /** As the README says: the import goes to the other imports, the name into `pages`. */
  function list(folder: string, block: string): void {
    const [statement = '', name = ''] = block.split('\n').filter((line) => line.trim() !== '');
    const site = readFileSync(join(folder, 'src/site.ts'), 'utf8')
      .replace(/^(import .* from '\.\/pages\/home\.ts';)$/m, `$1\n${statement}`)
      .replace(/^ {4}homePage,$/m, `    homePage,\n${name}`);
    expect(site).toContain(`${statement}\n`);
    expect(site).toContain(`${name}\n`);
    write(folder, 'src/site.ts', site);
  }
});

function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
