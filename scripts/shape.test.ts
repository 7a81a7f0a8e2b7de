import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../src/kit/folders.ts';
import { importsOf, pathsFromAddresses, sourcesIn } from '../src/kit/test/helpers/sources.ts';

// What the owner of the template has given: the top level, and packages that are used.

const top = ['package.json', 'tsconfig.json', 'src', 'views', 'public', 'test', '.env.example', 'README.md'];

const packages = [
  ...['express', 'express-session', 'openid-client', 'ejs', 'helmet'],
  ...['connect-redis', 'redis', 'vitest', 'supertest'],
];

test.each(top)('%s is at the top', (name) => {
  expect(existsSync(join(projectRoot, name))).toBe(true);
});

test.each(packages)('%s is in package.json, and imported', (name) => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(projectRoot, 'package.json'), 'utf8'),
  );
  expect({ ...dependencies, ...devDependencies }).toHaveProperty([name]);
  const sources = [
    ...sourcesIn(projectRoot, 'src/**/*.ts'),
    ...sourcesIn(projectRoot, '{test,bench}/**/*.ts'),
  ];
  const users = sources.filter(({ text }) => importsOf(text).some(({ from }) => from === name));
  expect(users.length, `nothing imports ${name}`).toBeGreaterThan(0);
});

test('nothing takes the path of a file from an address, which has a / in front on Windows and no blank', () => {
  const sources = sourcesIn(projectRoot, '{.ci,bench,scripts,src,test}/**/*.ts');
  expect(sources.length).toBeGreaterThan(100);
  expect(pathsFromAddresses(sources)).toEqual([]);
  const wrong = { name: 'a.ts', text: "const a = new URL('.', import.meta.url)" + '.pathname;' };
  expect(pathsFromAddresses([wrong])).toHaveLength(1);
});
