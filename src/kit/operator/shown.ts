/**
 * A text from outside as a terminal may show it: with what nobody sees of it written out: control characters could clear the
 * screen or add a sentence of their own, and marks that turn the direction of writing would show another text.
 */
export function shown(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}
