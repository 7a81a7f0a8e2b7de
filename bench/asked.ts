import type { Surroundings } from './contestants.ts';

/** How often the provider was asked for what, by path. */
export type Asked = Record<string, number>;

export async function askedSoFar({ issuer }: Pick<Surroundings, 'issuer'>): Promise<Asked> {
  return (await (await fetch(`${issuer}/bench/calls`)).json()) as Asked;
}

/** What came on top, for these paths. */
export function askedSince(before: Asked, now: Asked, paths: readonly string[]): number[] {
  return paths.map((path) => (now[path] ?? 0) - (before[path] ?? 0));
}

/** What the provider was asked by servers; the browser's own visits to it are not calls of the app. */
export async function callsOfServers(around: Surroundings): Promise<number> {
  const byBrowser = new Set(['/authorize', '/end-session', '/bench/calls', '/bench/last-answer']);
  return Object.entries(await askedSoFar(around)).reduce(
    (sum, [path, calls]) => (byBrowser.has(path) ? sum : sum + calls),
    0,
  );
}
