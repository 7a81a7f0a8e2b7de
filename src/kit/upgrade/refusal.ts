/** The upgrade cannot be done, or not in this way. The message is for the person at the keyboard; nothing was changed. */
export class Refusal extends Error {
  override name = 'Refusal';
}

/**
 * Text of a template as a terminal may show it: its escape sequences would move the cursor or rewrite lines, and marks
 * that turn the direction of writing would show another text than the one that is there.
 */
export function printable(text: string): string {
  return text.replaceAll(/\r\n/g, '\n').replaceAll(/[^\P{C}\n\t\u200d]|[\u2028\u2029]/gu, '?');
}

/** Some of many, so that a list of hundreds does not hide the sentence above it. */
export function listed(names: readonly string[], most = 20): string {
  const shown = names.slice(0, most).map((name) => `  ${name}`);
  if (names.length > most) shown.push(`  … and ${names.length - most} more`);
  return shown.join('\n');
}

/**
 * A name as a shell takes it for one word, whatever a template calls its files: between double quotes a shell would run
 * what is between backticks or in `$(…)`.
 */
export function quoted(name: string): string {
  return /^[\w./][\w./@+-]*$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
