// A page's path may contain parameters: `/notes/:id`.

/** The order in which Express must try them: of two that both match an address, the one with fewer parameters first. */
export function byPrecision<T extends { path: string }>(pages: readonly T[]): T[] {
  return [...pages].sort((a, b) => compare(segmentsOf(a.path), segmentsOf(b.path)));
}

/** The page at an address of this app, found as Express finds it; the query does not matter. */
export function pageAt<T extends { path: string }>(pages: readonly T[], address: string): T | undefined {
  const given = segmentsOf(address.split(/[?#]/, 1)[0] ?? '');
  return byPrecision(pages).find(({ path }) => matches(segmentsOf(path), given));
}

/** True where both would answer the same address, whatever their parameters are called. */
export function isSamePath(a: string, b: string): boolean {
  const plain = (path: string) => segmentsOf(path).map((one) => (isParameter(one) ? ':' : one.toLowerCase()));
  return plain(a).join('/') === plain(b).join('/');
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (const [index, segment] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const difference = Number(isParameter(segment)) - Number(isParameter(other));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function matches(path: readonly string[], given: readonly string[]): boolean {
  return (
    path.length === given.length &&
    path.every((one, index) => isParameter(one) || one.toLowerCase() === given[index]?.toLowerCase())
  );
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function isParameter(segment: string): boolean {
  return segment.startsWith(':');
}
