import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { projectRoot } from '../src/kit/folders.ts';
import { codeBlocks, readDoc, section } from '../src/kit/test/helpers/docs.ts';

// public/site.css is yours, and the guide has you add to its end: what is further down wins.

const biome = join(projectRoot, 'node_modules/@biomejs/biome/bin/biome');
const siteCss = readFileSync(join(projectRoot, 'public/site.css'), 'utf8');
const [colours] = codeBlocks(section(readDoc('docs/guide.md'), 'Colours and fonts'));

/** What Biome says, as in `npm run check`, once something is added. */
function checked(added: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'site-css-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(join(projectRoot, 'biome.json'), join(folder, 'biome.json'));
  mkdirSync(join(folder, 'public'));
  writeFileSync(join(folder, 'public/site.css'), siteCss + added);
  const args = [biome, 'check', '--vcs-enabled=false', '--colors=off', '.'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  return stdout + stderr;
}

test.each([
  ['the colours and fonts of the guide', colours?.code ?? ''],
  ['one plain colour', ':root {\n  --accent: #7a1f5c;\n}\n'],
  ['rules for what has some already', 'a {\n  color: #00c;\n}\nh1,\n.badge {\n  color: #333;\n}\n'],
])('Biome has nothing against %s at its end', (_, added) => {
  expect(added).toContain('{');
  const said = checked(added);
  expect(said).toMatch(/Checked 2 files/);
  expect(said).not.toMatch(/Found \d+/);
});

test('Biome still finds mistakes there', () => {
  expect(checked('a {\n  colour: red;\n}\n')).toContain('noUnknownProperty');
});
