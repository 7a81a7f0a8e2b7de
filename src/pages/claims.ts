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
  const rows = layOutRows(claims, Number.POSITIVE_INFINITY);
  rows.sort((a, b) => rankOf(a.name) - rankOf(b.name));
  return [
    { title: 'About you', rows: rows.filter((row) => !signInClaims.has(row.name)) },
    { title: 'About this sign-in', rows: rows.filter((row) => signInClaims.has(row.name)) },
  ].filter((group) => group.rows.length > 0);
}

const ranks = new Map([...claimLabels.keys()].map((name, index) => [name, index]));
const rankOf = (name: string) => ranks.get(name) ?? ranks.size;

/** Any JSON as rows of names and values. */
export function layOutRows(object: object, limit = longest): Row[] {
  return Object.entries(object)
    .slice(0, limit)
    .map(([name, value]) => ({ name, label: claimLabels.get(name), value: layOut(value, name) }));
}

// A claim may hold ten thousand roles or nest without end: a page shows the start, the raw JSON holds all.
const longest = 50;
const deepest = 4;

export function layOut(value: unknown, name = '', depth = 0): Value {
  const time = timeClaims.has(name) ? asDate(value) : undefined;
  if (time) return { kind: 'time', ...dateTime(time) };
  if (value === null || value === undefined || value === '') return { kind: 'empty', text: 'empty' };
  if (typeof value === 'boolean') return { kind: 'boolean', text: value ? 'Yes' : 'No' };
  if (typeof value === 'number') return { kind: 'number', text: String(value) };
  if (typeof value !== 'object') return { kind: 'text', text: String(value) };
  const size = Array.isArray(value) ? value.length : Object.keys(value).length;
  if (size === 0) return { kind: 'empty', text: 'empty' };
  if (depth >= deepest) return { kind: 'text', text: JSON.stringify(value) };
  const more = Math.max(0, size - longest);
  if (Array.isArray(value)) {
    const items = value.slice(0, longest).map((item) => layOut(item, '', depth + 1));
    return {
      kind: 'list',
      items,
      more,
      flat: items.every((item) => 'text' in item && item.text.length < 40),
    };
  }
  const rows = Object.entries(value)
    .slice(0, longest)
    .map(([key, inner]) => ({ name: key, value: layOut(inner, key, depth + 1) }));
  return { kind: 'object', rows, more };
}

/** Seconds since 1970 (RFC 7519), or, as some providers send `updated_at`, an ISO date. */
function asDate(value: unknown): Date | undefined {
  if (typeof value !== 'number' && !(typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value))) return;
  const date = new Date(typeof value === 'number' ? value * 1000 : value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
