/** The parameters that have a value. */
export function withoutEmpty(parameters: Record<string, string | undefined>): Record<string, string> {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(given);
}
