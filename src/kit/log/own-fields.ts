/**
 * A line with other names for the fields that it has of itself already, such as `request_id_`. A second field of a name
 * would replace the first for most readers, and some log stores refuse the line. An answer of an API that somebody logs may
 * have any of these names; Entra's errors have a `trace_id`.
 *
 * @param line stays as it is
 */
export function besides(line: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  if (!names.some((name) => Object.hasOwn(line, name))) return line;
  return Object.fromEntries(
    Object.entries(line).map(([name, value]) => [names.includes(name) ? `${name}_` : name, value]),
  );
}
