import { english, type Language } from '../errors/language.ts';
import { claimBounds, excess } from '../provider/bounds.ts';
import { claimKey, claimNames, signInClaims, timeClaims } from './claim-names.ts';
import { dateTime } from './time.ts';

/** A value as a page lays it out. Text is printed escaped, whatever it holds. */
export type Value =
  | { kind: 'text' | 'number' | 'boolean' | 'empty'; text: string }
  | { kind: 'time'; text: string; iso: string }
  | { kind: 'list'; items: Value[]; more: number /** Only short words. */; flat: boolean }
  | { kind: 'object'; rows: Row[]; more: number };

export interface Row {
  name: string;
  /** What the name means, where it is a well-known one. */
  label?: string | undefined;
  value: Value;
}

/** The claims in two tables: who the user is, and how the sign-in came about. */
export function layOutClaims(
  claims: Record<string, unknown>,
  language: Language = english,
): { title: string; rows: Row[] }[] {
  const names = Object.keys(claims).sort((a, b) => rankOf(a) - rankOf(b));
  const only = (wanted: (name: string) => boolean) =>
    names.filter(wanted).map((name): [string, unknown] => [name, claims[name]]);
  return [
    {
      title: language.text('claims.about-you'),
      rows: rowsOf(
        only((name) => !signInClaims.has(name)),
        mostRows,
        language,
      ),
    },
    {
      title: language.text('claims.about-sign-in'),
      rows: rowsOf(
        only((name) => signInClaims.has(name)),
        mostRows,
        language,
      ),
    },
  ].filter((group) => group.rows.length > 0);
}

const ranks = new Map(claimNames.map((name, index) => [name, index]));
const rankOf = (name: string) => ranks.get(name) ?? ranks.size;

/** Any JSON as rows of names and values. */
export function layOutRows(object: object, language: Language = english): Row[] {
  return rowsOf(Object.entries(object), longest, language);
}

/**
 * The JSON text of an API as rows of names and values, and as it came. What is no JSON, or more than a page can show,
 * is a `problem`.
 */
export function layOutJson(
  text: string,
  language: Language = english,
): { rows: Row[]; raw: string } | { problem: 'not-json' | 'too-large' } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'not-json' };
  }
  if (excess(value, claimBounds)) return { problem: 'too-large' };
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const rows = isObject
    ? layOutRows(value as object, language)
    : [{ name: language.text('claims.answer'), value: layOut(value, '', language) }];
  return { rows, raw: rawJson(value, language) };
}

/** As it came. A long one is not spread over lines: blanks would make many times as much of it. */
export function rawJson(value: unknown, language: Language = english): string {
  if (excess(value, claimBounds)) return language.text('claims.too-much');
  const spread = JSON.stringify(value, null, 2);
  return spread.length > longestRaw ? JSON.stringify(value) : spread;
}

// What is laid out comes from outside: a claim may hold five thousand roles, and text may be long. However much it is,
// a page shows the start of it and stays small (R23); the raw JSON holds the rest.
const longest = 50;
const mostRows = 200;
const mostValues = 500;
const deepest = 4;
const longestText = 1_000;
const longestName = 200;
const longestDate = 40;
const longestRaw = 64 * 1024;

/** How many values a page may still lay out. */
interface Budget {
  left: number;
}

function rowsOf(entries: readonly [string, unknown][], limit: number, language: Language): Row[] {
  const budget = { left: mostValues };
  const rows: Row[] = takeWhileLeft(entries, limit, budget, ([name, value]) => ({
    name: shortened(name, longestName, language),
    label: labelOf(name, language),
    value: layOut(value, name, language, 0, budget),
  }));
  const more = entries.length - rows.length;
  if (more > 0)
    rows.push({ name: '…', value: { kind: 'empty', text: language.text('claims.more', { count: more }) } });
  return rows;
}

function labelOf(name: string, language: Language): string | undefined {
  const key = claimKey(name);
  return key && language.text(key);
}

export function layOut(
  value: unknown,
  name = '',
  language: Language = english,
  depth = 0,
  budget: Budget = { left: mostValues },
): Value {
  budget.left--;
  const time = timeClaims.has(name) ? asDate(value) : undefined;
  if (time) return { kind: 'time', ...dateTime(time, language) };
  const empty: Value = { kind: 'empty', text: language.text('claims.empty') };
  if (value === null || value === undefined || value === '') return empty;
  if (typeof value === 'boolean')
    return { kind: 'boolean', text: language.text(value ? 'claims.yes' : 'claims.no') };
  if (typeof value === 'number') return { kind: 'number', text: String(value) };
  if (typeof value !== 'object')
    return { kind: 'text', text: shortened(String(value), longestText, language) };
  const size = Array.isArray(value) ? value.length : Object.keys(value).length;
  if (size === 0) return empty;
  if (depth >= deepest)
    return { kind: 'text', text: shortened(inOneLine(value, language), longestText, language) };
  const lay = (inner: unknown, key = '') => layOut(inner, key, language, depth + 1, budget);
  if (Array.isArray(value)) {
    const items = takeWhileLeft(value, longest, budget, (item) => lay(item));
    const flat = items.every((item) => 'text' in item && item.text.length < 40);
    return { kind: 'list', items, more: size - items.length, flat };
  }
  const rows = takeWhileLeft(Object.entries(value), longest, budget, ([key, inner]) => ({
    name: shortened(key, longestName, language),
    value: lay(inner, key),
  }));
  return { kind: 'object', rows, more: size - rows.length };
}

function takeWhileLeft<T, R>(all: readonly T[], limit: number, budget: Budget, lay: (one: T) => R): R[] {
  const laid: R[] = [];
  for (const one of all.slice(0, limit)) {
    if (budget.left <= 0) break;
    laid.push(lay(one));
  }
  return laid;
}

/** JSON.stringify calls itself for each level, so a value that nests too deeply would break the page. */
function inOneLine(value: object, language: Language): string {
  return excess(value, claimBounds) ? language.text('claims.too-much') : JSON.stringify(value);
}

function shortened(text: string, length: number, language: Language): string {
  if (text.length <= length) return text;
  return language.text('claims.shortened', { start: text.slice(0, length), count: text.length });
}

/** Seconds since 1970 (RFC 7519), or, as some providers send `updated_at`, an ISO date. */
function asDate(value: unknown): Date | undefined {
  const isDate = typeof value === 'string' && value.length <= longestDate && /^\d{4}-\d\d-\d\dT/.test(value);
  if (typeof value !== 'number' && !isDate) return;
  const date = new Date(typeof value === 'number' ? value * 1000 : value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
