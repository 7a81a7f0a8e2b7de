import { expect, test } from 'vitest';
import { z } from 'zod';
import { english } from '../errors/language.ts';
import { checkForm } from '../pages/forms/check-form.ts';
import { fieldsOf } from '../pages/forms/kinds.ts';
import { typedValues } from '../pages/forms/page-form.ts';
import { growth, linear } from './helpers/growth.ts';

// R23 for what somebody sends as a form: it costs no more than its length.

const form = z.object({
  text: z.string().trim().max(100),
  number: z.number(),
  whole: z.coerce.bigint(),
  date: z.coerce.date(),
  choice: z.enum(['a', 'b']),
  box: z.boolean(),
  list: z.array(z.coerce.number()),
  either: z.union([z.number(), z.date(), z.literal('x'), z.array(z.string())]),
});

test.each([' ', '\r\n', '\r', '9', '-', '.', '1.', '2026-', '\0', '😀', '\ud800', '\u202e', 'a', 'on'])(
  'a field of many %j',
  async (piece) => {
    const ratio = await growth(30_000, (size) => {
      const text = piece.repeat(size / piece.length);
      const body = Object.fromEntries(Object.keys(form.shape).map((name) => [name, text]));
      return async () => {
        await checkForm(form, body, english);
        typedValues(form, body);
      };
    });
    expect(ratio).toBeLessThan(linear);
  },
);

test.each(['', '1', 'x'])('a field sent many times as %j', async (text) => {
  const ratio = await growth(1_000, (size) => {
    const body = Object.fromEntries(Object.keys(form.shape).map((name) => [name, Array(size).fill(text)]));
    return async () => {
      await checkForm(form, body, english);
      typedValues(form, body);
    };
  });
  expect(ratio).toBeLessThan(linear);
});

test('a form of many fields', async () => {
  const ratio = await growth(200, (size) => {
    const names = Array.from({ length: size }, (_, n) => `field${n}`);
    const large = z.object(Object.fromEntries(names.map((name) => [name, z.coerce.number()])));
    const body = Object.fromEntries(names.map((name) => [name, 'x']));
    fieldsOf(large);
    return async () => {
      await checkForm(large, body, english);
      typedValues(large, body);
    };
  });
  expect(ratio).toBeLessThan(linear);
});
