/** An object in an object, so many times. */
export function nested(levels: number, bottom: unknown = 'bottom'): unknown {
  let value = bottom;
  for (let level = 0; level < levels; level++) value = { deeper: value };
  return value;
}

/** What no claim may be, each by itself. */
export const tooLarge: { name: string; claim: unknown }[] = [
  { name: 'a claim of 17 levels', claim: nested(17) },
  { name: 'a claim of 5,000 levels', claim: nested(5_000) },
  { name: 'a claim of lists in lists', claim: JSON.parse('['.repeat(2_000) + ']'.repeat(2_000)) },
  { name: 'more than 5,000 values', claim: Array.from({ length: 5_001 }, (_, i) => i) },
  {
    name: 'more than 5,000 values in many objects',
    claim: Array.from({ length: 1_300 }, () => ({ a: [1, 2] })),
  },
  { name: 'more than 128 KB', claim: 'x'.repeat(129 * 1024) },
  { name: 'more than 128 KB of letters that take two bytes', claim: 'é'.repeat(65 * 1024) },
  { name: 'more than 128 KB in a name', claim: { ['x'.repeat(129 * 1024)]: 1 } },
];
