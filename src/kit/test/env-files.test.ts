import { describe, expect, test } from 'vitest';
import { settings } from '../config/index.ts';
import { projectRoot } from '../folders.ts';
import { codeBlocks, kitDocs, readDoc, sharedFile, withoutCode } from './helpers/docs.ts';
import { envReaders } from './helpers/env-readers.ts';
import { sourcesIn } from './helpers/sources.ts';

// A `.env` is read by Node, by `docker run --env-file` and by Compose, and each has rules of its own for quotes, blanks,
// # and $. Everything that we print for it means the same to all three.

/** A block of docs that is all settings and comments, whatever its fence says. */
const isEnv = (code: string) => code.trim() !== '' && /^(#.*\n|[ \t]*\n|[A-Z][A-Z0-9_]*=.*\n)+$/.test(code);

const names = settings.map(({ name }) => name);
const perProvider = names.filter((name) => name.startsWith('OIDC_')).map((name) => name.slice(5));
/** A setting with its value within a sentence or a text of the code: `OIDC_PAR=off`, `OIDC_WORK_PAR=off`. */
const inSentences = new RegExp(
  `\\b(?:${names.join('|')}|OIDC_[A-Z0-9]+_(?:${perProvider.join('|')}))(?:_FILE)?=(?:(?!\\$\\{)[^\\s\`'"\\\\,;)\\]])+`,
  'g',
);

describe.each(kitDocs())('%s', (path) => {
  const text = readDoc(path);

  test('has blocks for .env that mean the same to Node, Docker and Compose', () => {
    for (const { code } of codeBlocks(text).filter(({ code }) => isEnv(code))) expectSame(code);
  });

  test('has settings in its sentences that do, too', () => {
    for (const [line] of withoutCode(text).matchAll(inSentences)) expectSame(`${line}\n`);
  });
});

test.skipIf(!kitDocs().includes('docs/providers.md'))('the blocks are found', () => {
  const blocks = kitDocs().flatMap((path) => codeBlocks(readDoc(path)));
  const ini = blocks.filter(({ language }) => language === 'ini');
  expect(ini.length).toBeGreaterThan(15);
  expect(ini.filter(({ code }) => !isEnv(code))).toEqual([]);
  expect(withoutCode(readDoc('docs/providers.md')).match(inSentences)?.length).toBeGreaterThan(5);
});

describe.skipIf(!sharedFile('.env.example'))('.env.example', () => {
  const text = sharedFile('.env.example') ?? '';

  test('means the same to Node, Docker and Compose as it is', () => {
    expectSame(text);
  });

  test('and with each # before a setting taken away', () => {
    const all = text.replace(/^# ?(?=[A-Z][A-Z0-9_]*=)/gm, '');
    expectSame(all);
    expect(Object.keys(envReaders.Node(all)).length).toBeGreaterThan(50);
  });
});

test('what the doctor, the log and the start print of settings can be pasted into .env', () => {
  const sources = sourcesIn(projectRoot, 'src/kit/**/*.ts').filter(
    ({ name }) => !/^src\/kit\/test\//.test(name),
  );
  const printed = sources.flatMap(({ text }) => text.match(inSentences) ?? []);
  expect(printed.length).toBeGreaterThan(20);
  for (const line of printed) expectSame(`${line.replace(/[.:]$/, '')}\n`);
});

test('a secret that our command makes, and a password in an address, need no quotes', () => {
  // base64url has letters, digits, - and _ only; in an address a $ is %24, a # is %23 and a quote is %22.
  const address = `rediss://app:${encodeURIComponent('p$a ss#"\'w')}@redis.example.com:6379`.replace(
    "'",
    '%27',
  );
  const text = `SESSION_SECRET=${Buffer.from(Array.from({ length: 255 }, (_, i) => i)).toString('base64url')}\nREDIS_URL=${address}\n`;
  expectSame(text);
  expect(new URL(envReaders.Compose(text).REDIS_URL ?? '').password).toBe('p%24a%20ss%23%22%27w');
});

describe('the three readers', () => {
  test.each([
    ['quotes', "A='one'", { Node: 'one', Docker: "'one'", Compose: 'one' }],
    ['a comment behind a value', 'A=one # two', { Node: 'one', Docker: 'one # two', Compose: 'one' }],
    ['a # inside', 'A=one#two', { Node: 'one', Docker: 'one#two', Compose: 'one#two' }],
    ['a name behind a $', 'B=two\nA=one$B', { Node: 'one$B', Docker: 'one$B', Compose: 'onetwo' }],
    ['two $', 'A=one$$two', { Node: 'one$$two', Docker: 'one$$two', Compose: 'one$two' }],
    ['a default', `A=\${B:-c}`, { Node: `\${B:-c}`, Docker: `\${B:-c}`, Compose: 'c' }],
    ['a blank at the end', 'A=one ', { Node: 'one', Docker: 'one ', Compose: 'one' }],
    ['a blank in front', 'A= one', { Node: 'one', Docker: ' one', Compose: 'one' }],
    ['an escape', 'A="a\\tb"', { Node: 'a\\tb', Docker: '"a\\tb"', Compose: 'atb' }],
  ])('differ about %s', (_what, text, wanted) => {
    const read = Object.entries(envReaders).map(([who, reader]) => [who, reader(`${text}\n`).A]);
    expect(Object.fromEntries(read)).toEqual(wanted);
    expect(() => expectSame(`${text}\n`)).toThrow();
  });

  test('agree about lines of several kinds, and what is empty', () => {
    const text = '# a comment with = and $\n\nA=one two\nB=\nC=https://example.com/?a=b&c=d\n';
    expectSame(text);
    expect(envReaders.Compose(text)).toEqual({ A: 'one two', B: '', C: 'https://example.com/?a=b&c=d' });
  });
});

function expectSame(text: string): void {
  const { Node, Docker, Compose } = envReaders;
  const read = Node(text);
  expect(Docker(text), `Docker reads it otherwise than Node:\n${text}`).toEqual(read);
  expect(Compose(text), `Compose reads it otherwise than Node:\n${text}`).toEqual(read);
}
