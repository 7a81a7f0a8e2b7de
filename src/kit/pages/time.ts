/** A moment for people (with its zone, as we do not know theirs) and for machines. */
export interface Moment {
  text: string;
  iso: string;
}

const months = 'January February March April May June July August September October November December'.split(
  ' ',
);

/** "23 November 2026 at 03:57 UTC". By hand: a page prints many, and Intl and toISOString are slow. */
export function dateTime(date: Date): Moment {
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const clock = `${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}`;
  return {
    text: `${day} ${months[month]} ${year} at ${clock} UTC`,
    iso: `${String(year).padStart(4, '0')}-${twoDigits(month + 1)}-${twoDigits(day)}T${clock}Z`,
  };
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}

/** "just now", "5 minutes ago", "2 days ago": quicker to grasp than a date. */
export function ago(date: Date, now = Date.now()): string {
  const minutes = Math.floor((now - date.getTime()) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return count(minutes, 'minute');
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? count(hours, 'hour') : count(Math.floor(hours / 24), 'day');
}

function count(n: number, unit: string): string {
  return `${n} ${unit}${n === 1 ? '' : 's'} ago`;
}
