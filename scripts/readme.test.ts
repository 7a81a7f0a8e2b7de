import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { settings } from '../src/kit/config/index.ts';
import { listRoutes } from '../src/kit/http/methods.ts';
import { auditEvents } from '../src/kit/log/index.ts';
import { startAppWithRoutes } from '../src/kit/test/helpers/app-with-routes.ts';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const readme = read('README.md');
const packages = JSON.parse(read('package.json'));

/** The text below a heading, up to the next one of its rank. */
function section(title: string): string {
  return readme.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? '';
}

/** What stands in backquotes in the given column of a section's tables. */
function named(title: string, column: number): string[] {
  const rows = section(title)
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return rows.flatMap((row) =>
    [...(row.split(' | ')[column] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
  );
}

test('every npm command that the README names is one of package.json, and the other way round', () => {
  const said = [...readme.matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1] ?? '');
  const scripts = Object.keys(packages.scripts);
  expect(said.filter((name) => !scripts.includes(name))).toEqual([]);
  const plain = ['start', 'test'];
  expect(scripts.filter((name) => !said.includes(name) && !plain.includes(name))).toEqual([]);
});

test("each script of package.json runs a file that's there", () => {
  const files = Object.values<string>(packages.scripts).flatMap(
    (script) => script.match(/[\w./-]+\.ts\b/g) ?? [],
  );
  expect(files.filter((file) => !existsSync(new URL(`../${file}`, import.meta.url)))).toEqual([]);
});

test('the table of settings is what the code reads, defaults and meanings included', () => {
  const rows = settings.map(({ name, default: standard, meaning }) => {
    return `| \`${name}\` | ${standard === undefined ? '' : `\`${standard}\``} | ${meaning} |`;
  });
  expect(section('Settings')).toContain(rows.join('\n'));
});

test('the table of addresses is what the app serves', async () => {
  const away = {
    OIDC_ISSUER: 'http://127.0.0.1:9',
    OIDC_CLIENT_ID: 'app',
    OIDC_CLIENT_SECRET: 'not used here',
  };
  const { express, stop } = await startAppWithRoutes({ ...away, API_URL: 'http://127.0.0.1:9' }, {});
  const served = listRoutes(express).flatMap(({ path, methods }) =>
    methods.map((method) => `${method} ${path}`),
  );
  await stop();
  expect([...new Set(named('Addresses', 0))].sort()).toEqual([...new Set(served)].sort());
});

test('the table of audit events names each event there is', () => {
  expect(named('Audit events', 0).sort()).toEqual([...auditEvents].sort());
});

test('every dependency has its reason', () => {
  expect(named('Dependencies', 0).sort()).toEqual(Object.keys(packages.dependencies).sort());
  const unexplained = Object.keys(packages.devDependencies).filter(
    (name) => !name.startsWith('@types/') && !section('Dependencies').includes(`\`${name}\``),
  );
  expect(unexplained).toEqual([]);
});

test('the picture of src shows each file and folder at its top', () => {
  const drawn = [...section('Where things are').matchAll(/^ {2}([\w.-]+\/?) {2,}/gm)].map(
    (match) => match[1] ?? '',
  );
  const there = readdirSync(new URL('../src', import.meta.url), { withFileTypes: true }).map((entry) =>
    entry.isDirectory() ? `${entry.name}/` : entry.name,
  );
  expect(drawn.sort()).toEqual(there.sort());
});

test('every file that the README links to is there', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1] ?? '');
  expect(links.filter((link) => !existsSync(new URL(`../${link}`, import.meta.url)))).toEqual([]);
});

test('the README names functions and files that exist', () => {
  const flow = section('How a sign-in flows');
  const files = [...flow.matchAll(/`(src\/[\w./-]+)`/g)].map((match) => match[1] ?? '');
  expect(files.length).toBeGreaterThan(4);
  const sources = files.map(read).join('\n') + read('src/http/security-headers.ts');
  for (const name of ['requireAuth', 'startLogin', 'finishLogin', 'finishSignIn', 'startUserSession']) {
    expect(flow).toContain(`\`${name}\``);
    expect(sources).toMatch(new RegExp(`function ${name}\\b`));
  }
});

test('docs/design.md names and links files that exist', () => {
  const design = read('docs/design.md');
  const named = [...design.matchAll(/`((?:src|test|views|public|bench|deploy)\/[\w./-]+)`/g)].map(
    (match) => match[1] ?? '',
  );
  const linked = [...design.matchAll(/\]\(([^)#:]+)/g)].map((match) => `docs/${match[1]}`);
  expect(named.length).toBeGreaterThan(3);
  expect([...named, ...linked].filter((file) => !existsSync(new URL(`../${file}`, import.meta.url)))).toEqual(
    [],
  );
});
