/** A member of the metadata that should be a list of texts; whatever else is in it is left out. */
export function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
