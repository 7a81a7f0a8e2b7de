import type { Log } from '../log/index.ts';

/** Names in a path that reaches in; claims are not nested more deeply. */
const longestPath = 20;
const betweenWarningsMs = 3_600_000;

/**
 * Reads a user's roles from the claim that the settings name. A claim of a shape that nobody can read as roles gives
 * none, and one line in the log an hour: else its users only see that they may not.
 *
 * @param now epoch milliseconds
 */
export function roleReader(
  path: string,
  log: Pick<Log, 'warn'>,
  now = Date.now,
): (claims: Record<string, unknown>) => string[] {
  let warnedAt = Number.NEGATIVE_INFINITY;
  return (claims) => {
    const { roles, oddity } = rolesAt(claims, path);
    if (oddity && now() - warnedAt >= betweenWarningsMs) {
      warnedAt = now();
      const hint =
        'have the provider send a string, a list of strings, a list of objects with a name, or an object whose keys are the roles, or point OIDC_ROLES_CLAIM to such a claim';
      log.warn({ claim: path, shape: oddity, hint }, 'the roles claim has a shape that gives no role');
    }
    return roles;
  };
}

/** The roles in the claim at a path; see `roleReader`. */
export function readRoles(claims: Record<string, unknown>, path: string): string[] {
  return rolesAt(claims, path).roles;
}

interface Found {
  roles: string[];
  /** What is there instead of roles. Never a value of it. */
  oddity?: string;
}

function rolesAt(claims: Record<string, unknown>, path: string): Found {
  if (Object.hasOwn(claims, path)) return rolesOf(claims[path]);
  const names = path.split('.', longestPath + 1);
  return names.length > longestPath ? { roles: [] } : rolesOf(reach(claims, names));
}

/**
 * What a path of names leads to, the longest name first at each step: names may contain dots (a client id such as
 * "my.app.example"). Each object can be reached in one way only, so that no claims make this go round long.
 */
function reach(value: unknown, names: readonly string[]): unknown {
  if (names.length === 0) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (let count = names.length; count > 0; count--) {
    const name = names.slice(0, count).join('.');
    // Only what the provider sent: "constructor" and the like are no claims.
    if (!Object.hasOwn(value, name)) continue;
    const found = reach((value as Record<string, unknown>)[name], names.slice(count));
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * A text is one role, blanks and all: "not admin" is no admin. Of a list of texts each; of a list of objects their
 * `name`; of an object the keys whose value is `true` or an object (Zitadel's shape). A role is exactly its name, and
 * what is no role's name is none (R18).
 */
function rolesOf(value: unknown): Found {
  if (value === undefined) return { roles: [] };
  if (typeof value === 'string') return { roles: [value].filter(Boolean) };
  if (Array.isArray(value)) return rolesOfList(value);
  if (!isObject(value)) return { roles: [], oddity: kindOf(value) };
  const entries = Object.entries(value);
  const roles = entries.flatMap(([name, held]) => (name && (held === true || isObject(held)) ? [name] : []));
  const odd = roles.length === 0 && entries.some(([, held]) => held !== false);
  const kinds = () => kindsOf(entries.map(([, held]) => held));
  return { roles, ...(odd && { oddity: `an object of ${kinds()}` }) };
}

function rolesOfList(list: readonly unknown[]): Found {
  if (list.every((item) => typeof item === 'string')) return { roles: list.filter(Boolean) };
  if (!list.every(isObject)) return { roles: [], oddity: `a list of ${kindsOf(list)}` };
  const names = list.map((item) => (Object.hasOwn(item, 'name') ? item.name : undefined));
  const roles = names.filter((name): name is string => typeof name === 'string' && name !== '');
  return { roles, ...(roles.length < list.length && { oddity: 'a list of objects, some without a name' }) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindsOf(values: readonly unknown[]): string {
  return [...new Set(values.map(kindOf))].join(' and ');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value === 'string' ? 'text' : typeof value;
}
