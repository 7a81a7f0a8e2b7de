/** `a, b and c` */
export function listed(words: readonly string[]): string {
  return new Intl.ListFormat('en-GB').format(words);
}
