import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createLanguages, english } from '../errors/language.ts';
import { checkForm } from '../pages/forms/check-form.ts';
import { record } from '../pages/forms/page-form.ts';

// What a form's schema is handed for what was typed.

type Sent = Record<string, string | string[]>;

async function outcome(form: z.ZodObject, sent: Sent, language = english) {
  const checked = await checkForm(form, record(Object.entries(sent)), language);
  return 'values' in checked ? checked.values : checked.mistakes;
}

/** What becomes of one field. */
async function read(schema: z.ZodType, ...sent: string[]): Promise<unknown> {
  const result = (await outcome(
    z.object({ field: schema }),
    sent.length === 0 ? {} : { field: sent.length === 1 ? (sent[0] as string) : sent },
  )) as { field?: unknown; errors?: { field?: string } };
  return result.errors ? `! ${result.errors.field}` : result.field;
}

const required = '! Enter something here.';
const choose = '! Choose one of the options.';

describe('a text', () => {
  test.each([
    ['as it was typed', z.string(), [' Hello, wörld 😀 \u202eabc '], ' Hello, wörld 😀 \u202eabc '],
    ['with plain line ends', z.string(), ['a\r\nb\rc\nd'], 'a\nb\nc\nd'],
    ['missing', z.string(), [], required],
    ['empty', z.string(), [''], required],
    ['of blanks', z.string(), [' \t\r\n '], required],
    ['empty, where it need not be there', z.string().optional(), [''], undefined],
    ['of blanks, where it need not be there', z.string().optional(), ['  '], undefined],
    ['empty, with a default', z.string().default('x'), [''], 'x'],
    ['empty, with a prefault', z.string().prefault('x'), [''], 'x'],
    ['empty, with a catch', z.string().catch('x'), [''], 'x'],
    ['empty, where null is possible', z.string().nullable(), [''], null],
    ['empty, where both are possible', z.string().nullish(), [''], undefined],
    ['empty, or null in a union', z.union([z.string(), z.null()]), [''], null],
    ['empty, where the schema names it', z.email().or(z.literal('')), [''], ''],
    ['empty, where z.coerce takes anything', z.coerce.string(), [''], required],
    ['missing, where z.coerce takes anything', z.coerce.string(), [], required],
    ['empty, where z.coerce is optional', z.coerce.string().optional(), [''], undefined],
    ['empty, where z.coerce has a catch', z.coerce.string().catch('x'), [''], 'x'],
    ['for z.coerce', z.coerce.string(), ['1'], '1'],
    ['sent twice', z.string(), ['a', 'b'], '! Enter one value only.'],
    ['sent twice, once empty', z.string(), ['a', ''], '! Enter one value only.'],
    ['with a null character', z.string(), ['a\0b'], "! This isn't right. Check it and try again."],
    ['through a pipe', z.string().trim().pipe(z.string().toUpperCase()), [' a '], 'A'],
    ['through a transform', z.string().transform((text) => text.length), ['abc'], 3],
    ['through preprocess', z.preprocess((text) => text ?? 'none', z.string()), [''], 'none'],
    ['of any type', z.any(), ['1'], '1'],
    ['behind itself', z.lazy(() => z.string().optional()), [''], undefined],
  ] as [string, z.ZodType, string[], unknown][])('%s', async (_name, schema, sent, expected) => {
    expect(await read(schema, ...sent)).toEqual(expected);
  });
});

