/**
 * A text from outside as a terminal may show it: with its control characters (Unicode's category Cc) written out. A line
 * that somebody pasted could otherwise clear the screen, or add a sentence of its own.
 */
export function shown(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}
