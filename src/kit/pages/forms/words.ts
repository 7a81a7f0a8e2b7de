import type { Language } from '../../errors/language.ts';
import type { Text, TextName } from '../../errors/texts.ts';
import { dateTime } from '../time.ts';
import { decimalSign } from './decimal-sign.ts';
import type { Issue } from './schema.ts';

interface About {
  /** The field was left empty. */
  empty: boolean;
  language: Language;
}

/**
 * The words for what a schema found, where it has none of its own: zod asks the schema's check first, then the schema,
 * then this.
 */
export function textFor(issue: Issue, about: About): Text {
  switch (issue.code) {
    case 'invalid_type':
      return about.empty ? whenEmpty(issue) : { key: ofType(issue) };
    case 'invalid_value':
      return isTick(issue.values) ? { key: 'form.tick' } : { key: 'form.choice' };
    case 'too_small':
      return tooSmall(issue, about);
    case 'too_big':
      return tooBig(issue, about);
    case 'invalid_format':
      return ofFormat(issue);
    case 'not_multiple_of':
      return { key: 'form.multiple', values: { limit: written(issue.divisor, about.language) } };
    case 'invalid_union':
      return ofUnion(issue, about);
    default:
      return { key: 'form.not-valid' };
  }
}

const isTick = (values: readonly unknown[] = []) => values.length === 1 && typeof values[0] === 'boolean';

/** An empty text never comes to `.min(1, 'Say who you are')`, so what that would say is said here. */
function whenEmpty(issue: Issue): Text {
  const { checks = [] } = (issue.inst?._zod.def ?? {}) as { checks?: readonly Check[] };
  for (const check of checks) {
    const { check: name, minimum, length, error } = check._zod.def;
    if (!/^(min_length|length_equals)$/.test(name)) continue;
    const told = error?.({
      ...{ code: 'too_small', origin: 'string', minimum: minimum ?? length ?? 1, inclusive: true, input: '' },
      ...{ inst: check, path: issue.path ?? [] },
    });
    const message = typeof told === 'object' ? told?.message : told;
    if (message) return message;
  }
  const key = ofType(issue);
  return { key: named(ofEmpty, key) ?? key };
}

interface Check {
  _zod: {
    def: {
      check: string;
      minimum?: number;
      length?: number;
      error?: (issue: Issue) => string | { message: string } | null | undefined;
    };
  };
}

/** What is to be entered. A schema that is of a format from the start, such as z.email() or z.int(), says so itself. */
function ofType({ expected = '', input, inst }: Issue): TextName {
  if (input === Number.POSITIVE_INFINITY || input === Number.NEGATIVE_INFINITY) return 'form.too-many-digits';
  const { format = '' } = (inst?._zod.def ?? {}) as { format?: string };
  return named(wholeNumbers, format) ?? named(formats, format) ?? named(types, expected) ?? 'form.not-valid';
}

const types: Names = {
  number: 'form.number',
  int: 'form.whole-number',
  bigint: 'form.whole-number',
  date: 'form.date',
};

const wholeNumbers: Names = {
  safeint: 'form.whole-number',
  int32: 'form.whole-number',
  uint32: 'form.whole-number',
};

const formats: Names = {
  email: 'form.email',
  url: 'form.web-address',
  date: 'form.date',
  datetime: 'form.date-time',
  time: 'form.time',
};

/** What an empty field is asked for, where a wrong one hears something else. */
const ofEmpty: Names = {
  'form.not-valid': 'form.required',
  'form.date': 'form.choose-date',
  'form.date-time': 'form.choose-date-time',
};

type Names = Readonly<Record<string, TextName>>;

function named(names: Names, name: string): TextName | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined;
}

function tooSmall({ origin, minimum, inclusive, exact }: Issue, { language }: About): Text {
  const count = Number(minimum) + (inclusive ? 0 : 1);
  switch (origin) {
    case 'string':
      if (exact) return { key: 'form.exact-length', values: { count } };
      return count === 1 ? { key: 'form.required' } : { key: 'form.too-short', values: { count } };
    case 'array':
    case 'set':
      return { key: exact ? 'form.exact-number' : 'form.too-few', values: { count } };
    case 'date':
      return {
        key: inclusive ? 'form.too-early' : 'form.after',
        values: { limit: dayOrTime(minimum, language) },
      };
    default:
      return {
        key: inclusive ? 'form.too-small' : 'form.more-than',
        values: { limit: written(minimum, language) },
      };
  }
}

function tooBig({ origin, maximum, inclusive, exact }: Issue, { language }: About): Text {
  const count = Number(maximum) - (inclusive ? 0 : 1);
  switch (origin) {
    case 'string':
      return { key: exact ? 'form.exact-length' : 'form.too-long', values: { count } };
    case 'array':
    case 'set':
      return { key: exact ? 'form.exact-number' : 'form.too-many', values: { count } };
    case 'date':
      return {
        key: inclusive ? 'form.too-late' : 'form.before',
        values: { limit: dayOrTime(maximum, language) },
      };
    default:
      return {
        key: inclusive ? 'form.too-big' : 'form.less-than',
        values: { limit: written(maximum, language) },
      };
  }
}

/** As it may be typed. */
function written(limit: number | bigint | undefined, language: Language): string {
  return String(limit).replace('.', decimalSign(language));
}

/** A moment at midnight is meant as a day. Forms have no time zone. */
function dayOrTime(at: number | bigint | undefined, language: Language): string {
  const date = new Date(Number(at));
  if (Number.isNaN(date.getTime())) return String(at);
  const [day = '', time] = date.toISOString().slice(0, 16).split('T');
  return dateTime(time === '00:00' ? day : `${day}T${time}`, language).text;
}

function ofFormat({ format = '', prefix, suffix, includes }: Issue): Text {
  if (format === 'starts_with') return { key: 'form.begins-with', values: { text: String(prefix) } };
  if (format === 'ends_with') return { key: 'form.ends-with', values: { text: String(suffix) } };
  if (format === 'includes') return { key: 'form.includes', values: { text: String(includes) } };
  return { key: named(formats, format) ?? 'form.pattern' };
}

/** What its options said is in words already. The one that came nearest counts: the right type, and no other mistake. */
function ofUnion({ errors = [], ...issue }: Issue, { empty }: About): Text {
  const options = errors.map((issues) => issues[0]).filter((first) => first !== undefined);
  const types = options.filter(({ code }) => code !== 'invalid_value');
  if (types.length === 0 && options.length > 0) return { key: 'form.choice' };
  if (empty) return whenEmpty(issue);
  const nearest =
    types.find(({ code }) => code !== 'invalid_type') ?? (types.length === 1 ? types[0] : undefined);
  return nearest?.message ?? { key: 'form.not-valid' };
}
