import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { projectRoot } from '../src/kit/folders.ts';
import { codeBlocks, readDoc, section } from '../src/kit/test/helpers/docs.ts';

// What `npm run check` and `npm run fix` do in an app whose owner writes on.

const biome = join(projectRoot, 'node_modules/@biomejs/biome/bin/biome');
const siteCss = readFileSync(join(projectRoot, 'public/site.css'), 'utf8');
const [colours] = codeBlocks(section(readDoc('docs/guide.md'), 'Colours and fonts'));

/** A folder with the rules of Biome that come with the template, and these files. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'format-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const rules = ['biome.json', 'src/kit/biome.json'].map((path) => [path, readDoc(path)] as const);
  for (const [path, text] of [...rules, ...Object.entries(files)]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function biomeIn(folder: string, ...options: string[]): string {
  const args = [biome, 'check', '--vcs-enabled=false', '--colors=off', ...options, '.'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  return stdout + stderr;
}

/** What Biome says once something is added to public/site.css: the guide says to do so at its end, as what is below wins. */
const checked = (added: string) => biomeIn(folderWith({ 'public/site.css': siteCss + added }));

test.each([
  ['the colours and fonts of the guide', colours?.code ?? ''],
  ['one plain colour', ':root {\n  --accent: #7a1f5c;\n}\n'],
  ['rules for what has some already', 'a {\n  color: #00c;\n}\nh1,\n.badge {\n  color: #333;\n}\n'],
])('Biome has nothing against %s at its end', (_, added) => {
  expect(added).toContain('{');
  const said = checked(added);
  expect(said).toMatch(/Checked 3 files/);
  expect(said).not.toMatch(/Found \d+/);
});

test('Biome still finds mistakes there', () => {
  expect(checked('a {\n  colour: red;\n}\n')).toContain('noUnknownProperty');
});

test('the kit keeps its format whatever an owner prefers: `npm run fix` must not edit it', () => {
  const kit = {
    'src/kit/index.ts': readDoc('src/kit/index.ts'),
    'src/kit/app.ts': readDoc('src/kit/app.ts'),
  };
  const mine = "export const words = ['one', 'two', 'three', 'four', 'five', 'six'];\n";
  const other = readDoc('biome.json').replace('110', '60').replace('"single"', '"double"');
  const folder = folderWith({ ...kit, 'src/mine.ts': mine, 'biome.json': other });
  expect(biomeIn(folder, '--write')).toContain('Fixed 1 file');
  const now = (path: string) => readFileSync(join(folder, path), 'utf8');
  expect(now('src/mine.ts')).toContain('"one"');
  expect([now('src/kit/index.ts'), now('src/kit/app.ts')]).toEqual(Object.values(kit));
});
