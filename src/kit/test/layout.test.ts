import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

// Where things stand, and who may use whom. An import in a direction that is not listed here is a mistake in the
// design, not in this list.

const src = new URL('../src/', import.meta.url).pathname;
const files = globSync('**/*.ts', { cwd: src }).map((name) => ({
  name,
  text: readFileSync(src + name, 'utf8'),
}));

type Use = 'all' | 'types';

/** Part by part of `src`: which other parts it may use. Everybody may use packages. */
const allowed: Record<string, Record<string, Use>> = {
  server: { config: 'all', start: 'all', log: 'all' },
  start: { app: 'all', auth: 'all', sessions: 'all', log: 'all', telemetry: 'all', config: 'types' },
  telemetry: { auth: 'types', sessions: 'types', log: 'types' },
  app: { auth: 'all', http: 'all', pages: 'all', sessions: 'types', config: 'types', log: 'types' },
  pages: { auth: 'all' },
  auth: { sessions: 'types', http: 'types', log: 'types' },
  http: { log: 'types' },
  sessions: { log: 'types' },
  config: {},
  log: {},
  operator: { config: 'all', sessions: 'all', log: 'all' },
  doctor: { config: 'all', auth: 'all', sessions: 'all', log: 'types' },
};

/** The packages that only one place knows. */
const homes: Record<string, RegExp> = {
  'openid-client': /^auth\/provider\/|^doctor\//,
  'express-session': /^(auth|sessions)\//,
  redis: /^sessions\//,
  '@redis/client': /^sessions\//,
  'connect-redis': /^sessions\//,
  zod: /^config\b/,
  helmet: /^http\//,
  ejs: /^(http|dev)\//,
  'rate-limit-redis': /^http\//,
  'oidc-provider': /^dev\//,
  'pino-pretty': /^dev\//,
  '@opentelemetry/api': /^telemetry\.ts$/,
};

interface Import {
  from: string;
  typesOnly: boolean;
}

/** Comments may speak of anything. */
function importsOf(text: string): Import[] {
  const code = text.replace(/^\s*(\/\/|\/?\*).*$/gm, '');
  const statements = code.matchAll(
    /^(?:import|export)\s+(type\s+)?([^;]*?)\s*from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...statements].map(([, type, names = '', from, bare, dynamic]) => ({
    from: from ?? bare ?? dynamic ?? '',
    typesOnly: Boolean(type) || /^\{(\s*type\s+\w+(\s+as\s+\w+)?\s*,?)*\s*\}$/.test(names),
  }));
}

const partOf = (name: string) => name.split('/')[0]?.replace(/\.ts$/, '') ?? '';
const product = files.filter(({ name }) => !/^(dev|doctor)\//.test(name));

describe('the parts of src', () => {
  test('are all known here', () => {
    expect([...new Set(files.map(({ name }) => partOf(name)))].sort()).toEqual(
      expect.arrayContaining([
        'app',
        'auth',
        'config',
        'http',
        'log',
        'pages',
        'server',
        'sessions',
        'start',
      ]),
    );
    for (const { name } of files) expect(['dev', ...Object.keys(allowed)], name).toContain(partOf(name));
  });

  test.each(files.filter(({ name }) => !name.startsWith('dev/')))(
    '$name uses only what its part may use',
    ({ name, text }) => {
      for (const { from, typesOnly } of importsOf(text).filter((each) => each.from.startsWith('.'))) {
        const target = relative(src, join(src, dirname(name), from));
        const part = partOf(target);
        if (part === partOf(name) || target.startsWith('..')) continue;
        const use = allowed[partOf(name)]?.[part];
        expect(use, `${name} imports ${target}`).toBeDefined();
        if (use === 'types') expect(typesOnly, `${name} may import only types from ${target}`).toBe(true);
        // A part with a door is entered by it. A type that both sides speak is no entry.
        if (files.some((each) => each.name === `${part}/index.ts`) && !typesOnly) {
          expect(target, `${name} goes past the door of ${part}`).toBe(`${part}/index.ts`);
        }
      }
    },
  );

  test.each(Object.entries(homes))('%s is known in one place only', (pack, home) => {
    for (const { name, text } of files) {
      const uses = importsOf(text).some(({ from }) => from === pack || from.startsWith(`${pack}/`));
      if (uses) expect(name, `${name} imports ${pack}`).toMatch(home);
    }
  });

  test('read the environment in one place only', () => {
    const readers = files
      .filter(({ text }) => /\bprocess\s*(\.\s*env\b|\[)/.test(text.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')))
      .map(({ name }) => name)
      .filter((name) => !/^(dev|doctor|operator)\b/.test(name));
    expect(readers).toEqual(['server.ts']);
  });

  test('live without the development folder and the doctor', () => {
    for (const { name, text } of product) {
      for (const { from } of importsOf(text)) expect(from, name).not.toMatch(/\/(dev|doctor)\//);
    }
  });
});

describe('the size of src', () => {
  test.each(files)('$name is under 250 lines: one idea a file', ({ text }) => {
    expect(text.split('\n').length).toBeLessThanOrEqual(250);
  });
});
