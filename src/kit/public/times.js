// Writes times in the browser's own time zone, in the page's language. Without it they stay in UTC. Days and times
// without a zone are the same everywhere.
(() => {
  const times = document.querySelectorAll('time[datetime]:not([data-ago])');
  if (times.length === 0) return;
  // In the browser's own manner where it is of the page's language: US English and British write dates differently.
  const { lang } = document.documentElement;
  const sameLanguage = (tag) => tag.split('-')[0] === lang.split('-')[0];
  const languages = [...navigator.languages.filter(sameLanguage), lang].filter(Boolean);
  // One for all of a kind: to make it takes longer than to write a hundred times.
  const made = {};
  const format = (timeStyle, timeZone) =>
    (made[timeStyle + timeZone] ??= new Intl.DateTimeFormat(languages, {
      dateStyle: 'long',
      timeStyle,
      timeZone,
    }));
  for (const time of times) {
    // Date.parse takes much else, and each browser something else.
    const [, day, clock, zone] = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d[\d:.]*)(Z?))?$/.exec(time.dateTime) ?? [];
    const moment = Date.parse(`${day}T${clock ?? '00:00'}Z`);
    if (moment) time.textContent = format(clock && 'short', zone ? undefined : 'UTC').format(moment);
  }
})();
