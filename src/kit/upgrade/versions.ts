const form = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([\w.-]+))?(?:\+[\w.-]+)?$/;

export function isVersion(text: unknown): text is string {
  return typeof text === 'string' && form.test(text);
}

/** Below 0 where `a` is older than `b`, in the order of semver 2.0.0, section 11. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [read(a), read(b)];
  for (const at of [0, 1, 2]) {
    const difference = (left.numbers[at] ?? 0) - (right.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.before === undefined || right.before === undefined)
    return Number(right.before !== undefined) - Number(left.before !== undefined);
  return comparePrereleases(left.before.split('.'), right.before.split('.'));
}

/** The lowest version that a range allows: `^1.2.3` → `1.2.3`. Undefined where the range does not say one plainly. */
export function lowestOf(range: string): string | undefined {
  const found = /^(?:[\^~]|>=)?\s*v?(\d{1,9})(?:\.(\d{1,9}|[x*]))?(?:\.(\d{1,9}|[x*]))?(-[\w.-]+)?$/.exec(
    range.trim(),
  );
  if (!found) return undefined;
  const [, major, minor = '0', patch = '0', before = ''] = found;
  return `${major}.${minor.replace(/[x*]/, '0')}.${patch.replace(/[x*]/, '0')}${before}`;
}

function read(version: string): { numbers: number[]; before: string | undefined } {
  const [, major, minor, patch, before] = form.exec(version) ?? [];
  return { numbers: [major, minor, patch].map(Number), before };
}

function comparePrereleases(left: string[], right: string[]): number {
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [a, b] = [left[at], right[at]];
    if (a === b) continue;
    if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
    const [aIsNumber, bIsNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
    if (aIsNumber && bIsNumber) return Number(a) - Number(b);
    if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
    return a < b ? -1 : 1;
  }
  return 0;
}