describe('a number', () => {
  const number = '! Enter a number, such as 12 or 3.5.';
  const whole = '! Enter a whole number, such as 12.';
  test.each([
    [z.number(), '12', 12],
    [z.number(), '-0.50', -0.5],
    [z.number(), '.5', 0.5],
    [z.number(), '-0', 0],
    [z.number(), '007', 7],
    [z.number(), '', number],
    [z.number(), ' ', number],
    [z.number().optional(), '', undefined],
    [z.number().default(3), '', 3],
    [z.number().nullable(), '', null],
    ...['1e3', '0x10', ' 1 ', '1,5', '1.', '.', '-', '+1', 'Infinity', 'NaN', '١٢', 'x', '1\n2'].flatMap(
      (text): [z.ZodType, string, unknown][] => [
        [z.number(), text, number],
        [z.coerce.number(), text, number],
        [z.coerce.number().optional(), text, number],
      ],
    ),
    [z.number(), '9'.repeat(401), number],
    [z.number(), '9007199254740993', '! Enter a number with fewer digits.'],
    [z.int(), '-9007199254740993', '! Enter a number with fewer digits.'],
    [z.int(), '12', 12],
    [z.int(), '1.5', whole],
    [z.number().int(), '1.5', whole],
    [z.int(), 'x', whole],
    [z.int(), '', whole],
    [z.coerce.number(), '12', 12],
    [z.coerce.number(), '', number],
    [z.coerce.number().optional(), '', undefined],
    [z.coerce.number().default(2), '', 2],
    [z.coerce.number().int().min(1).pipe(z.number()), '4', 4],
    [z.bigint(), '9007199254740993', 9007199254740993n],
    [z.bigint(), '1.5', whole],
    [z.coerce.bigint(), '0x10', whole],
    [z.coerce.bigint(), '', whole],
    [z.coerce.bigint(), '7', 7n],
    [z.string().transform(Number).pipe(z.number()), '5', 5],
    [z.union([z.number(), z.literal('all')]), '5', 5],
    [z.union([z.number(), z.literal('all')]), 'all', 'all'],
    [z.union([z.string(), z.number()]), '5', '5'],
  ] as [z.ZodType, string, unknown][])('%#: of %j', async (schema, text, expected) => {
    expect(await read(schema, text)).toEqual(expected);
  });

  test('may have the decimal sign of the language, and has that of a number field in each', async () => {
    const [german, swiss, none] = ['de', 'de-CH', 'tlh'].map((tag) => createLanguages({ [tag]: {} }).first);
    const form = z.object({ price: z.number().min(0.5), tip: z.coerce.number().multipleOf(0.25).optional() });
    const read = (price: string, tip: string, language = german) => outcome(form, { price, tip }, language);
    expect(await read('12,50', ',75')).toEqual({ price: 12.5, tip: 0.75 });
    expect(await read('12.50', '')).toEqual({ price: 12.5, tip: undefined });
    expect(await read('0,25', '0,3')).toMatchObject({
      errors: {
        price: 'Enter a number that is 0,5 or more.',
        tip: 'Enter a multiple of 0,25.',
      },
    });
    for (const odd of ['1,', ',', '1,5,0', '1.000,50', '1,000.50', '1,e3']) {
      expect(await read(odd, ''), odd).toHaveProperty('errors.price');
    }
    for (const other of [swiss, none, english]) {
      expect(await read('12,50', '', other)).toHaveProperty('errors.price');
      expect(await read('12.50', '', other)).toMatchObject({ price: 12.5 });
    }
  });

  test('that is missing is never 0', async () => {
    for (const schema of [z.number(), z.coerce.number(), z.coerce.bigint(), z.coerce.date(), z.date()]) {
      expect(await read(schema)).toMatch(/^! (Enter|Choose) a /);
      expect(await read(schema.optional())).toBe(undefined);
    }
  });
});

describe('a date', () => {
  const wrong = '! Enter a real date.';
  // Beside a picker, which has its own way of writing dates.
  const none = '! Choose a date.';
  test.each([
    [z.date(), '2026-11-26', new Date('2026-11-26T00:00:00Z')],
    [z.date(), '2026-11-26T10:30', new Date('2026-11-26T10:30:00Z')],
    [z.date(), '2026-11-26T10:30:15.5', new Date('2026-11-26T10:30:15.500Z')],
    [z.coerce.date(), '2026-11-26', new Date('2026-11-26T00:00:00Z')],
    [z.coerce.date(), '2026-11-26T10:30', new Date('2026-11-26T10:30:00Z')],
    ...[
      '2026-02-30',
      '2026-13-01',
      '26.11.2026',
      '1',
      '0',
      '2026',
      '2026-11-26T24:00',
      '2026-11-26T25:00',
      'x',
    ].flatMap((text): [z.ZodType, string, unknown][] => [
      [z.date(), text, wrong],
      [z.coerce.date(), text, wrong],
    ]),
    [z.iso.date(), '2026-11-26', '2026-11-26'],
    [z.iso.date(), '2026-02-30', wrong],
    [z.iso.date(), '0001-01-01', '0001-01-01'],
    [z.iso.date(), '0000-01-01', wrong],
    [z.iso.date().optional(), '0000-01-01', wrong],
    [z.iso.datetime({ local: true }), '0000-01-01T10:30', '! Enter a real date and time.'],
    [z.date(), '0000-01-01', wrong],
    [z.string(), '0000-01-01', '0000-01-01'],
    [z.iso.date(), '', none],
    [z.date(), '', none],
    [z.coerce.date(), '', none],
    [z.iso.datetime(), '', '! Choose a date and time.'],
    [z.iso.time(), ' ', '! Enter a time.'],
    [z.iso.datetime({ local: true }), '2026-11-26T10:30', '2026-11-26T10:30'],
    [z.iso.datetime(), 'x', '! Enter a real date and time.'],
    [z.iso.time(), 'x', '! Enter a time, such as 10:30.'],
    [z.date().min(new Date('2026-01-01')), '2025-12-31', '! Enter a date that is 1 January 2026 or later.'],
    [
      z.date().max(new Date('2026-01-01T10:30Z')),
      '2026-01-02',
      '! Enter a date that is 1 January 2026 at 10:30 or earlier.',
    ],
  ] as [z.ZodType, string, unknown][])('%#: of %j', async (schema, text, expected) => {
    expect(await read(schema, text)).toEqual(expected);
  });
});

