import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { projectRoot } from '../src/kit/folders.ts';
import { codeBlocks, readDoc, section } from '../src/kit/test/helpers/docs.ts';
import { copyTree } from './helpers/tree-copy.ts';

const run = promisify(execFile);
const packages = join(projectRoot, 'node_modules');

test("the first page of the README compiles, is formatted, and passes the site's tests", {
  timeout: 180_000,
}, async () => {
  const { folder, remove } = copyTree(/^(bench|docs|scripts|src\/kit\/test)\//);
  onTestFinished(remove);
  symlinkSync(packages, join(folder, 'node_modules'), 'junction');
  addPage(folder);

  const node = (program: string, ...args: string[]) =>
    run(process.execPath, [join(packages, program), ...args], {
      cwd: folder,
      timeout: 150_000,
      env: { ...process.env, NO_COLOR: '1', VITEST: undefined },
    }).catch((error: { stdout: string; stderr: string }) => error);
  const types = await node('typescript/bin/tsc', '--noEmit', '--singleThreaded');
  expect(types.stdout + types.stderr).toBe('');
  const format = await node(
    '@biomejs/biome/bin/biome',
    'check',
    '--vcs-enabled=false',
    'src/pages',
    'src/site.ts',
  );
  const said = format.stdout + format.stderr;
  expect(said).not.toMatch(/Found \d+/);
  expect(said).toMatch(/Checked \d+ files/);
  // Vitest's cache would be that of the run that this test is in: a file that one writes may be away for the other.
  const options = ['--no-color', '--fsModuleCache=false', '--no-isolate', '--maxWorkers=1'];
  const tests = await node('vitest/vitest.mjs', 'run', ...options);
  expect(tests.stdout + tests.stderr).toMatch(/Test Files +\d+ passed \(\d+\)/);
});

/** As the README says: two files, an import beside the other imports, and the page's name in `pages`. */
function addPage(folder: string): void {
  const [page, view, listed] = codeBlocks(section(readDoc('README.md'), 'Your first page in five minutes'));
  const write = (path: string, text = '') => writeFileSync(join(folder, path), text);
  write('src/pages/invoices.ts', page?.code);
  write('views/invoices.ejs', view?.code);
  const [statement = '', name = ''] = (listed?.code ?? '').split('\n').filter((line) => line.trim() !== '');
  const site = readFileSync(join(folder, 'src/site.ts'), 'utf8')
    .replace(/^(import .* from '\.\/pages\/home\.ts';)$/m, `$1\n${statement}`)
    .replace(/^ {4}homePage,$/m, `    homePage,\n${name}`);
  expect(site).toContain(`${statement}\n`);
  expect(site).toContain(`${name}\n`);
  write('src/site.ts', site);
}
