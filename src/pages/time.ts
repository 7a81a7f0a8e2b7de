/** A moment for people (with its zone, as we do not know theirs) and for machines. */
export interface Moment {
  text: string;
  iso: string;
}

// Made once: building a formatter costs a hundred times what using it does.
const format = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
  timeZoneName: 'short',
});

export function dateTime(date: Date): Moment {
  return { text: format.format(date), iso: date.toISOString() };
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
