import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { english } from '../errors/language.ts';
import { nameErrors } from '../pages/forms/name-errors.ts';
import { growth, linear } from './helpers/growth.ts';

// R23: a pattern that looks for a repetition at the end of a text tries it from each place where it could begin, so its
// cost grows with the square of the text. `(?<!…)` lets it begin once.

const kit = join(import.meta.dirname, '..');

test('no pattern tries a repetition at the end of a text from each place in it', () => {
  const files = globSync('**/*.{ts,js}', { cwd: kit }).filter(
    (file) => !/^(test|testing|dev|doctor)[\\/]/.test(file),
  );
  const found = files.flatMap((file) =>
    [
      ...readFileSync(join(kit, file), 'utf8').matchAll(/replace\(\/((?:\\.|\[(?:\\.|[^\]])*\])[+*]\$)\//g),
    ].map(([, pattern]) => `${file}: ${pattern}`),
  );
  expect(files.length).toBeGreaterThan(200);
  expect(found).toEqual([]);
});

test.each(['*', ' ', ': ', '(', '()', '( '])(
  'a label of many %j costs no more than its length',
  async (piece) => {
    const ratio = await growth(20_000, (size) => {
      const html = `<a href="#a" data-field>Wrong.</a><label for="a">${piece.repeat(size / piece.length)}x</label>`;
      return () => nameErrors(html, english);
    });
    expect(ratio).toBeLessThan(linear);
  },
);