describe('a box', () => {
  test.each([
    z.boolean(),
    z.boolean().default(true),
    z.boolean().optional(),
    z.boolean().nullable(),
    z.boolean().prefault(true),
    z.boolean().catch(true),
    z.boolean().readonly(),
    z.coerce.boolean(),
    z.boolean().transform((ticked) => ticked),
    z.union([z.literal(true), z.literal(false)]),
  ])('%#: is true where it is ticked, else false', async (schema) => {
    for (const text of ['on', 'true', 'yes', '1']) expect(await read(schema, text)).toBe(true);
    expect(await read(schema)).toBe(false);
    expect(await read(schema, '')).toBe(false);
    expect(await read(schema, 'false')).toBe(false);
    expect(await read(schema, 'on', 'on')).toBe('! Enter one value only.');
  });

  test('that must be ticked says so', async () => {
    expect(await read(z.literal(true))).toBe('! Tick this box to continue.');
    expect(await read(z.literal(true), 'on')).toBe(true);
    expect(await read(z.literal(true, 'Say that you agree.'))).toBe('! Say that you agree.');
    expect(await read(z.boolean().refine((agreed) => agreed, 'Say that you agree.'))).toBe(
      '! Say that you agree.',
    );
  });
});

describe('a choice', () => {
  const sizes = { small: 1, large: 2 } as const;
  test.each([
    [z.enum(['a', 'b']), 'a', 'a'],
    [z.enum(['a', 'b']), 'c', choose],
    [z.enum(['a', 'b']), '', choose],
    [z.enum(['a', 'b']).optional(), '', undefined],
    [z.enum(['', 'b']), '', ''],
    [z.enum(sizes), '2', 2],
    [z.enum(sizes), 'large', choose],
    [z.enum(['constructor']), '__proto__', choose],
    [z.literal([1, 2, 3]), '3', 3],
    [z.literal([1, 2, 3]), '03', choose],
    [z.union([z.literal('a'), z.literal(2)]), '2', 2],
    [z.union([z.literal('a'), z.literal(2)]), 'b', choose],
    [z.union([z.literal('a'), z.literal(2)]), '', choose],
    [z.union([z.enum(['a']), z.number()]), '', required],
  ] as [z.ZodType, string, unknown][])('%#: of %j', async (schema, text, expected) => {
    expect(await read(schema, text)).toEqual(expected);
  });
});

