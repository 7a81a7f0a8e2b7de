/** The known name that is at most three letters away, fewer for a short one, for a misspelt one. */
export function nearest(name: string, known: ReadonlySet<string>, most = 3): string | undefined {
  // A name from outside may be long: the work grows with the square.
  if (name.length > longestName) return undefined;
  const [best] = [...known]
    .map((candidate) => ({ candidate, distance: distance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  return best && best.distance <= Math.min(most, Math.floor(name.length * 0.4)) ? best.candidate : undefined;
}

const longestName = 100;

/** How many letters must be typed differently (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
