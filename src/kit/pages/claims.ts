import { claimBounds, excess } from '../provider/bounds.ts';
import { claimLabels, signInClaims, timeClaims } from './claim-names.ts';
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
export function layOutClaims(claims: Record<string, unknown>): { title: string; rows: Row[] }[] {
  const names = Object.keys(claims).sort((a, b) => rankOf(a) - rankOf(b));
  const only = (wanted: (name: string) => boolean) =>
    names.filter(wanted).map((name): [string, unknown] => [name, claims[name]]);
  return [
    {
      title: 'About you',
      rows: rowsOf(
        only((name) => !signInClaims.has(name)),
        mostRows,
      ),
    },
    {
      title: 'About this sign-in',
      rows: rowsOf(
        only((name) => signInClaims.has(name)),
        mostRows,
      ),
    },
  ].filter((group) => group.rows.length > 0);
}

const ranks = new Map([...claimLabels.keys()].map((name, index) => [name, index]));
const rankOf = (name: string) => ranks.get(name) ?? ranks.size;

/** Any JSON as rows of names and values. */
export function layOutRows(object: object): Row[] {
  return rowsOf(Object.entries(object), longest);
}

/**
 * The JSON text of an API as rows of names and values, and as it came. What is no JSON, or more than a page can show,
 * is a `problem`.
 */
export function layOutJson(
  text: string,
): { rows: Row[]; raw: string } | { problem: 'not-json' | 'too-large' } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'not-json' };
  }
  if (excess(value, claimBounds)) return { problem: 'too-large' };
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const rows = isObject ? layOutRows(value as object) : [{ name: 'answer', value: layOut(value) }];
  return { rows, raw: rawJson(value) };
}

/** As it came. A long one is not spread over lines: blanks would make many times as much of it. */
export function rawJson(value: unknown): string {
  if (excess(value, claimBounds)) return tooMuch;
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
const tooMuch = 'This is more than a page can show.';

/** How many values a page may still lay out. */
interface Budget {
  left: number;
}

function rowsOf(entries: readonly [string, unknown][], limit: number): Row[] {
  const budget = { left: mostValues };
  const rows: Row[] = takeWhileLeft(entries, limit, budget, ([name, value]) => ({
    name: shortened(name, longestName),
    label: claimLabels.get(name),
    value: layOut(value, name, 0, budget),
  }));
  const more = entries.length - rows.length;
  if (more > 0) rows.push({ name: '…', value: { kind: 'empty', text: `and ${more} more` } });
  return rows;
}

export function layOut(value: unknown, name = '', depth = 0, budget: Budget = { left: mostValues }): Value {
  budget.left--;
  const time = timeClaims.has(name) ? asDate(value) : undefined;
  if (time) return { kind: 'time', ...dateTime(time) };
  if (value === null || value === undefined || value === '') return { kind: 'empty', text: 'empty' };
  if (typeof value === 'boolean') return { kind: 'boolean', text: value ? 'Yes' : 'No' };
  if (typeof value === 'number') return { kind: 'number', text: String(value) };
  if (typeof value !== 'object') return { kind: 'text', text: shortened(String(value), longestText) };
  const size = Array.isArray(value) ? value.length : Object.keys(value).length;
  if (size === 0) return { kind: 'empty', text: 'empty' };
  if (depth >= deepest) return { kind: 'text', text: shortened(inOneLine(value), longestText) };
  const lay = (inner: unknown, key = '') => layOut(inner, key, depth + 1, budget);
  if (Array.isArray(value)) {
    const items = takeWhileLeft(value, longest, budget, (item) => lay(item));
    const flat = items.every((item) => 'text' in item && item.text.length < 40);
    return { kind: 'list', items, more: size - items.length, flat };
  }
  const rows = takeWhileLeft(Object.entries(value), longest, budget, ([key, inner]) => ({
    name: shortened(key, longestName),
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
function inOneLine(value: object): string {
  return excess(value, claimBounds) ? tooMuch : JSON.stringify(value);
}

function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}… (${text.length} characters)` : text;
}

/** Seconds since 1970 (RFC 7519), or, as some providers send `updated_at`, an ISO date. */
function asDate(value: unknown): Date | undefined {
  const isDate = typeof value === 'string' && value.length <= longestDate && /^\d{4}-\d\d-\d\dT/.test(value);
  if (typeof value !== 'number' && !isDate) return;
  const date = new Date(typeof value === 'number' ? value * 1000 : value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
