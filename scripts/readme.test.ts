import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../src/kit/folders.ts';
import { namedIn, readDoc, section, withoutCode } from '../src/kit/test/helpers/docs.ts';

// README.md is the template's: a copy writes its own, and no test of the kit reads it.

const readme = readDoc('README.md');
const packages = JSON.parse(readDoc('package.json'));

test('every npm command that the README names is one of package.json, and it or the guide names each', () => {
  const namedBy = (text: string) =>
    [...text.matchAll(/\bnpm (?:run )?([\w:-]+)/g)].map(([, name = '']) => name);
  const inReadme = [...readme.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = '']) => name);
  const scripts = Object.keys(packages.scripts);
  expect(inReadme.filter((name) => !scripts.includes(name))).toEqual([]);
  const commands = section(readDoc('docs/guide.md'), 'Commands');
  const named = [...namedBy(readme), ...namedBy(commands)];
  expect(scripts.filter((name) => !named.includes(name))).toEqual([]);
});

test('the README leads to each page of docs', () => {
  const pages = readdirSync(join(projectRoot, 'docs')).filter((file) => file.endsWith('.md'));
  expect(pages.filter((file) => !readme.includes(`(docs/${file}`))).toEqual([]);
});

test('the README fits the first screens: at most 1,200 words', () => {
  expect(readme.split(/\s+/).length).toBeLessThanOrEqual(1_200);
});

test("each script of package.json runs a file that's there", () => {
  const files = Object.values<string>(packages.scripts).flatMap((script) =>
    script.split(' ').filter((word) => word.endsWith('.ts')),
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
  const { dependencies, devDependencies, optionalDependencies } = packages;
  const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
  const unexplained = names.filter((name) => !name.startsWith('@types/') && !reasons.includes(`\`${name}\``));
  expect(unexplained).toEqual([]);
  const explained = namedIn(section(readDoc('docs/design.md'), 'Dependencies'), 0);
  expect(explained.filter((name) => !names.includes(name))).toEqual([]);
});

test('the README says how many providers have a recipe, and names only such', () => {
  const recipes = [...readDoc('docs/providers.md').matchAll(/^## (.+)\n([\s\S]*?)(?=^## |$(?![\s\S]))/gm)]
    .filter(
      ([, title = '', text = '']) => text.includes('OIDC_') && !/^(FAPI|Several|Tokens|Server)/.test(title),
    )
    .map(([, title = '']) => title.replace(/^Amazon | ID\b.*$| with .*$/g, ''));
  const [, count, list = ''] = /recipes for (\d+) identity providers, such as (.+)\.$/m.exec(readme) ?? [];
  expect(list.split(/, | and /).filter((name) => !recipes.includes(name))).toEqual([]);
  expect(Number(count), [...new Set(recipes)].join(', ')).toBe(new Set(recipes).size);
});
