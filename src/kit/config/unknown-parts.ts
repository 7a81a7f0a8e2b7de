import { nearest } from './nearest.ts';

/**
 * Parts that there are not, each a sentence with what was probably meant. TypeScript says so too, but nothing that runs the
 * app asks it: a misspelt part would be passed over without a word.
 *
 * @param known all parts that there are
 */
export function unknownParts(given: object, known: readonly string[]): string[] {
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearest(name, new Set(known));
      const help = near ? `Did you mean \`${near}\`?` : `There are ${known.join(', ')}.`;
      return `there is no \`${inOneLine(name, 40)}\`. ${help}`;
    });
}

/** What somebody wrote, as far as a sentence can show it. */
export function inOneLine(text: unknown, longest: number): string {
  return String(text).replace(/\p{C}/gu, ' ').slice(0, longest);
}
