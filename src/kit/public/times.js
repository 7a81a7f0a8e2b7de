// Writes times in the browser's own time zone, in the page's language. Without it they stay in UTC.
(() => {
  const times = document.querySelectorAll('time[datetime$="Z"]:not([data-ago])');
  if (times.length === 0) return;
  // In the browser's own manner where it is of the page's language: US English and British write dates differently.
  const { lang } = document.documentElement;
  const sameLanguage = (tag) => tag.split('-')[0] === lang.split('-')[0];
  const languages = [...navigator.languages.filter(sameLanguage), lang].filter(Boolean);
  // One for all of them: to make it takes longer than to write a hundred times.
  const format = new Intl.DateTimeFormat(languages, { dateStyle: 'long', timeStyle: 'short' });
  for (const time of times) {
    // A moment with its day: Date.parse takes much else, and each browser something else.
    const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.]*Z$/.test(time.dateTime) && Date.parse(time.dateTime);
    if (moment) time.textContent = format.format(moment);
  }
})();
