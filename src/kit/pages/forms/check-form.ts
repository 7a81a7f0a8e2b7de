import { type Language, say } from '../../errors/language.ts';
import type { Text } from '../../errors/texts.ts';
import { speaking } from './by-language.ts';
import { convert } from './convert.ts';
import { type DecimalSign, decimalSign } from './decimal-sign.ts';
import type { FormBody } from './form-body.ts';
import { type Field, fieldsOf, takesSeveral } from './kinds.ts';
import { type Mistakes, record, withPlainLineEnds } from './page-form.ts';
import type { FormSchema, Issue, Sentence } from './schema.ts';
import { textFor } from './words.ts';

/**
 * Checks a form against its schema. Only the schema's own fields are looked at.
 *
 * @returns what the schema makes of it, or what is wrong with it in words: the schema's own where it has some, else ours
 * @throws what the schema throws
 */
export async function checkForm(
  form: FormSchema,
  body: FormBody,
  language: Language,
): Promise<{ values: object } | { mistakes: Mistakes }> {
  const fields = fieldsOf(form);
  const point = decimalSign(language);
  const handed: Record<string, unknown> = record();
  const empty = new Set<string>();
  /** What no schema sees. */
  const ours = new Map<string, Text>();
  for (const field of fields) {
    const read = readField(field, body[field.name], point);
    if (read.mistake) ours.set(field.name, read.mistake);
    if (read.empty) empty.add(field.name);
    if (read.value !== undefined) handed[field.name] = read.value;
  }
  const inWords = (issue: Issue) =>
    say(textFor(issue, { empty: isEmptyField(issue, empty), language }), language);
  const { values, issues = [] } = await speaking(language, async () => {
    const result = await form.safeParseAsync(handed, { error: inWords });
    // Here, as zod puts an issue into words only when somebody looks at it.
    return result.success ? { values: result.data as object } : { issues: result.error.issues };
  });
  if (values && ours.size === 0) return { values };
  const mistakes = [
    ...[...ours].map(([name, text]) => ({ path: [name], message: say(text, language) })),
    ...issues,
  ];
  return {
    mistakes: mistakesOf(
      mistakes,
      fields.map(({ name }) => name),
    ),
  };
}

/**
 * The mistakes of each field, in the order of the form, and those of none.
 *
 * @param fields the names of the form's fields
 */
export function mistakesOf(all: readonly Sentence[], fields: readonly string[]): Mistakes {
  const errors = new Map<unknown, string>();
  const summary = new Set<string>();
  const known = new Set<unknown>(fields);
  for (const { path, message } of all) {
    const [name] = path;
    const sentence = message.slice(0, longestSentence);
    // The first of each field: whoever sets it right sees the next.
    if (!known.has(name)) summary.add(sentence);
    else if (!errors.has(name)) errors.set(name, sentence);
  }
  const ordered = fields.flatMap((name) => {
    const sentence = errors.get(name);
    return sentence === undefined ? [] : [[name, sentence] as const];
  });
  return { errors: record(ordered.slice(0, most)), summary: [...summary].slice(0, most) };
}

const most = 100;
const longestSentence = 500;

interface Read {
  value?: unknown;
  empty?: boolean;
  mistake?: Text;
}

function readField(
  { kind, empty, secret }: Field,
  sent: string | string[] | undefined,
  point: DecimalSign,
): Read {
  const texts = [sent ?? []].flat().map(withPlainLineEnds);
  // What cannot be seen is not there. A password may be of blanks.
  const typed = texts.filter((text) => (secret ? text !== '' : text.trim() !== ''));
  if (typed.some((text) => text.includes('\0'))) return { mistake: { key: 'form.not-valid' } };
  if (kind.is === 'list' || (takesSeveral(kind) && typed.length > 1)) {
    const items = typed.map((text, index) =>
      convert(kind.is === 'list' ? kind.at(index) : kind, text, point),
    );
    return { value: kind.is === 'list' && kind.isSet ? new Set(items) : items, empty: items.length === 0 };
  }
  if (texts.length > 1) return { mistake: { key: 'form.repeated' } };
  const [text] = typed;
  // Whatever its schema has as a default: whoever has cleared a box means it.
  if (kind.is === 'box')
    return { value: text !== undefined && convert(kind, text, point), empty: text === undefined };
  return text === undefined ? { value: empty, empty: true } : { value: convert(kind, text, point) };
}

/** True where an issue is about a field as a whole that was left empty. */
function isEmptyField({ path = [], input }: Issue, empty: ReadonlySet<string>): boolean {
  if (path.length === 0) return input === undefined;
  return path.length === 1 && empty.has(String(path[0]));
}
