/** "Alice Adams" → "AA". Drawn instead of a picture, which would have to be fetched from somebody else. */
export function initials(name: string): string {
  const words = name.split(/[\s._@-]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const first = letter(words[0]);
  const last = words.length > 1 && !name.includes('@') ? letter(words.at(-1)) : '';
  return first + last || '?';
}

function letter(word: string | undefined): string {
  return String.fromCodePoint(word?.codePointAt(0) ?? 0x20)
    .trim()
    .toUpperCase();
}
