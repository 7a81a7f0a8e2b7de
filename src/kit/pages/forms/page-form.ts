import { isSecretName } from '../../log/index.ts';
import type { FormBody } from './form-body.ts';
import { fieldsOf, takesSeveral } from './kinds.ts';
import type { FormSchema } from './schema.ts';

/** What is wrong with a form, as it is printed. */
export interface Mistakes {
  /** By field name, in the order of the form: one sentence each. */
  errors: Readonly<Record<string, string>>;
  /** Sentences that belong to no field. */
  summary: readonly string[];
}

/** What a view knows as `page.form`: all empty, unless a form is printed again because something is wrong with it. */
export interface PageForm extends Mistakes {
  /** The name of the action; empty on a fresh page. */
  action: string;
  /** What was typed, by field name. */
  values: Readonly<Record<string, string | readonly string[]>>;
}

/** A record without a prototype: what a view finds in it was put there. */
export function record<T>(entries: Iterable<readonly [string, T]> = []): Record<string, T> {
  const made: Record<string, T> = Object.create(null);
  for (const [name, value] of entries) made[name] = value;
  return made;
}

/** On a fresh page. */
export const emptyForm: PageForm = Object.freeze({
  action: '',
  values: Object.freeze(record<string>()),
  errors: Object.freeze(record<string>()),
  summary: Object.freeze([]),
});

/** What was typed, but for secret fields: those are typed again. */
export function typedValues(form: FormSchema | undefined, body: FormBody): PageForm['values'] {
  const fields = form
    ? fieldsOf(form).map(({ name, secret, kind }) => ({
        ...{ name, secret },
        isList: kind.is === 'list' || (Array.isArray(body[name]) && takesSeveral(kind)),
      }))
    : Object.keys(body).map((name) => ({
        ...{ name, secret: isSecretName(name) },
        isList: Array.isArray(body[name]),
      }));
  return record(
    fields.flatMap(({ name, secret, isList }) => {
      const sent = body[name];
      if (sent === undefined || secret || name === 'kit-form') return [];
      const texts = [sent].flat().map(printable);
      return [[name, isList ? texts : (texts[0] ?? '')] as const];
    }),
  );
}

/** As a text has it (`\n`): HTML has browsers send line ends as `\r\n`. */
export function withPlainLineEnds(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

/** No page can hold a null character. */
function printable(text: string): string {
  return withPlainLineEnds(text).replaceAll('\0', '');
}
