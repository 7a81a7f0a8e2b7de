import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../folders.ts';
import { filesImportedBy, importsOf, pathsFromAddresses, sourcesIn } from './helpers/sources.ts';

// Where things are in the kit, and who may use whom. An import in a direction that is not listed here is a mistake in
// the design, not in this list.

const kit = join(projectRoot, 'src/kit');
const files = sourcesIn(kit, '**/*.ts').filter(({ name }) => !name.startsWith('test/'));

/** The folders of the running app, from the bottom up. Each imports only what is below it; those in one row, not each other. */
const order = [
  ['log'],
  ['config'],
  ['errors'],
  ['process', 'texts'],
  ['http'],
  ['store'],
  ['provider'],
  ['session'],
  ['tokens', 'sign-out', 'sign-in', 'guard'],
  ['pages'],
  ['telemetry'],
];

/** Programs of their own, never part of the running app. */
const programs = ['dev', 'doctor', 'operator', 'testing', 'upgrade'];

/** What puts the folders together. Only programs import it. */
const top =
  /^(index|site|site-apis|site-problems|site-proxies|site-proxy-headers|site-routes|app|assembly|start|folders|load-site)\.ts$/;

/** The packages that only one place knows. */
const homes: Record<string, RegExp> = {
  'openid-client': /^(provider|doctor)\//,
  'express-session': /^(session|store)\//,
  redis: /^store\//,
  '@redis/client': /^store\//,
  'connect-redis': /^store\//,
  zod: /^config\//,
  helmet: /^http\//,
  ejs: /^(http|dev|testing)\//,
  'rate-limit-redis': /^http\//,
  'oidc-provider': /^dev\//,
  'pino-pretty': /^dev\//,
  '@opentelemetry/api': /^telemetry\//,
  ...Object.fromEntries(
    [
      'context-async-hooks',
      'exporter-metrics-otlp-http',
      'exporter-trace-otlp-http',
      'resources',
      'sdk-metrics',
      'sdk-trace',
    ].map((name) => [`@opentelemetry/${name}`, /^telemetry\/sdk\.ts$/]),
  ),
};

const folderOf = (name: string) => (name.includes('/') ? (name.split('/')[0] ?? '') : '');
const rankOf = (name: string) => order.findIndex((row) => row.includes(folderOf(name)));
const isProgram = (name: string) => programs.includes(folderOf(name));

describe('the kit', () => {
  test.each(files)('$name is in a folder that is known here', ({ name }) => {
    const known = top.test(name) || rankOf(name) >= 0 || isProgram(name);
    expect(known, `${name}: put it into one of the folders of docs/design.md`).toBe(true);
  });

  test.each(files.filter(({ name }) => rankOf(name) >= 0))('$name imports only what is below it', (file) => {
    for (const target of filesImportedBy(file)) {
      if (folderOf(target) === folderOf(file.name)) continue;
      const below = rankOf(target) >= 0 && rankOf(target) < rankOf(file.name);
      expect(below, `${file.name} imports ${target}, which is not below it`).toBe(true);
    }
  });

  test('has no import circle, types included', () => {
    expect(circlesIn(new Map(files.map((file) => [file.name, filesImportedBy(file)])))).toEqual([]);
  });

  test('knows nothing outside its own folder', () => {
    const outside = sourcesIn(kit, '**/*.ts').flatMap((file) =>
      filesImportedBy(file)
        .filter((target) => target.startsWith('..'))
        .map((target) => `${file.name} imports ${target}`),
    );
    expect(outside).toEqual([]);
    for (const { name, text } of files) {
      for (const { from } of importsOf(text)) expect(from, name).not.toMatch(/^#/);
    }
  });

  test('runs without its programs and its tests', () => {
    for (const file of files.filter(({ name }) => !isProgram(name))) {
      for (const target of filesImportedBy(file)) {
        expect(isProgram(target) || target.startsWith('test/'), `${file.name} imports ${target}`).toBe(false);
      }
    }
  });

  test.each(Object.entries(homes))('knows %s in one place only', (pack, home) => {
    for (const { name, text } of files) {
      const uses = importsOf(text).some(({ from }) => from === pack || from.startsWith(`${pack}/`));
      if (uses) expect(name, `${name} imports ${pack}`).toMatch(home);
    }
  });

  // What OpenTelemetry's SDK reads itself is no setting of the app: log lines say the same.
  test('reads the environment in one place only, but for the names of service and instance', () => {
    const readers = files
      .filter(({ text }) => /\bprocess\s*(\.\s*env\b|\[)/.test(text.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')))
      .map(({ name }) => name)
      .filter((name) => !isProgram(name));
    expect(readers).toEqual(['log/instance.ts', 'start.ts']);
  });

  test('gives an app at most thirty-three names, each with a sentence where it is defined', () => {
    const index = files.find(({ name }) => name === 'index.ts')?.text ?? '';
    const exported = [...index.matchAll(/^export (?:type )?\{([^}]*)\} from '\.\/([^']+)'/gm)].flatMap(
      ([, names = '', file = '']) =>
        names
          .split(',')
          .map((each) => each.replace(/^\s*type\s/, '').trim())
          .filter((each) => each !== '')
          .map((each) => ({ name: each, file })),
    );
    expect(exported.length).toBeGreaterThan(10);
    expect(exported.length).toBeLessThanOrEqual(33);
    for (const { name, file } of exported) {
      const { text = '' } = files.find((each) => each.name === file) ?? {};
      const defined = new RegExp(
        `\\*/\\n(// biome-ignore .*\\n)*export (declare )?(async )?(const|function|class|type|interface) ${name}\\b`,
      );
      expect(text, `${name} in ${file} needs a comment that says what it is for`).toMatch(defined);
    }
  });

  test.each(files)('$name has at most 250 lines: one idea a file', ({ text }) => {
    expect(text.split('\n').length).toBeLessThanOrEqual(250);
  });

  test('takes no path of a file from an address, which has a / in front on Windows and no blank', () => {
    expect(pathsFromAddresses(sourcesIn(kit, '**/*.ts'))).toEqual([]);
  });
});

/** Each circle once, as a list of the files on it. */
function circlesIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const way: string[] = [];
  const found: string[] = [];
  const visit = (name: string): void => {
    state.set(name, 'open');
    way.push(name);
    for (const next of imports.get(name) ?? []) {
      if (state.get(next) === 'open') found.push([...way.slice(way.indexOf(next)), next].join(' → '));
      else if (!state.has(next)) visit(next);
    }
    way.pop();
    state.set(name, 'done');
  };
  for (const name of imports.keys()) if (!state.has(name)) visit(name);
  return found;
}

test('a circle would be noticed', () => {
  const imports = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['a', 'd']],
    ['d', []],
  ]);
  expect(circlesIn(imports)).toEqual(['a → b → c → a']);
});
