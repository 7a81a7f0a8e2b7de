import { english, type Language } from '../errors/language.ts';

/** A moment or a day, for people (a moment with its zone, as we do not know theirs) and for machines. */
export interface Moment {
  text: string;
  iso: string;
}

const months = 'January February March April May June July August September October November December'.split(
  ' ',
);

/**
 * "23 November 2026 at 03:57 UTC", in the words of a language; of a day, "23 November 2026".
 *
 * @param at a moment; or a day as a form has it, `2026-11-23`, with a time or without, `2026-11-23T10:30`: such a text is
 *   in no time zone, so it is printed as it is. Any other text is not changed
 */
export function dateTime(at: Date | string, language: Pick<Language, 'tag'> = english): Moment {
  if (typeof at === 'string') return asWritten(at, language);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  const iso = `${String(year).padStart(4, '0')}-${twoDigits(month + 1)}-${twoDigits(day)}T${clockOf(at)}Z`;
  return { text: inWords(at, language, 'moment'), iso };
}

function asWritten(text: string, language: Pick<Language, 'tag'>): Moment {
  const [, day, time, zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  const date = new Date(`${day}${time ?? ''}${time ? zone : ''}`);
  // There is no 31 February.
  if (Number.isNaN(date.getTime()) || new Date(`${day}`).getUTCDate() !== Number(day?.slice(-2)))
    return { text, iso: text };
  if (time !== undefined && text.endsWith(zone)) return dateTime(date, language);
  return { text: inWords(date, language, time === undefined ? 'day' : 'day and time'), iso: text };
}

/** English by hand: a page prints many, and with Intl it took 1.08 × the CPU (bench of November 2026). */
function inWords(date: Date, { tag }: Pick<Language, 'tag'>, kind: Kind): string {
  const year = date.getUTCFullYear();
  if (tag !== 'en' && !Number.isNaN(year)) return formats[kind](tag).format(date);
  const day = `${date.getUTCDate()} ${months[date.getUTCMonth()]} ${year}`;
  if (kind === 'day') return day;
  return `${day} at ${clockOf(date)}${kind === 'moment' ? ' UTC' : ''}`;
}

function clockOf(date: Date): string {
  return `${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}`;
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}

/** "just now", "5 minutes ago", "2 days ago": quicker to grasp than a date. */
export function ago(date: Date, language: Language = english, now = Date.now()): string {
  const minutes = Math.floor((now - date.getTime()) / 60_000);
  if (minutes < 1) return language.text('time.just-now');
  const since = spans(language.tag);
  if (minutes < 60) return since.format(-minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? since.format(-hours, 'hour') : since.format(-Math.floor(hours / 24), 'day');
}

// Made for each date anew, a page takes 4.5 × the CPU (bench of November 2026). A language that this Node does not know
// writes them in English.

type Kind = 'day' | 'day and time' | 'moment';

const day = { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' } as const;
const dayAndTime = { ...day, hour: '2-digit', minute: '2-digit' } as const;
const formats: Record<Kind, (tag: string) => Intl.DateTimeFormat> = {
  day: format(day),
  'day and time': format(dayAndTime),
  moment: format({ ...dayAndTime, timeZoneName: 'short' }),
};
const spans = kept((tag) => new Intl.RelativeTimeFormat([tag, 'en']));

/** As many as a site has languages. */
function kept<T>(make: (tag: string) => T): (tag: string) => T {
  const made = new Map<string, T>();
  return (tag) => {
    const known = made.get(tag) ?? make(tag);
    made.set(tag, known);
    return known;
  };
}

function format(options: Intl.DateTimeFormatOptions) {
  return kept((tag) => new Intl.DateTimeFormat([tag, 'en-GB'], options));
}
