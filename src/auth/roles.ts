/**
 * The user's roles from the claim that the settings name: a list or a string (one role, or several between spaces).
 * A dotted path reaches in (`realm_access.roles`), unless a claim bears the whole name, dots and all
 * (`https://example.com/roles`). Anything else is no role.
 */
export function readRoles(claims: Record<string, unknown>, path: string): string[] {
  const value = Object.hasOwn(claims, path) ? claims[path] : reach(claims, path.split('.'));
  if (typeof value === 'string') return value.split(' ').filter(Boolean);
  return Array.isArray(value) ? value.filter((role) => typeof role === 'string') : [];
}

function reach(value: unknown, path: string[]): unknown {
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
