/** How long answers took, in milliseconds, from the quickest to the slowest. */
export type Latencies = Float64Array;

export function sorted(milliseconds: Iterable<number>): Latencies {
  return Float64Array.from(milliseconds).sort();
}

/** @param share 0.5 for the median, 1 for the longest */
export function percentile(latencies: Latencies, share: number): number {
  return latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
}
