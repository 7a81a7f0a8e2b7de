import { expect, test } from 'vitest';
import { english } from '../errors/language.ts';
import { layOut, layOutClaims, layOutRows, rawJson } from '../pages/claims.ts';
import { initials } from '../pages/person.ts';
import { ago } from '../pages/time.ts';
import { nested } from './helpers/misbehaving-claims.ts';

test('times are dates with their zone, in whichever form a provider sends them', () => {
  const expected = { kind: 'time', text: '9 September 2001 at 01:46 UTC', iso: '2001-09-09T01:46Z' };
  for (const name of ['exp', 'iat', 'nbf', 'auth_time', 'updated_at']) {
    expect(layOut(1_000_000_000, name)).toEqual(expected);
  }
  expect(layOut('2001-09-09T01:46:40Z', 'updated_at')).toEqual(expected);
});

test('a time that is none is shown as it came', () => {
  expect(layOut('yesterday', 'updated_at')).toEqual({ kind: 'text', text: 'yesterday' });
  expect(layOut(Number.MAX_VALUE, 'exp')).toEqual({ kind: 'number', text: '1.7976931348623157e+308' });
  expect(layOut(1_000_000_000, 'employee_number')).toEqual({ kind: 'number', text: '1000000000' });
});

test('yes, no and nothing are said in words', () => {
  expect(layOut(true)).toEqual({ kind: 'boolean', text: 'Yes' });
  expect(layOut(false)).toEqual({ kind: 'boolean', text: 'No' });
  for (const nothing of [null, undefined, '', [], {}]) expect(layOut(nothing).kind).toBe('empty');
});

test('ten thousand roles show their first fifty and say how many more there are', () => {
  const value = layOut(Array.from({ length: 10_000 }, (_, n) => `role-${n}`));
  expect(value).toMatchObject({ kind: 'list', more: 9950, flat: true });
  expect(value.kind === 'list' && value.items.length).toBe(50);
});

test('what nests without end is cut at a depth and shown as JSON', () => {
  let deep: unknown = 'bottom';
  for (let i = 0; i < 500; i++) deep = { deeper: deep };
  expect(JSON.stringify(layOut(deep)).match(/"kind":"object"/g)).toHaveLength(4);
});

test('what nests without end is said to be too much, in the table and as JSON', () => {
  const deep = nested(100_000);
  expect(JSON.stringify(layOut(deep))).toContain('This is more than a page can show.');
  expect(rawJson({ deep })).toBe('This is more than a page can show.');
});

test('long texts and names show their start and say how long they are', () => {
  const text = 'x'.repeat(5_000);
  expect(layOut(text)).toEqual({ kind: 'text', text: `${'x'.repeat(1_000)}… (5000 characters)` });
  expect(layOutRows({ [text]: 1 })[0]?.name).toBe(`${'x'.repeat(200)}… (5000 characters)`);
});

test('more rows than a page can show are counted in the last one', () => {
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`claim-${i}`, i]));
  const [group] = layOutClaims({ name: 'A', ...many });
  expect(group?.rows).toHaveLength(201);
  expect(group?.rows[0]).toMatchObject({ name: 'name' });
  expect(group?.rows.at(-1)).toEqual({ name: '…', value: { kind: 'empty', text: 'and 4801 more' } });
});

test('however the values are spread, a page lays out five hundred', () => {
  const wide = Array.from({ length: 50 }, () => Array.from({ length: 50 }, () => Array(50).fill(0)));
  const laid = JSON.stringify(layOut(wide));
  expect(laid.match(/"kind"/g)?.length).toBeLessThanOrEqual(500);
  expect(laid).toContain('"more":');
});

test('JSON is spread over lines while that stays short', () => {
  expect(rawJson({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
  const long = { a: Array(4_000).fill('0123456789') };
  expect(rawJson(long)).toBe(JSON.stringify(long));
});

test('claims about the person come first, well-known ones in their order, each under a name people know', () => {
  const groups = layOutClaims({ zebra: 1, sub: 's', email: 'a@b', name: 'A', iss: 'i', __proto__x: 'y' });
  expect(groups.map(({ title, rows }) => [title, ...rows.map((row) => row.name)])).toEqual([
    ['About you', 'name', 'email', 'zebra', '__proto__x'],
    ['About this sign-in', 'sub', 'iss'],
  ]);
  expect(groups[0]?.rows[1]).toMatchObject({ name: 'email', label: 'Email address' });
  expect(groups[0]?.rows[2]?.label).toBeUndefined();
});

test('claims that carry names of object parts are claims like others', () => {
  const claims = JSON.parse('{"__proto__": {"polluted": true}, "constructor": "x", "toString": "y"}');
  const [group] = layOutClaims(claims);
  expect(group?.rows.map((row) => row.name)).toEqual(['__proto__', 'constructor', 'toString']);
  expect(group?.rows.every((row) => row.label === undefined)).toBe(true);
});

test.each([
  ['Alice Adams', 'AA'],
  ['alice', 'A'],
  ['Ana María de la Cruz', 'AC'],
  ['bob@example.com', 'B'],
  ['émile zola', 'ÉZ'],
  ['王小明', '王'],
  ['<script>', '?'],
  ['', '?'],
])('the initials of %j are %j', (name, expected) => {
  expect(initials(name)).toBe(expected);
});

test('how long ago something was is told in the largest unit that fits', () => {
  const now = Date.now();
  const told = [10, 60, 150, 3600, 7300, 172_800].map((seconds) =>
    ago(new Date(now - seconds * 1000), english, now),
  );
  expect(told).toEqual([
    'just now',
    '1 minute ago',
    '2 minutes ago',
    '1 hour ago',
    '2 hours ago',
    '2 days ago',
  ]);
});