describe('a list', () => {
  const list = z.array(z.string());
  test.each([
    list,
    list.optional(),
    list.default(['x']),
    list.nullable(),
    list.readonly(),
    list.catch(['x']),
    list.transform((all) => all),
    list.pipe(list),
    z.lazy(() => list),
    z.preprocess((all) => all, list),
  ])('%#: takes none, one and several', async (schema) => {
    expect(await read(schema)).toEqual([]);
    expect(await read(schema, '')).toEqual([]);
    expect(await read(schema, 'a')).toEqual(['a']);
    expect(await read(schema, 'a', '', 'b', ' ')).toEqual(['a', 'b']);
  });

  test('has its items converted', async () => {
    expect(await read(z.array(z.number()), '1', '2')).toEqual([1, 2]);
    expect(await read(z.array(z.coerce.number()), '1', '0x2')).toBe('! Enter a number, such as 12 or 3.5.');
    expect(await read(z.set(z.int()), '1', '2', '1')).toEqual(new Set([1, 2]));
    expect(await read(z.tuple([z.string(), z.int()]), 'a', '2')).toEqual(['a', 2]);
    expect(await read(z.tuple([z.string()], z.int()), 'a', '2', '3')).toEqual(['a', 2, 3]);
    expect(await read(z.union([z.string(), z.array(z.string())]), 'a')).toBe('a');
    expect(await read(z.union([z.string(), z.array(z.string())]), 'a', 'b')).toEqual(['a', 'b']);
  });

  test('has bounds in words', async () => {
    expect(await read(z.array(z.string()).min(2), 'a')).toBe('! Choose at least 2.');
    expect(await read(z.array(z.string()).max(1), 'a', 'b')).toBe('! Choose no more than 1.');
    expect(await read(z.array(z.string()).length(1))).toBe('! Choose exactly 1.');
    expect(await read(z.array(z.string()).nonempty('Name one.'))).toBe('! Name one.');
  });
});

describe('the words', () => {
  test.each([
    [z.string().min(3), 'ab', 'Enter at least 3 characters.'],
    [z.string().trim().min(1), 'x', undefined],
    [z.string().max(1), 'ab', 'Enter no more than 1 character.'],
    [z.string().length(2), 'a', 'Enter exactly 2 characters.'],
    [z.email(), 'x', 'Enter an email address, such as name@example.com.'],
    [z.email(), '', 'Enter an email address, such as name@example.com.'],
    [z.string().email(), 'x', 'Enter an email address, such as name@example.com.'],
    [z.url(), 'x', 'Enter a web address, such as https://example.com.'],
    [z.string().regex(/^\d+$/), 'x', "This isn't in the right format. Check it and try again."],
    [z.uuid(), 'x', "This isn't in the right format. Check it and try again."],
    [z.string().startsWith('A'), 'x', 'Enter something that begins with “A”.'],
    [z.string().endsWith('A'), 'x', 'Enter something that ends with “A”.'],
    [z.string().includes('A'), 'x', 'Enter something that includes “A”.'],
    [z.int().min(2), '1', 'Enter a number that is 2 or more.'],
    [z.int().max(2000), '2001', 'Enter a number that is 2000 or less.'],
    [z.number().gt(2), '2', 'Enter a number that is more than 2.'],
    [z.number().lt(2), '2', 'Enter a number that is less than 2.'],
    [z.bigint().min(2n), '1', 'Enter a number that is 2 or more.'],
    [z.int().multipleOf(5), '3', 'Enter a multiple of 5.'],
    [z.email().or(z.literal('')), 'x', 'Enter an email address, such as name@example.com.'],
    [z.union([z.number(), z.literal('all')]), 'x', 'Enter a number, such as 12 or 3.5.'],
    [z.union([z.number(), z.date()]), 'x', "This isn't right. Check it and try again."],
    [z.string().refine(() => false), 'x', "This isn't right. Check it and try again."],
    [z.object({}), 'x', "This isn't right. Check it and try again."],
    [z.stringbool(), 'x', choose.slice(2)],
  ] as [z.ZodType, string, string | undefined][])('%#: for %j', async (schema, text, message) => {
    expect(await read(schema, text)).toBe(message === undefined ? text : `! ${message}`);
  });

  test.each([
    [z.string().min(3, 'Say a bit more.'), 'ab'],
    [z.string().min(3, { error: 'Say a bit more.' }), 'ab'],
    [z.string().min(3, { error: () => 'Say a bit more.' }), 'ab'],
    [z.string({ error: 'Say a bit more.' }).min(3), 'ab'],
    [z.string().min(1, 'Say a bit more.'), ''],
    [z.string().trim().min(3, 'Say a bit more.').max(9), ' '],
    [z.string('Say a bit more.'), ''],
    [z.string().refine(() => false, 'Say a bit more.'), 'x'],
    [z.string().refine(async () => false, 'Say a bit more.'), 'x'],
    [z.string().superRefine((_, context) => context.addIssue('Say a bit more.')), 'x'],
    [z.email('Say a bit more.'), 'x'],
    [z.email('Say a bit more.'), ''],
    [z.coerce.number('Say a bit more.'), 'x'],
    [z.coerce.number('Say a bit more.'), ''],
    [z.enum(['a'], 'Say a bit more.'), ''],
    [z.date('Say a bit more.'), 'x'],
    [z.union([z.email('Say a bit more.'), z.literal('')]), 'x'],
    [z.array(z.string().min(3, 'Say a bit more.')), 'a'],
  ] as [z.ZodType, string][])('%#: of the schema itself come first', async (schema, text) => {
    expect(await read(schema, text)).toBe('! Say a bit more.');
  });

  test('are in the language of the request', async () => {
    const { first } = createLanguages({
      de: { 'form.required': 'Bitte ausfüllen.', 'form.too-long.other': 'Höchstens {count} Zeichen.' },
    });
    const form = z.object({
      a: z.string(),
      b: z.string().max(2),
      c: z.date().min(new Date('2026-01-01')),
      d: z.number(),
    });
    const { errors } = (await outcome(form, { b: 'abc', c: '2025-01-01', d: 'x' }, first)) as {
      errors: object;
    };
    expect({ ...errors }).toEqual({
      a: 'Bitte ausfüllen.',
      b: 'Höchstens 2 Zeichen.',
      c: 'Enter a date that is 1. Januar 2026 or later.',
      d: 'Enter a number, such as 12 or 3.5.',
    });
  });
});

