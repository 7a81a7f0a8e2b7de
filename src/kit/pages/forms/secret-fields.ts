/** What is looked at of a zod schema, without a use of zod: which version made it does not matter. */
interface Schema {
  meta?: () => { secret?: unknown } | undefined;
  _zod?: { def?: Inside };
}
interface Inside {
  shape?: Readonly<Record<string, unknown>>;
  /** Of optional, nullable, default, catch, prefault, readonly. */
  innerType?: unknown;
  /** Of a pipe or a transform. */
  in?: unknown;
  out?: unknown;
  /** Of a list, a union, an intersection. */
  element?: unknown;
  options?: readonly unknown[];
  left?: unknown;
  right?: unknown;
}

/** A schema that holds itself has no end. */
const deepest = 20;

/**
 * True for a field whose value no page may hold again: its schema says `.meta({ secret: true })`, or its name holds
 * `password`.
 *
 * @param form the schema of the whole form, where there is one
 */
export function isSecretField(form: unknown, name: string): boolean {
  return /password/i.test(name) || fieldsOf(form, name).some((field) => saysSecret(field));
}

/** The schemas of a field: both halves of an intersection may have one. */
function fieldsOf(schema: unknown, name: string, depth = 0): unknown[] {
  const def = defOf(schema);
  if (!def || depth > deepest) return [];
  const own = def.shape && Object.hasOwn(def.shape, name) ? [def.shape[name]] : [];
  return [...own, ...partsOf(def).flatMap((part) => fieldsOf(part, name, depth + 1))];
}

function saysSecret(schema: unknown, depth = 0): boolean {
  const def = defOf(schema);
  if (!def || depth > deepest) return false;
  return (
    (schema as Schema).meta?.()?.secret === true || partsOf(def).some((part) => saysSecret(part, depth + 1))
  );
}

function partsOf({ innerType, in: input, out, element, options = [], left, right }: Inside): unknown[] {
  return [innerType, input, out, element, ...options, left, right].filter((part) => part !== undefined);
}

function defOf(schema: unknown): Inside | undefined {
  return typeof schema === 'object' && schema !== null ? (schema as Schema)._zod?.def : undefined;
}
