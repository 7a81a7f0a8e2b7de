import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Control, securityControls } from './security-controls.ts';

const controls: Control[] = Object.values(securityControls).flat();
const numbers = controls.flatMap(({ id }) => id.split(', '));

describe('the security controls', () => {
  test.each(controls)('$id: a test shows it, or it is said to be for the deployer', ({ tests, deployer }) => {
    if (deployer) expect(tests).toBeUndefined();
    else expect(tests?.length).toBeGreaterThan(0);
  });

  test.each(controls.filter(({ tests }) => tests))('$id: the tests it names exist', ({ tests = [] }) => {
    expect(tests.filter((one) => !exists(one))).toEqual([]);
  });

  test('name each requirement once', () => {
    expect(numbers.filter((number, index) => numbers.indexOf(number) < index)).toEqual([]);
  });

  test('a test that does not exist would be noticed', () => {
    expect(exists('logout: a copy of the cookie is worth nothing afterwards')).toBe(true);
    expect(exists('logout: a copy of the cookie is worth a lot')).toBe(false);
    expect(exists('no-such-file: a copy of the cookie is worth nothing afterwards')).toBe(false);
    expect(exists('logout: ')).toBe(false);
  });
});

/** Is the text part of a string in that file? Comments do not count. */
function exists(named: string): boolean {
  const [file = '', ...rest] = named.split(': ');
  const name = rest.join(': ');
  const names = file.startsWith('helpers/') ? [`${file}.ts`] : [`${file}.test.ts`, `${file}.slow.test.ts`];
  const address = names.map((each) => new URL(each, import.meta.url)).find((each) => existsSync(each));
  if (name === '' || !address) return false;
  const code = readFileSync(address, 'utf8').replace(/^\s*(\/\/|\/?\*).*$/gm, '');
  return strings(code).some((text) => text.includes(name));
}

/** What stands in quotes. */
function strings(code: string): string[] {
  return [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map(
    ([, single, double, back]) => (single ?? double ?? back ?? '').replaceAll(/\\(['"`])/g, '$1'),
  );
}
