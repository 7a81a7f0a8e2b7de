import type { DecimalSign } from './decimal-sign.ts';
import type { Kind } from './kinds.ts';

/**
 * What a schema is handed for a text: what it stands for, or the text itself where it stands for nothing of its kind.
 *
 * @param point the decimal sign of the page's language
 */
export function convert(kind: Kind, text: string, point: DecimalSign): unknown {
  switch (kind.is) {
    case 'text':
    case 'list':
    case 'nothing':
      return text;
    case 'day':
      return hasYear(text) ? text : '';
    case 'box':
      return text !== 'false';
    case 'choice':
      return kind.values.has(text) ? kind.values.get(text) : text;
    case 'one of': {
      const taking = kind.kinds.find((each) => takes(each, text, point));
      return taking ? convert(taking, text, point) : text;
    }
    case 'number':
      return numberIn(text, point) ?? (kind.coerce ? Number.NaN : text);
    case 'bigint':
      return bigintIn(text) ?? (kind.coerce ? Number.NaN : text);
    case 'date':
      return dateIn(text) ?? (kind.coerce ? new Date(Number.NaN) : text);
  }
}

function takes(kind: Kind, text: string, point: DecimalSign): boolean {
  switch (kind.is) {
    case 'text':
    case 'day':
      return true;
    case 'list':
    case 'nothing':
      return false;
    case 'box':
      return /^(on|true|false)$/.test(text);
    case 'choice':
      return kind.values.has(text);
    case 'one of':
      return kind.kinds.some((each) => takes(each, text, point));
    case 'number':
      return numberIn(text, point) !== undefined;
    case 'bigint':
      return bigintIn(text) !== undefined;
    case 'date':
      return dateIn(text) !== undefined;
  }
}

/**
 * A plain decimal number, with the point that `<input type="number">` sends in each language, or with the language's own
 * sign. Whole numbers that JavaScript cannot tell from their neighbours become infinite, which no
 * schema takes: it must not be another number than the one that was typed.
 */
function numberIn(text: string, point: DecimalSign): number | undefined {
  if (text.length > mostDigits || !/^-?(\d+([.,]\d+)?|[.,]\d+)$/.test(text)) return undefined;
  if (text.includes(',') && point !== ',') return undefined;
  const value = Number(text.replace(',', '.')) + 0; // "-0" is 0.
  return Math.abs(value) > Number.MAX_SAFE_INTEGER ? Math.sign(value) * Number.POSITIVE_INFINITY : value;
}

function bigintIn(text: string): bigint | undefined {
  // How long BigInt takes grows faster than its digits (R23).
  return text.length <= mostDigits && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

const mostDigits = 400;

/** No browser sends the year 0, and not every database takes it (PostgreSQL). zod does. */
const hasYear = (text: string) => !text.startsWith('0000');

/** A date as `<input type="date">` sends it, or `datetime-local`: there is no time zone in it, so it is read as UTC. */
function dateIn(text: string): Date | undefined {
  const [, day, time] = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)?Z?$/.exec(text) ?? [];
  if (day === undefined || !hasYear(day)) return undefined;
  const date = new Date(`${day}${time ?? 'T00:00'}Z`);
  // JavaScript takes 30 February for 2 March.
  const exists = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
  return exists ? date : undefined;
}
