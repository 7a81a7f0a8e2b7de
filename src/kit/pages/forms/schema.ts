// What the kit reads of a form's schema. It is the site's: the kit takes it as it is, whichever zod made it.

/** A zod object. */
export interface FormSchema {
  readonly _zod: { readonly def: { readonly type: 'object'; readonly shape: object } };
  // biome-ignore lint/suspicious/noExplicitAny: an Issue; zod's own type of it has fields that vary with its code
  safeParseAsync(value: unknown, options: { error: (issue: any) => string }): Promise<SafeResult>;
}

/** What a form's schema makes of what was typed; nothing where there is no schema. */
export type ValuesOf<Form> = Form extends { _zod: { output: infer Values } } ? Values : Record<never, never>;

type SafeResult =
  | { success: true; data: unknown; error?: unknown }
  | { success: false; error: { issues: readonly Sentence[] } };

/** What is wrong, in words. */
export interface Sentence {
  path: readonly PropertyKey[];
  message: string;
}

/** What a schema has found, before it is put into words. Which of it is there depends on its code. */
export interface Issue {
  code?: string;
  path?: PropertyKey[];
  input?: unknown;
  /** The schema or check that found it. */
  inst?: { _zod: { def: object } };
  expected?: string;
  values?: readonly unknown[];
  origin?: string;
  minimum?: number | bigint;
  maximum?: number | bigint;
  inclusive?: boolean;
  exact?: boolean;
  divisor?: number | bigint;
  format?: string;
  prefix?: string;
  suffix?: string;
  includes?: string;
  /** What the options of a union said, in words. */
  errors?: readonly (readonly { code?: string; message: string }[])[];
}

/** Any schema in a form. */
export interface Schema {
  meta?: () => unknown;
  _zod: { def: Definition; values?: ReadonlySet<unknown> };
}

/** Which of it is there depends on its type. */
export interface Definition {
  type: string;
  /** Of a text with rules of its own: `date`, `email`. */
  format?: string;
  coerce?: boolean;
  innerType?: Schema;
  in?: Schema;
  out?: Schema;
  left?: Schema;
  right?: Schema;
  element?: Schema;
  valueType?: Schema;
  options?: readonly Schema[];
  items?: readonly Schema[];
  rest?: Schema | null;
  getter?: () => Schema;
}

/** True for what `z.object` returns. */
export function isFormSchema(value: unknown): value is FormSchema {
  if (typeof value !== 'object' || value === null) return false;
  const { _zod, safeParseAsync } = value as { _zod?: { def?: Definition }; safeParseAsync?: unknown };
  return _zod?.def?.type === 'object' && typeof safeParseAsync === 'function';
}
