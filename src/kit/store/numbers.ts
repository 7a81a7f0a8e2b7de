// Numbers that we keep in the store as text. Somebody else may have written there what is none, or one that nothing can
// come after. redis-scripts.ts knows these bounds too.

/** So many digits at most has a number that is believed. Those of the clock have 13 until the year 2286. */
export const mostDigits = 14;

/** And the number of an ending: whatever number was believed before, there is one above it. */
export const mostDigitsOfRow = 15;

/** NaN for what is no number of ours. Compare so that it refuses. */
export function wholeNumber(text: Buffer | string, digits = mostDigits): number {
  const plain = text.toString();
  return plain.length <= digits && /^(?:0|[1-9]\d*)$/.test(plain) ? Number(plain) : Number.NaN;
}

/**
 * The next of a row of which only `text` is left. It starts from the clock, so that a row which was lost goes on above the
 * numbers that were given before. Of one that was spoilt nobody knows how far it had come: the next is above all that are
 * believed.
 */
export function nextOf(text: Buffer | string | undefined, now: number): number {
  if (text === undefined) return now;
  const last = wholeNumber(text, mostDigitsOfRow);
  return Number.isNaN(last) ? 10 ** mostDigits : Math.max(last + 1, now);
}

/** Where a row is that only `text` is left of, for what comes after all of it. */
export function reachedBy(text: Buffer | string | undefined, now: number): number {
  const number = text === undefined ? Number.NaN : wholeNumber(text);
  return Number.isNaN(number) ? now : number;
}

/** The higher of two, of which only one is certain. */
export function higher(text: Buffer | string | undefined, number: number): number {
  return Math.max(text === undefined ? 0 : wholeNumber(text) || 0, number);
}
