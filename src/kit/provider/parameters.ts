/** The parameters that have a value. */
export function withoutEmpty(parameters: Record<string, string | undefined>): Record<string, string> {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(given);
}

/** As many as fit together, the longest left out first. */
export function leaveOutLongest(
  parameters: Readonly<Record<string, string>>,
  most: number,
  lengthOf: (name: string, value: string) => number,
): { kept: Record<string, string>; left: string[] } {
  const kept = new Map(Object.entries(parameters));
  const lengths = [...kept].map(([name, value]) => ({ name, length: lengthOf(name, value) }));
  let total = lengths.reduce((sum, { length }) => sum + length, 0);
  const left: string[] = [];
  for (const { name, length } of lengths.sort((a, b) => b.length - a.length)) {
    if (total <= most) break;
    total -= length;
    kept.delete(name);
    left.push(name);
  }
  return { kept: Object.fromEntries(kept), left };
}
