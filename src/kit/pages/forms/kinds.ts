import { isSecretName } from '../../log/index.ts';
import type { Definition, FormSchema, Schema } from './schema.ts';

/** The fields of a form, as their schemas say what is to become of their text. */
export interface Field {
  name: string;
  kind: Kind;
  /** What a field is handed to its schema as when it was left empty; undefined where it is not handed over. */
  empty: unknown;
  /** Never printed again. */
  secret: boolean;
}

export type Kind =
  /** `day` is a text that begins with a date. `nothing` is what no text can become: an object in a form. */
  | { is: 'text' | 'day' | 'box' | 'nothing' }
  /** With `coerce`, the schema itself would make something of any text. */
  | { is: 'number' | 'bigint' | 'date'; coerce: boolean }
  | { is: 'choice'; values: ReadonlyMap<string, unknown> }
  | { is: 'list'; at: (index: number) => Kind; isSet: boolean }
  /** The first that takes the text. */
  | { is: 'one of'; kinds: readonly Kind[] };

const known = new WeakMap<FormSchema, readonly Field[]>();

/** The fields of a form's schema, in its order. Worked out once. */
export function fieldsOf(form: FormSchema): readonly Field[] {
  const before = known.get(form);
  if (before) return before;
  const fields = Object.entries<Schema>({ ...form._zod.def.shape }).map(([name, schema]) => ({
    name,
    kind: kindOf(schema),
    empty: emptyFor(schema),
    secret: isSecret(name, schema, kindOf(schema)),
  }));
  known.set(form, fields);
  return fields;
}

/** True where several values are no mistake. */
export function takesSeveral(kind: Kind): boolean {
  return kind.is === 'list' || (kind.is === 'one of' && kind.kinds.some(takesSeveral));
}

/** As its schema says; if that says nothing, by its name. A box or a choice holds nothing that the page does not show. */
function isSecret(name: string, schema: Schema, kind: Kind): boolean {
  const said = layersOf(schema).map((layer) => (layer.meta?.() as { secret?: unknown } | undefined)?.secret);
  if (said.includes(true)) return true;
  return !said.includes(false) && kind.is !== 'box' && kind.is !== 'choice' && isSecretName(name);
}

function definitionOf(schema: Schema): Definition {
  return schema._zod.def;
}

/** A schema that holds itself ends somewhere. */
const deepest = 20;

function kindOf(schema: Schema, depth = 0): Kind {
  const text: Kind = { is: 'text' };
  if (depth > deepest) return text;
  const definition = definitionOf(schema);
  const inner = (one: Schema | null | undefined) => (one ? kindOf(one, depth + 1) : text);
  const coerce = definition.coerce === true;
  switch (definition.type) {
    case 'string':
      return /^date(time)?$/.test(definition.format ?? '') ? { is: 'day' } : text;
    case 'boolean':
      return { is: 'box' };
    case 'number':
    case 'bigint':
    case 'date':
      return { is: definition.type, coerce };
    case 'literal':
    case 'enum':
      return choiceOf([...(schema._zod.values ?? [])]);
    case 'array': {
      const item = inner(definition.element);
      return { is: 'list', at: () => item, isSet: false };
    }
    case 'set': {
      const item = inner(definition.valueType);
      return { is: 'list', at: () => item, isSet: true };
    }
    case 'tuple': {
      const [items, rest] = [definition.items?.map(inner) ?? [], inner(definition.rest)];
      return { is: 'list', at: (index) => items[index] ?? rest, isSet: false };
    }
    case 'object':
    case 'record':
    case 'map':
    case 'file':
    case 'function':
    case 'symbol':
      return { is: 'nothing' };
    case 'union':
      return unionOf((definition.options ?? []).map(inner));
    case 'intersection':
      return inner(definition.left);
    case 'lazy':
      return inner(definition.getter?.());
    case 'pipe': {
      if (definition.in && definitionOf(definition.in).type !== 'transform') return inner(definition.in);
      // z.preprocess is handed the text itself. Only whether there may be several is for its schema to say.
      const after = inner(definition.out);
      return after.is === 'list' ? { ...after, at: () => text, isSet: false } : text;
    }
    default:
      return inner(definition.innerType);
  }
}

function choiceOf(values: readonly unknown[]): Kind {
  if (values.length > 0 && values.every((value) => typeof value === 'boolean')) return { is: 'box' };
  return { is: 'choice', values: new Map(values.map((value) => [String(value), value])) };
}

function unionOf(kinds: readonly Kind[]): Kind {
  const [first] = kinds;
  if (first && kinds.every(({ is }) => is === 'box')) return first;
  if (first && kinds.every(({ is }) => is === 'list')) return first;
  return { is: 'one of', kinds };
}

/**
 * An empty field is absent. Where its schema takes null, or an empty text by its name, it is that. z.coerce.string()
 * would make "undefined" of what is absent: it is handed what cannot be made a text.
 */
function emptyFor(schema: Schema, depth = 0): unknown {
  if (depth > deepest) return undefined;
  const definition = definitionOf(schema);
  const { innerType } = definition;
  const inner = (one: Schema | undefined) => (one ? emptyFor(one, depth + 1) : undefined);
  switch (definition.type) {
    case 'string':
      return definition.coerce ? noText : undefined;
    case 'null':
      return null;
    case 'literal':
    case 'enum':
      return schema._zod.values?.has('') ? '' : schema._zod.values?.has(null) ? null : undefined;
    case 'nullable':
      return innerType && definitionOf(innerType).type === 'optional' ? undefined : null;
    case 'union': {
      const all = (definition.options ?? []).map(inner);
      return ['', null, noText].find((each) => all.includes(each));
    }
    case 'readonly':
    case 'nonoptional':
    case 'catch':
      return inner(innerType);
    case 'pipe':
      return inner(definition.in);
    case 'lazy':
      return inner(definition.getter?.());
    default:
      return undefined;
  }
}

const noText: unknown = Object.freeze(Object.create(null));

/** A schema and all that it is made of. */
function layersOf(schema: Schema): Schema[] {
  const layers = new Set([schema]);
  for (const layer of layers) {
    if (layers.size > mostLayers) break;
    const {
      innerType,
      in: before,
      out,
      left,
      right,
      element,
      valueType,
      options,
      items,
      rest,
      getter,
    } = definitionOf(layer);
    const below = [innerType, before, out, left, right, element, valueType, rest, getter?.()];
    for (const one of [...below, ...(options ?? []), ...(items ?? [])]) if (one) layers.add(one);
  }
  return [...layers];
}

const mostLayers = 1_000;
