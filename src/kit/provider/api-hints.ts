import { causes } from './failures.ts';
import { Unreachable, UnusableAnswer } from './fetch.ts';

/** What a developer may do about an API that gave no answer, or none that can be used. */
export function apiFailureHint(error: unknown): string | undefined {
  const chain = causes(error as Error);
  const unreachable = chain.find((each) => each instanceof Unreachable);
  if (unreachable)
    return unreachable.hint ?? `${unreachable.message}: check the API, and its \`url\` in site.ts`;
  const unusable = chain.find((each) => each instanceof UnusableAnswer)?.message;
  if (!unusable) return undefined;
  // Compressed or not.
  const isTooLarge = /more than \d+ bytes|larger than \d+ bytes/.test(unusable);
  const what = isTooLarge
    ? 'have it answer in pages, or read it by its `proxy`, which streams'
    : 'check the API';
  return `${unusable}: ${what}`;
}