describe('a form', () => {
  test('has unknown fields dropped, whatever its schema says about them', async () => {
    const sent = {
      a: '1',
      b: '2',
      __proto__: '3',
      constructor: '4',
      'a[b]': '5',
      'a.b': '6',
      'kit-form': '7',
    };
    const fields = { a: z.string() };
    for (const form of [
      z.object(fields),
      z.looseObject(fields),
      z.strictObject(fields),
      z.object(fields).catchall(z.string()),
    ]) {
      expect(await outcome(form, { ...sent, ['__proto__']: 'x' })).toEqual({ a: '1' });
    }
  });

  test('knows the names of Object.prototype as names like any other', async () => {
    const form = z.object({ constructor: z.string(), toString: z.string().optional(), valueOf: z.boolean() });
    const { errors } = (await outcome(form, {})) as { errors: object };
    expect(Object.keys(errors)).toEqual(['constructor']);
    expect(Object.entries(await outcome(form, { constructor: 'x', valueOf: 'on' }))).toEqual([
      ['constructor', 'x'],
      ['valueOf', true],
    ]);
  });

  test('has one message a field, in the order of its fields, and others in the summary', async () => {
    const form = z
      .object({
        a: z.string().min(5).regex(/x/),
        b: z.string(),
        c: z.array(z.int()),
        d: z.string().optional(),
      })
      .refine(() => false, 'Not on Mondays.')
      .refine(() => false, { path: ['elsewhere'], error: 'Nor on Tuesdays.' })
      .refine(() => false, { path: ['d', 'deep'], error: 'Not that.' });
    const first = (await outcome(form, { a: 'a', b: ['1', '2'], c: ['1', 'x', 'y'] })) as { errors: object };
    expect(Object.entries(first.errors)).toEqual([
      ['a', 'Enter at least 5 characters.'],
      ['b', 'Enter one value only.'],
      ['c', 'Enter a whole number, such as 12.'],
    ]);
    const then = (await outcome(form, { a: 'axxxx', b: '1' })) as { errors: object; summary: string[] };
    expect(then.summary).toEqual(['Not on Mondays.', 'Nor on Tuesdays.']);
    expect({ ...then.errors }).toEqual({ d: 'Not that.' });
  });

  test('has at most a hundred messages of at most 500 letters', async () => {
    const form = z.object({ a: z.string() }).superRefine((_, context) => {
      for (let n = 0; n < 1_000; n++) context.addIssue(`${n}${'x'.repeat(10_000)}`);
    });
    const { summary } = (await outcome(form, { a: 'a' })) as { summary: string[] };
    expect(summary.length).toBe(100);
    expect(summary.every((sentence) => sentence.length === 500)).toBe(true);
  });

  test('whose schema throws is no mistake of the person', async () => {
    const boom = () => {
      throw new Error('boom');
    };
    await expect(outcome(z.object({ a: z.string().refine(boom) }), { a: 'x' })).rejects.toThrow('boom');
    await expect(outcome(z.object({ a: z.string().refine(async () => boom()) }), { a: 'x' })).rejects.toThrow(
      'boom',
    );
  });
});
