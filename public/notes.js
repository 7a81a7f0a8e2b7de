// Adds the older notes to the list, where the link would lead to the next page. Without this script it does.
const list = document.querySelector('#notes');
const older = document.querySelector('[data-page]');
let isLoading = false;
/** When notes were added. */
let addedAt = Number.NEGATIVE_INFINITY;

older?.addEventListener('click', async (event) => {
  // With a key held down, a click opens the next page in a tab or window of its own.
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  // A double click would add the same notes twice.
  if (isLoading) return;
  isLoading = true;
  const page = Number(older.dataset.page);
  const answer = await fetch(`/api/notes?page=${page}`).catch(() => undefined);
  // The session has ended, or something is away: the page that the link leads to says so.
  if (!answer?.ok) return location.assign(older.href);
  const { notes, hasMore } = await answer.json();
  const added = notes.map(cardOf);
  list.append(...added);
  addedAt = performance.now();
  added[0]?.querySelector('a').focus();
  older.dataset.page = page + 1;
  older.href = `/notes?page=${page + 1}`;
  older.hidden = !hasMore;
  isLoading = false;
});

// A note is now where the link was: the second click of a double click would open it. A key has no such place.
list?.addEventListener('click', (event) => {
  if (event.detail > 0 && performance.now() - addedAt < 500) event.preventDefault();
});

/** As text, never as markup: a title may hold anything. */
function cardOf({ id, title, kind, pinned }) {
  const card = list.firstElementChild.cloneNode(true);
  Object.assign(card.querySelector('a'), { href: `/notes/${id}`, textContent: title });
  const badges = [kind, ...(pinned ? ['pinned'] : [])].map((text) => {
    const badge = document.createElement('span');
    badge.className = 'badge';
    badge.textContent = text;
    return badge;
  });
  card.querySelector('p').replaceChildren(...badges.flatMap((badge) => [badge, ' ']));
  return card;
}
